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

"""What the supervisor and a worker say to each other over their pipe."""

from dataclasses import dataclass
from typing import Any
from typing import Optional


@dataclass(frozen=True)
class WorkerConfig:
    """
    What all workers of a node have in common.

    ``driver`` is ``mvnc`` or ``simulated``, ``bus`` the SharedBus of the simulated sticks or None;
    ``graphs`` are pairs of the graph file's content (bytes) and its labels (tuple of texts).
    """

    driver: str
    graphs: tuple
    bus: Optional[Any] = None


@dataclass(frozen=True)
class Open:
    """To the worker, in answer to Found: the stick to open."""

    device_name: str


@dataclass(frozen=True)
class Wait:
    """To the worker, in answer to Found: there is none to open; stay to look for sticks."""


@dataclass(frozen=True)
class Look:
    """To a worker that waits: list the sticks again."""


@dataclass(frozen=True)
class Infer:
    """To the worker: run the networks on the frame in a slot; the frame is bgr8."""

    sequence: int
    slot: int
    height: int
    width: int


@dataclass(frozen=True)
class Stop:
    """To the worker: finish what is under way, close the stick and exit."""


@dataclass(frozen=True)
class Listing:
    """From the worker, before Found: it lists the sticks now, for no other program is at it."""


@dataclass(frozen=True)
class Found:
    """From the worker, first and after Look: the device names of all sticks of the machine."""

    device_names: tuple


@dataclass(frozen=True)
class Ready:
    """From the worker: the stick is open and its networks are loaded."""


@dataclass(frozen=True)
class Result:
    """
    From the worker: what the networks found in a frame.

    ``inference_sec`` is the time from taking up the frame to the last network's result;
    ``unusable_boxes`` counts the boxes that had to be dropped.
    """

    sequence: int
    detections: tuple
    unusable_boxes: int
    inference_sec: float


@dataclass(frozen=True)
class Reading:
    """
    From the worker, once a second: the stick's temperature and throttling level.

    ``celsius`` is None when it is unknown. ``measured_at`` is in seconds of the monotonic clock,
    which all processes of a machine share.
    """

    celsius: Optional[float]
    throttle_level: int
    measured_at: float


@dataclass(frozen=True)
class Fault:
    """
    From the worker, its last word: why it gives up, in one line.

    ``parameter`` names the parameter of the node that no stick and no second attempt can make
    work (``driver``, ``graph_paths``), and is empty when it is only this stick's trouble.
    """

    text: str
    parameter: str = ''
