# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""One camera image on its way through the supervisor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)   # two frames are never equal
class Frame:
    """
    One camera image.

    ``sequence`` grows with each frame. ``image`` is uint8, height x width x 3, blue-green-red, and
    must not be changed; ``header`` is passed on unchanged; ``arrived_at`` is in seconds of the
    monotonic clock.
    """

    sequence: int
    image: npt.NDArray[np.uint8]
    header: Any
    arrived_at: float
