# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The built-in detectors that run on the host in place of a stick's network, by name."""

from ncs_cluster_detector.simulation.networks.faces import FaceDetector
from ncs_cluster_detector.simulation.networks.people import PeopleDetector
from ncs_cluster_detector.simulation.networks.shapes import detect_shapes

# Each value makes a detector: a function that takes a picture (uint8, height x width x 3,
# blue-green-red) and returns rows (class index, score, x_min, y_min, x_max, y_max), in fractions
# of the picture.
HOST_DETECTORS = {
    'people': PeopleDetector,
    'faces': FaceDetector,
    'shapes': lambda: detect_shapes,
}

# How many labels fit each of them. The highest class of people and shapes is 15 of the 21 Pascal
# VOC classes; faces has class 1 of the two of a face network.
LABEL_COUNTS = {
    'people': range(16, 1000),
    'faces': range(2, 3),
    'shapes': range(16, 1000),
}
