# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The networks' inputs, held against plain arithmetic."""

import cv2
from ncs_cluster_detector.networks import preprocessing
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import image_of_network_input
from ncs_cluster_detector.networks.preprocessing import Preprocessor
import numpy as np
import pytest

SIZE = (300, 300)
FORMATS = [InputFormat(), InputFormat(order='rgb'), InputFormat(0.0, 1 / 255.0, 'rgb'),
           InputFormat(103.94, 0.017, 'bgr'), InputFormat(0.0, 1.0, 'bgr')]


def picture(height, width):
    """Return a picture of noise."""
    return np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize('input_format', FORMATS)
@pytest.mark.parametrize('size', [(224, 224), (300, 300), (512, 512), (320, 180)])
@pytest.mark.parametrize('height, width', [(240, 320), (720, 1280), (1, 1), (300, 300)])
def test_the_input_is_the_stretched_normalised_picture(height, width, size, input_format):
    image = picture(height, width)
    tensor = Preprocessor(input_format).network_input(image, NetworkInput(size))
    assert tensor.dtype == np.float16
    assert tensor.shape == (size[1], size[0], 3)
    assert tensor.flags.c_contiguous
    resized = cv2.resize(image, size).astype(np.float64)
    if input_format.order == 'rgb':
        resized = resized[:, :, ::-1]
    expected = (resized - input_format.mean) * input_format.scale
    np.testing.assert_array_equal(tensor, expected.astype(np.float16))


def test_the_default_is_what_mobilenet_ssd_was_trained_with():
    assert InputFormat() == InputFormat(127.5, 0.007843, 'bgr')


def test_a_slice_of_a_wider_image_serves_as_image():
    wide = picture(48, 80)
    preprocessor = Preprocessor()
    form = NetworkInput(SIZE)
    np.testing.assert_array_equal(preprocessor.network_input(wide[:, :64], form),
                                  preprocessor.network_input(wide[:, :64].copy(), form))


def test_each_size_is_made_once(monkeypatch):
    made = []
    resize = cv2.resize
    monkeypatch.setattr(preprocessing.cv2, 'resize',
                        lambda image, size, **rest: made.append(size) or resize(
                            image, size, **rest))
    sizes = [(300, 300), (224, 192), (300, 300), (192, 224)]
    image = picture(48, 80)
    inputs = Preprocessor().network_inputs(image, list(map(NetworkInput, sizes)))
    assert made == [(300, 300), (224, 192), (192, 224)]
    assert [tensor.shape for tensor in inputs] == [
        (height, width, 3) for width, height in sizes]
    for size, tensor in zip(sizes, inputs):
        alone = Preprocessor().network_input(image, NetworkInput(size))
        np.testing.assert_array_equal(tensor, alone)


@pytest.mark.parametrize('order', ['bgr', 'rgb'])
@pytest.mark.parametrize('size', [(300, 300), (64, 48)])
def test_the_picture_comes_back_from_half_precision(size, order):
    image = picture(size[1], size[0])
    tensor = Preprocessor(InputFormat(order=order)).network_input(image, NetworkInput(size))
    np.testing.assert_array_equal(image_of_network_input(tensor.reshape(-1), size, order), image)


def test_half_precision_keeps_all_pixel_values_apart():
    image = np.zeros((300, 300, 3), dtype=np.uint8)
    image.reshape(-1)[:256] = np.arange(256)
    tensor = Preprocessor().network_input(image, NetworkInput(SIZE))
    values = tensor.reshape(-1)[:256].astype(np.float64)
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(values, (np.arange(256) - 127.5) * 0.007843, atol=0.0003)


@pytest.mark.parametrize('input_format, fits', [
    (InputFormat(), True), (InputFormat(0.0, 256.87), True), (InputFormat(0.0, 256.9), False),
    (InputFormat(255.0, 256.9), False), (InputFormat(1e6, 1.0), False)])
def test_what_is_beyond_half_precision_is_known(input_format, fits):
    assert input_format.fits_half_precision() == fits


YOLO = InputFormat(0.0, 1 / 255.0, 'rgb')


@pytest.mark.parametrize('chosen, usual, expected', [
    (InputFormat(), None, InputFormat()), (InputFormat(), YOLO, YOLO),
    (InputFormat(order='rgb'), YOLO, InputFormat(order='rgb')),
    (InputFormat(0.0, 1 / 255.0, 'bgr'), YOLO, InputFormat(0.0, 1 / 255.0, 'bgr'))])
def test_what_is_usual_counts_until_the_user_says_otherwise(chosen, usual, expected):
    assert chosen.instead_of(usual) == expected


@pytest.mark.parametrize('element', ['float16', 'float32', 'uint8'])
@pytest.mark.parametrize('planar', [True, False])
@pytest.mark.parametrize('takes_pixels', [True, False])
def test_the_input_has_the_form_that_the_network_takes(element, planar, takes_pixels):
    image = picture(48, 64)
    form = NetworkInput((64, 48), YOLO, element, planar, takes_pixels)
    tensor = Preprocessor().network_input(image, form)
    assert tensor.dtype == element and tensor.flags.c_contiguous
    expected = image[:, :, ::-1].astype(np.float64)
    if element != 'uint8' and not takes_pixels:
        expected /= 255.0
    expected = expected.astype(element)
    np.testing.assert_array_equal(tensor, expected.transpose(2, 0, 1) if planar else expected)


def test_a_network_that_takes_pixels_has_no_mean_and_scale():
    image = picture(48, 64)
    tensor = Preprocessor(InputFormat(order='rgb')).network_input(
        image, NetworkInput((64, 48), YOLO, takes_pixels=True))
    np.testing.assert_array_equal(tensor, image[:, :, ::-1])
