# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of what a CameraInfo tells about an image."""

from ncs_cluster_detector.detector_node.positions import camera_geometry
from ncs_cluster_detector.detector_node.positions.camera_geometry import CameraInfos
from ncs_cluster_detector.detector_node.positions.camera_geometry import rays
from ncs_cluster_detector.detector_node.positions.camera_geometry import why_unusable
import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

K = [500.0, 0.0, 320.0, 0.0, 400.0, 240.0, 0.0, 0.0, 1.0]


def calibrated(width=640, height=480, model='plumb_bob', d=(0.0,) * 5, frame_id='eye', binning=0,
               region=(0, 0, 0, 0)):
    """Return a CameraInfo; a region of interest is its offset and its size."""
    x_offset, y_offset, roi_width, roi_height = region
    bins = binning if isinstance(binning, tuple) else (binning, binning)
    return CameraInfo(
        header=Header(frame_id=frame_id), width=width, height=height, distortion_model=model, d=d,
        k=K, binning_x=bins[0], binning_y=bins[1], roi=RegionOfInterest(
            x_offset=x_offset, y_offset=y_offset, width=roi_width, height=roi_height))


@pytest.mark.parametrize('info, text', [
    (calibrated(), ''), (calibrated(0, 0), ''), (None, 'no camera_info came'),
    (CameraInfo(width=640, height=480), 'not calibrated'),
    (calibrated(320, 240), 'camera_info is for 320x240, the images are 640x480'),
    (calibrated(480, 640), 'camera_info is for 480x640, the images are 640x480'),
    (calibrated(d=(0.1, 0.2, 0.3)), "has 3 coefficients of the model 'plumb_bob', expected 4, 5"),
    (calibrated(d=(0.1,) * 5, model='equidistant'), 'has 5 coefficients'),
    (calibrated(d=(0.1,) * 4, model='equidistant'), ''), (calibrated(d=()), ''),
    (calibrated(d=(), model='equidistant'), ''),
    (calibrated(d=(0.1,) * 8, model='rational_polynomial'), ''),
    (calibrated(d=(0.1,) * 12, model='rational_polynomial'), ''),
    (calibrated(d=(0.1,) * 14, model='rational_polynomial'), ''),
    (calibrated(d=(0.1,) * 4), ''),
    (calibrated(d=(float('nan'),) * 5), 'not finite')])
def test_a_camera_info_that_tells_nothing_is_named(info, text):
    found = why_unusable(info, (640, 480), 'eye')
    assert text in found
    assert bool(text) == bool(found)


@pytest.mark.parametrize('model', ['fisheye', 'kannala_brandt', 'double_sphere', 'Plumb_Bob',
                                   ' plumb_bob', 'none', 'pinhole', 'thin_prism', 'a\nb'])
@pytest.mark.parametrize('d', [(), (0.0,) * 4, (0.1,) * 4, (0.1,) * 5])
def test_a_model_that_ros_does_not_know_is_named(model, d):
    found = why_unusable(calibrated(model=model, d=d), (640, 480), 'eye')
    assert found.startswith(f'camera_info has the distortion model {model!r}, which ROS does not '
                            'know, expected one of plumb_bob, rational_polynomial, equidistant;')
    assert '\n' not in found


T265 = (-0.0073, 0.0439, -0.0416, 0.0077)


def test_zeros_beyond_the_coefficients_of_a_model_say_nothing():
    pixels = [(20.0, 30.0), (600.0, 400.0)]
    expected = rays(calibrated(model='equidistant', d=T265), pixels)
    for zeros in ((0.0,), (0.0,) * 4):
        info = calibrated(model='equidistant', d=T265 + zeros)
        assert why_unusable(info, (640, 480), 'eye') == ''
        np.testing.assert_array_equal(rays(info, pixels), expected)
    assert why_unusable(calibrated(model='equidistant', d=T265 + (0.0, 0.1)), (640, 480), 'eye')
    assert why_unusable(calibrated(d=(0.1, 0.0, 0.0)), (640, 480), 'eye')


@pytest.mark.parametrize('fields', [{'model': 'm' * 10**6}, {'frame_id': 'f' * 10**6}])
def test_a_name_without_end_is_told_in_a_short_line(fields):
    found = why_unusable(calibrated(**fields), (640, 480), 'eye')
    assert fields.popitem()[1][:50] in found
    assert len(found) < 400


@pytest.mark.parametrize('d, usable', [
    ((), True), ((0.0,) * 5, True), ((0.1, 0.0, 0.0, 0.0), False)])
def test_no_model_is_one_without_distortion(d, usable):
    assert bool(why_unusable(calibrated(model='', d=d), (640, 480), 'eye')) != usable


