# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the supervisor and a worker say to each other over their pipe."""

from dataclasses import dataclass
from typing import Optional

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.networks.input_format import InputFormat


@dataclass(frozen=True)
class WorkerConfig:
    """
    What all workers of a node have in common.

    ``driver`` makes the sticks; ``graphs`` are pairs of the graph file's content (bytes) and its
    labels (tuple of texts); ``input_format`` is what all of them want for the pixels of a picture.
    """

    driver: Driver
    graphs: tuple
    input_format: InputFormat = InputFormat()


@dataclass(frozen=True)
class ListSticks:
    """To the worker, in answer to Listing: the USB bus is clean, the library may look at it."""


@dataclass(frozen=True)
class Open:
    """
    To the worker, in answer to Found: the stick to open.

    ``other_ports`` are the USB ports of all other sticks that are known.
    """

    device_name: str
    other_ports: tuple = ()


@dataclass(frozen=True)
class StandBy:
    """To the worker, in answer to Found: there is none to open; stay to look for sticks."""


@dataclass(frozen=True)
class Enumerate:
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
class EnumerationStarted:
    """From the worker, first: its turn to list the sticks has come, no other program is at it."""


@dataclass(frozen=True)
class DeviceList:
    """From the worker, after ListSticks and Look: the device names of all sticks."""

    device_names: tuple


@dataclass(frozen=True)
class Step:
    """From the worker: how far the opening of its stick is; a step of ``sticks.stick``."""

    name: str


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
class Ready:
    """
    From the worker: the stick is open and its networks are loaded.

    It comes with the first reading, so that a stick that is hot already is not used blindly.
    """

    reading: Reading


@dataclass(frozen=True)
class Result:
    """
    From the worker: what the networks found in a frame.

    ``inference_sec`` is the time from taking up the frame to the last network's result, which came
    at ``finished_at``, in seconds of the monotonic clock; ``unusable_boxes`` counts the boxes that
    had to be dropped; ``unlabelled_class`` is the highest class among them without a label, or 0.
    """

    sequence: int
    detections: tuple
    unusable_boxes: int
    inference_sec: float
    finished_at: float
    unlabelled_class: int = 0


@dataclass(frozen=True)
class Fault:
    """
    From the worker, its last word: why it gives up, in one line.

    ``parameter`` names the parameter of the node that no stick and no second attempt can make
    work (``driver``, ``graph_paths``), and is empty when it is only this stick's trouble;
    ``in_use`` tells that there is no trouble: another program was faster to open the stick.
    """

    text: str
    parameter: str = ''
    in_use: bool = False


@dataclass(frozen=True)
class Clean:
    """
    To the bus cleaner: reset the booted sticks that nobody has, then report.

    ``own_ports`` are the USB ports of those that the supervisor's own workers have.
    """

    own_ports: tuple = ()


@dataclass(frozen=True)
class DeadStick:
    """A booted stick that does not answer: its USB port, and since when (monotonic clock)."""

    port: str
    since: float


@dataclass(frozen=True)
class BusReport:
    """
    From the bus cleaner: after Clean (then ``cleaned``), and when a dead stick leaves the bus.

    ``dead`` are all DeadSticks, ``revived`` the ports of those that a reset has just brought back
    to their ROM state. ``problem`` says in one line what keeps it from its work, and is empty when
    nothing does; when it is not ``usable`` it ends.
    """

    dead: tuple = ()
    cleaned: bool = False
    revived: tuple = ()
    problem: str = ''
    usable: bool = True
