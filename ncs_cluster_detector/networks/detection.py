# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""One detected object, as all other folders pass it on."""

from typing import NamedTuple


class Detection(NamedTuple):
    """
    One object in one image.

    The box is given as fractions of the image's width and height, 0.0 to 1.0, clipped to the
    image, with ``x_min < x_max`` and ``y_min < y_max``; ``score`` is 0.0 to 1.0.
    """

    label: str
    score: float
    x_min: float
    y_min: float
    x_max: float
    y_max: float
