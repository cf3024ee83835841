# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The pixel values that a network expects."""

from dataclasses import dataclass

ORDERS = ('bgr', 'rgb')
# The greatest finite number of half precision, which is what a stick computes with.
_GREATEST_HALF = 65504.0


@dataclass(frozen=True)
class InputFormat:
    """
    How a network's input comes from pixel values of 0 to 255.

    Each becomes ``(value - mean) * scale``; ``order`` is that of a pixel's colours, one of
    :data:`ORDERS`. The defaults are those of MobileNet-SSD (VOC) and of the two face networks
    trained with the same code. Source: the deploy files and pre-processing of the networks' own
    demo programs.
    """

    mean: float = 127.5
    scale: float = 0.007843
    order: str = 'bgr'

    def instead_of(self, usual: 'InputFormat | None') -> 'InputFormat':
        """
        Return what a network usually wants if this format is the default, else this one.

        So a user need not say what is known of a kind of network, and can say otherwise.
        """
        return usual if usual is not None and self == InputFormat() else self

    def extremes(self) -> tuple[float, float]:
        """Return what the pixel values 0 and 255 become."""
        return (0.0 - self.mean) * self.scale, (255.0 - self.mean) * self.scale

    def fits_half_precision(self) -> bool:
        """Return whether all values are finite numbers of half precision."""
        return all(abs(value) <= _GREATEST_HALF for value in self.extremes())
