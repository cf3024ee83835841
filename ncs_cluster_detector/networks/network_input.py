# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What one network takes as its input."""

from typing import NamedTuple

from ncs_cluster_detector.networks.input_format import InputFormat


class NetworkInput(NamedTuple):
    """
    The form of a network's input tensor, which is one picture of three channels.

    ``size`` is its (width, height) in pixels. ``usual`` is the InputFormat that such a network
    usually wants; None if only the user knows. One that ``takes_pixels`` gets the values of 0 to
    255 as they are. ``element`` is the NumPy name of its values' type, one of :data:`ELEMENTS`. A
    ``planar`` one is 3 x height x width, any other height x width x 3.
    """

    size: tuple[int, int]
    usual: InputFormat | None = None
    element: str = 'float16'
    planar: bool = False
    takes_pixels: bool = False


ELEMENTS = ('float16', 'float32', 'uint8')
