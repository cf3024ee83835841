# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of where something is that a pixel shows: the exact inverse of what OpenCV projects."""

import cv2
from ncs_cluster_detector.geometry.projection import FARTHEST
from ncs_cluster_detector.geometry.projection import rays_of
import numpy as np
import pytest

K = (600.0, 0.0, 320.0, 0.0, 610.0, 240.0, 0.0, 0.0, 1.0)
MATRIX = np.reshape(K, (3, 3))
WIDE = (0.4, -0.1, 0.001, 0.0, 0.01, 0.7, -0.1, 0.0)
# By name: the model, its coefficients, and how far off the axis (x/z) it can be inverted.
LENSES = {
    'none': ('', (), 20.0),
    'zeros': ('plumb_bob', (0.0,) * 5, 20.0),
    'barrel': ('plumb_bob', (-0.2, 0.05, 0.001, -0.002, 0.0), 3.0),
    'strong barrel': ('plumb_bob', (-0.6, 0.0, 0.0, 0.0), 0.745),
    'strong barrel, off centre': ('plumb_bob', (-0.5, 0.1, 0.01, -0.02, 0.0), 0.75),
    'pincushion': ('plumb_bob', (0.3, 0.2, -0.001, 0.003, 0.1), 3.0),
    'rational': ('rational_polynomial', WIDE, 2.8),
    'azure kinect': ('rational_polynomial',
                     (0.51, -2.69, 0.0006, -0.0002, 1.57, 0.39, -2.5, 1.49), 1.5),
    # Its denominator grows faster than its numerator: 140 degrees on few pixels.
    'rational, 140 degrees': ('rational_polynomial',
                              (3.3, 1.1, 0.0002, -0.0001, 0.02, 3.6, 2.1, 0.14), 2.9),
    'thin prism': ('rational_polynomial', (-0.2, 0.05, 0.001, 0.002, 0.01, 0.1, 0.02, 0.003,
                                           0.01, -0.002, 0.005, 0.001), 2.0),
    'tilted': ('rational_polynomial', (-0.2, 0.05, 0.001, 0.002, 0.01, 0.1, 0.02, 0.003,
                                       0.01, -0.002, 0.005, 0.001, 0.05, -0.08), 2.0),
    'equidistant': ('equidistant', (0.05, -0.01, 0.002, 0.0), 20.0),
    'equidistant, zeros': ('equidistant', (0.0,) * 4, 20.0),
    'equidistant, empty': ('equidistant', (), 20.0),
    'equidistant that turns': ('equidistant', (-0.2, 0.0, 0.0, 0.0), 3.4),
}
EVERY_LENS = pytest.mark.parametrize('model, d, farthest', LENSES.values(), ids=LENSES)


def pixels_of(rays, d, model):
    """Return where OpenCV projects what lies in these directions."""
    if model != 'equidistant':
        places = np.column_stack([rays, np.ones(len(rays))])
        return cv2.projectPoints(places[:, np.newaxis], np.zeros(3), np.zeros(3), MATRIX,
                                 np.array(d, float) if len(d) else None)[0].reshape(-1, 2)
    places = np.column_stack([rays, np.ones(len(rays))])[np.newaxis]
    return cv2.fisheye.projectPoints(places, np.zeros(3), np.zeros(3), MATRIX,
                                     np.array(d if len(d) else (0.0,) * 4))[0].reshape(-1, 2)


def some_rays(farthest, count=700):
    """Return directions up to so far off the axis, the axis itself among them."""
    chance = np.random.default_rng(1)
    angles, radii = chance.uniform(0, 2 * np.pi, count), chance.uniform(0, farthest, count)
    radii[0] = 0.0
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)])


@EVERY_LENS
def test_ten_thousand_pixels_are_found_again(model, d, farthest):
    rays = some_rays(farthest)
    found = rays_of(pixels_of(rays, d, model), K, d, model)
    np.testing.assert_allclose(found, rays, rtol=1e-6, atol=1e-9)


@EVERY_LENS
def test_a_ray_is_none_or_shows_its_very_pixel(model, d, farthest):
    pixels = np.random.default_rng(2).uniform(-2000, 3000, (700, 2))
    found = rays_of(pixels, K, d, model)
    there = np.isfinite(found).all(axis=1)
    assert (np.isnan(found).all(axis=1) | there).all()
    assert there.any()
    residual = np.abs(pixels_of(found[there], d, model) - pixels[there])
    assert residual.max() < 1e-6


@pytest.mark.parametrize('model, d, turning', [
    ('plumb_bob', (-0.6, 0.0, 0.0, 0.0), (1 / (3 * 0.6)) ** 0.5),
    ('equidistant', (-0.2, 0.0, 0.0, 0.0), np.tan((1 / (3 * 0.2)) ** 0.5))])
def test_up_to_the_turning_point_and_no_farther(model, d, turning):
    ((u, _),) = pixels_of(np.array([[turning, 0.0]]), d, model)
    ((x, y),) = rays_of([(u - 1e-6, K[5])], K, d, model)
    assert x == pytest.approx(turning, rel=1e-3) and y == 0.0
    assert np.isnan(rays_of([(u + 1e-6, K[5])], K, d, model)).all()