@pytest.mark.parametrize('ours, theirs, same', [
    ('eye', 'eye', True), ('/eye', 'eye', True), ('eye', '', True), ('', 'eye', True),
    ('eye', 'Eye', False), ('eye', 'left/eye', False), ('eye', 'eye_optical', False)])
def test_only_the_frame_of_the_image_counts(ours, theirs, same):
    found = why_unusable(calibrated(frame_id=theirs), (640, 480), ours)
    assert bool(found) != same
    assert same or found.startswith(
        f'camera_info has the frame_id {theirs!r}, the images have {ours!r};')


@pytest.mark.parametrize('info, size', [
    (calibrated(binning=1), (640, 480)), (calibrated(binning=2), (320, 240)),
    (calibrated(binning=(4, 2)), (160, 240)), (calibrated(binning=(0, 3)), (640, 160)),
    (calibrated(region=(0, 0, 640, 480)), (640, 480)),
    (calibrated(region=(100, 50, 200, 120)), (200, 120)),
    (calibrated(region=(100, 50, 200, 120), binning=2), (100, 60)),
    (calibrated(region=(440, 360, 200, 120), binning=(4, 2)), (50, 60)),
    (calibrated(region=(101, 51, 201, 121), binning=2), (100, 60)),
    (calibrated(region=(101, 51, 201, 121), binning=2), (101, 61)),
    (calibrated(region=(100, 80, 0, 0)), (540, 400)),
    (calibrated(0, 0, region=(100, 80, 64, 48)), (64, 48)),
    (calibrated(0, 0, binning=2), (123, 45))])
def test_an_image_is_the_region_of_interest_binned(info, size):
    assert why_unusable(info, size, 'eye') == ''
    if info.width or info.roi.width:
        assert why_unusable(info, (size[0] + 2, size[1]), 'eye')
        assert why_unusable(info, (size[0], size[1] + 2), 'eye')


@pytest.mark.parametrize('info, text', [
    (calibrated(binning=2), 'camera_info is for 640x480 with binning 2x2, the images are '
     '640x480;'),
    (calibrated(region=(10, 20, 200, 120), binning=(2, 0)), 'camera_info is for 640x480 with the '
     'region of interest 200x120 at 10,20 with binning 2x1, the images are 640x480;'),
    (calibrated(region=(1, 0, 640, 480)), 'region of interest 640x480 at 1,0, the images are'),
    (calibrated(region=(2**32 - 1, 0, 640, 480)), 'region of interest 640x480 at 4294967295,0'),
    (calibrated(binning=2**32 - 1), 'with binning 4294967295x4294967295')])
def test_another_size_is_named_with_all_that_it_is_made_of(info, text):
    assert text in why_unusable(info, (640, 480), 'eye')


@pytest.mark.parametrize('binning', [0, 1, 2, (4, 2)])
@pytest.mark.parametrize('region', [(0, 0, 0, 0), (104, 52, 200, 120)])
def test_rays_are_those_of_the_calibration_with_binning_and_offset_taken_out(binning, region):
    info = calibrated(binning=binning, region=region)
    bins = [max(each, 1) for each in (binning if isinstance(binning, tuple) else (binning,) * 2)]
    pixel = 50.0, 30.0
    # By image_geometry's PinholeCameraModel: K = [fx/b, (cx - offset)/b].
    expected = [(place - (K[centre] - offset) / each) / (K[focal] / each)
                for place, centre, focal, offset, each in zip(
                    pixel, (2, 5), (0, 4), region[:2], bins)]
    np.testing.assert_allclose(rays(info, [pixel]), [expected], rtol=1e-12)


def test_an_image_has_the_camera_info_of_its_stamp_or_else_the_newest(monkeypatch):
    infos = CameraInfos()
    assert infos.of(1) is None
    first, second = calibrated(region=(0, 0, 9, 9)), calibrated(region=(5, 0, 9, 9))
    infos.take(first, 1)
    infos.take(second, 2)
    assert infos.of(1) is first
    assert infos.of(2) is second
    assert infos.of(3) is second
    infos.take(first, 1)   # the stamps begin anew
    assert infos.of(3) is first
    monkeypatch.setattr(camera_geometry, 'MOST_INFOS', 2)
    infos.take(second, 4)
    infos.take(first, 5)
    assert len(infos._infos) <= 3


@pytest.mark.parametrize('fields', [
    {'model': 'm' * 10**4}, {'frame_id': 'f' * 10**4}, {'d': (0.1,) * 10**4}])
def test_a_camera_info_without_end_counts_but_is_not_kept(fields):
    infos = CameraInfos()
    info = calibrated(**fields)
    infos.take(info, 1)
    assert infos.of(1) is info
    infos.take(calibrated(), 2)
    assert infos.of(1) is not info
