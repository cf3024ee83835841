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

"""Tests of where something is that a pixel shows."""

import cv2
from ncs_cluster_detector.detection.projection import position_of
import numpy as np
import pytest

K = (600.0, 0.0, 320.0, 0.0, 610.0, 240.0, 0.0, 0.0, 1.0)
PLACES = [(0.0, 0.0, 2.0), (0.7, -0.4, 2.5), (-1.1, 0.6, 3.0)]


@pytest.mark.parametrize('model, d', [
    ('', ()), ('plumb_bob', (0.0,) * 5), ('plumb_bob', (-0.2, 0.05, 0.001, -0.002, 0.0)),
    ('rational_polynomial', (0.4, -0.1, 0.001, 0.0, 0.01, 0.7, -0.1, 0.0)),
    ('equidistant', (0.05, -0.01, 0.002, 0.0))])
@pytest.mark.parametrize('place', PLACES)
def test_the_position_is_found_again(place, model, d):
    project = cv2.fisheye.projectPoints if model == 'equidistant' else cv2.projectPoints
    pixel = project(np.array([[place]]), np.zeros(3), np.zeros(3), np.reshape(K, (3, 3)),
                    np.array(d) if d else None)[0].ravel()
    np.testing.assert_allclose(position_of(tuple(pixel), place[2], K, d, model), place, atol=2e-3)
