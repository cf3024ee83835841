# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The messages between the supervisor and its child processes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.sticks.stick import OpeningStep


@dataclass(frozen=True)
class WorkerConfig:
    """
    What all workers of a node have in common.

    ``driver`` makes the sticks; ``graphs`` are the contents of the graph files, and ``labels`` has
    the labels of each; ``input_format`` is the format of the pixels for all of them.
    """

    driver: Driver
    graphs: Sequence[bytes]
    labels: tuple[tuple[str, ...], ...]
    input_format: InputFormat = InputFormat()


@dataclass(frozen=True)
class ListSticks:
    """To the worker, in answer to EnumerationStarted or to list them again: list the sticks."""


@dataclass(frozen=True)
class Open:
    """
    To the worker, in answer to DeviceList, or to EnumerationStarted: the stick to open.

    ``other_ports`` are the USB ports of all other sticks that are known.
    """

    device_name: str
    other_ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class StandBy:
    """To the worker, in answer to DeviceList: open no stick; stay to list them again."""


@dataclass(frozen=True)
class Infer:
    """To the worker: run the networks on the frame in a slot; the frame is bgr8."""

    sequence: int
    slot: int
    height: int
    width: int


@dataclass(frozen=True)
class InferEncoded:
    """
    To the worker: run the networks on a region of the picture in a slot.

    The slot holds ``size`` bytes, a JPEG or PNG.
    """

    sequence: int
    slot: int
    size: int
    region: Region


@dataclass(frozen=True)
class Stop:
    """To the worker: finish the pending inferences, close the stick and exit."""


@dataclass(frozen=True)
class EnumerationStarted:
    """From the worker, first: it can list the sticks now; no other program does."""


@dataclass(frozen=True)
class DeviceList:
    """From the worker, after ListSticks: the device names of all sticks."""

    device_names: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """From the worker: how far the opening of its stick is."""

    step: OpeningStep


@dataclass(frozen=True)
class Reading:
    """
    From the worker, once a second: the stick's temperature and throttling level.

    ``celsius`` is None when it is unknown. ``measured_at`` is in seconds of the monotonic clock,
    which all processes of a machine share.
    """

    celsius: float | None
    throttle_level: int
    measured_at: float


@dataclass(frozen=True)
class Ready:
    """
    From the worker: the stick is open and its networks are loaded.

    It has the first reading, so that the rotation knows at once how hot the stick is, the
    (width, height) of each network's input, and whether the stick has a thermometer at all.
    """

    reading: Reading
    input_sizes: tuple[tuple[int, int], ...] = ()
    has_thermometer: bool = True

    @property
    def input_size(self) -> tuple[int, int] | None:
        """Return the largest width and the largest height of all inputs; None without any."""
        if not self.input_sizes:
            return None
        widths, heights = zip(*self.input_sizes)
        return max(widths), max(heights)


@dataclass(frozen=True)
class Result:
    """
    From the worker: what the networks found in a frame.

    ``inference_sec`` is the time from the start of the preprocessing to the last network's result,
    which came at ``finished_at``, in seconds of the monotonic clock; ``unusable_boxes`` counts the
    dropped boxes; ``unlabelled_class`` is the highest class without a label among them, or 0.
    ``on_stick_at`` is when the frame had been sent to the stick. ``picture_size`` is the
    (height, width) of an encoded picture.
    """

    sequence: int
    detections: tuple[Detection, ...]
    unusable_boxes: int
    inference_sec: float
    finished_at: float
    unlabelled_class: int = 0
    on_stick_at: float = 0.0
    picture_size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Unreadable:
    """From the worker in place of a Result: the frame holds no picture; ``text`` says why."""

    sequence: int
    text: str


# What becomes of a frame on a stick.
Outcome: TypeAlias = Result | Unreadable


@dataclass(frozen=True)
class Fault:
    """
    From the worker, its last message: why it gives up, in one line.

    ``parameter`` names a parameter of the node whose value no stick can work with (``driver``,
    ``graph_paths``); it is empty when only this stick has failed. ``in_use``: no failure, another
    program opened the stick first. ``dead``: the stick has booted and does not answer.
    """

    text: str
    parameter: str = ''
    in_use: bool = False
    dead: bool = False


@dataclass(frozen=True)
class Clean:
    """
    To the bus cleaner: reset the booted sticks that no process has open, then report.

    ``own_ports`` are the USB ports of the sticks of the supervisor's own workers.
    """

    own_ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class DeadStick:
    """A booted stick that does not answer: its USB port, and since when (monotonic clock)."""

    port: str
    since: float


@dataclass(frozen=True)
class BusReport:
    """
    From the bus cleaner: after Clean (then ``cleaned``), and when a dead stick leaves the bus.

    ``revived`` are the ports of dead sticks that a reset has just brought back to their ROM state.
    ``problem`` is one line about what prevents cleaning, or empty. A cleaner that is not
    ``usable`` ends.
    """

    dead: tuple[DeadStick, ...] = ()
    cleaned: bool = False
    revived: tuple[str, ...] = ()
    problem: str = ''
    usable: bool = True
