# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is known of an output before the network runs."""

from typing import NamedTuple

from ncs_cluster_detector.shown_text import brief


class TensorForm(NamedTuple):
    """
    The names and the dimensions of one output.

    ``names`` are all names of the tensor, such as ``detection_boxes:0``, and may be empty;
    a dimension in ``shape`` is None while it is not fixed.
    """

    names: frozenset[str]
    shape: tuple[int | None, ...]

    def __str__(self) -> str:
        """Return it as error texts show it, such as ``output0 1x84x8400``."""
        sides = 'x'.join('?' if side is None else str(side) for side in self.shape) or 'a number'
        return f'{brief(min(self.names, default="unnamed"))} {brief(sides)}'
