# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The network's input, held against plain arithmetic."""

import cv2
from ncs_cluster_detector.detection import preprocessing
import numpy as np
import pytest


@pytest.mark.parametrize('size', [(240, 320), (480, 640), (720, 1280), (1, 1), (300, 300)])
def test_the_input_is_the_stretched_normalised_picture(size):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    tensor = preprocessing.network_input(image)
    assert tensor.dtype == np.float16
    assert tensor.shape == (300, 300, 3)
    assert tensor.flags.c_contiguous
    expected = (cv2.resize(image, (300, 300)).astype(np.float64) - 127.5) * 0.007843
    np.testing.assert_array_equal(tensor, expected.astype(np.float16))


def test_a_slice_of_a_wider_image_serves_as_image():
    wide = np.random.default_rng(2).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    np.testing.assert_array_equal(preprocessing.network_input(wide[:, :64]),
                                  preprocessing.network_input(wide[:, :64].copy()))


def test_the_picture_comes_back_from_half_precision():
    image = np.arange(300 * 300 * 3, dtype=np.uint32).astype(np.uint8).reshape(300, 300, 3)
    tensor = preprocessing.network_input(image)
    np.testing.assert_array_equal(preprocessing.image_of_network_input(tensor), image)


def test_half_precision_keeps_all_pixel_values_apart():
    image = np.zeros((300, 300, 3), dtype=np.uint8)
    image.reshape(-1)[:256] = np.arange(256)
    values = preprocessing.network_input(image).reshape(-1)[:256].astype(np.float64)
    assert (np.diff(values) > 0).all()
    np.testing.assert_allclose(values, (np.arange(256) - 127.5) * 0.007843, atol=0.0003)