def test_of_two_rays_with_one_pixel_it_is_the_one_before_the_turning_point():
    d = (-0.6, 0.0, 0.0, 0.0)
    rays = np.array([[1.0, 0.0]])   # beyond 0.745
    ((x, _),) = rays_of(pixels_of(rays, d, 'plumb_bob'), K, d, 'plumb_bob')
    assert 0.4 < x < 0.745
    # A model that grows again behind its turning point has no second branch either.
    pixels = np.random.default_rng(4).uniform(-2000, 3000, (500, 2))
    for d in ((-0.6, 0.1, 0.0, 0.0), (-0.6, 0.1, 0.001, -0.001)):
        found = rays_of(pixels, K, d, 'plumb_bob')
        assert np.nanmax(np.hypot(*found.T)) < 0.84


def test_tangential_terms_may_let_a_model_turn_later_than_its_radial_part():
    d = (-0.5, 0.1, 0.0, 0.05, 0.0)   # the radial part turns at 1, to the right all of it does not
    rays = np.array([[0.95, 0.0], [1.05, 0.0], [1.3, 0.05]])
    np.testing.assert_allclose(
        rays_of(pixels_of(rays, d, 'plumb_bob'), K, d, 'plumb_bob'), rays, rtol=1e-6)


@pytest.mark.parametrize('k4', [-0.25, -0.3, -0.7, -0.11, -0.013, -1.9])
def test_up_to_a_pole_images_grow_beyond_all_bounds(k4):
    d = (0.0, 0.0, 0.0, 0.0, 0.0, k4, 0.0, 0.0)   # r / (1 + k4 r^2)
    pole = (-1 / k4) ** 0.5
    rays = np.array([[0.2, 0.0], [0.95, 0.0], [0.0, 0.999]]) * pole
    found = rays_of(pixels_of(rays, d, 'rational_polynomial'), K, d, 'rational_polynomial')
    np.testing.assert_allclose(found, rays, rtol=1e-6, atol=1e-9)
    beyond = pixels_of(np.array([[1.2 * pole, 0.0]]), d, 'rational_polynomial')
    ((x, _),) = rays_of(beyond, K, d, 'rational_polynomial')
    assert -pole < x < 0.0, 'left of the centre, where this side of the pole shows it'


def test_a_rational_lens_of_140_degrees_73_degrees_off_its_axis():
    ray = np.array([[np.tan(np.radians(73)) * 0.8, np.tan(np.radians(73)) * 0.6]])
    d = LENSES['rational, 140 degrees'][1]
    found = rays_of(pixels_of(ray, d, 'rational_polynomial'), K, d, 'rational_polynomial')
    np.testing.assert_allclose(found, ray, rtol=1e-9)


@pytest.mark.parametrize('d', [(), (0.0,) * 4])
def test_equidistant_without_coefficients_is_no_pinhole(d):
    focal = K[0]
    for degrees in (0, 40, 80, 89.9):
        ((x, _),) = rays_of([(K[2] + focal * np.radians(degrees), K[5])], K, d, 'equidistant')
        assert x == pytest.approx(np.tan(np.radians(degrees)), rel=1e-9)
    for degrees in (90, 101, 179, 361, 1e9):
        pixel = [(K[2] + focal * np.radians(degrees), K[5])]
        assert np.isnan(rays_of(pixel, K, d, 'equidistant')).all()


@pytest.mark.parametrize('model', ['plumb_bob', 'rational_polynomial', 'equidistant'])
def test_senseless_values_give_no_ray_or_a_finite_one(model):
    chance = np.random.default_rng(3)
    for _ in range(300):
        size = 4 if model == 'equidistant' else chance.choice([4, 5, 8, 12, 14])
        d = chance.standard_normal(size) * 10.0 ** chance.integers(-300, 308, size)
        k = np.array(K)
        k[[0, 4]] = 10.0 ** chance.integers(-307, 308, 2)
        k[[1, 2, 5]] = chance.standard_normal(3) * 10.0 ** chance.integers(-300, 308, 3)
        found = rays_of(chance.uniform(-1e5, 1e5, (9, 2)), k, d, model)
        assert not (np.abs(found) > FARTHEST).any()
        assert (np.isnan(found[:, 0]) == np.isnan(found[:, 1])).all()


@pytest.mark.parametrize('model, count', [('plumb_bob', 20), ('equidistant', 5), ('', 1)])
def test_zeros_are_no_distortion_however_many(model, count):
    found = rays_of([(K[2] + 60, K[5])], K, (0.0,) * count, model)
    np.testing.assert_allclose(found, rays_of([(K[2] + 60, K[5])], K, (), model))


def test_what_is_at_the_horizon_has_no_ray():
    k = np.array(K)
    k[[0, 4]] = 1e-5
    assert np.isnan(rays_of([(K[2] + 300, K[5])], k, (), 'plumb_bob')).all()
