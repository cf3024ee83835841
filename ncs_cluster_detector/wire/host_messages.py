# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The messages between the detector and the stick servers of other hosts.

They hold ages, never times: the clocks of two hosts differ. They travel as JSON, see json_form.
"""

from dataclasses import dataclass
import hashlib
import re

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import checked_name
from ncs_cluster_detector.wire.checks import is_size
from ncs_cluster_detector.wire.messages import WorkerConfig

VERSION = 1   # of these messages; both ends must have the same
# What another host says of itself has limits, wide ones: a policy must not reckon with nonsense.
MOST_STICKS = 127          # a USB bus has no more devices
LONGEST_AGE_SEC = 1e9      # three decades
LONGEST_WORK_SEC = 3600.0  # of an inference, which is given up after a minute at the latest
MOST_CELSIUS = 1000.0
MOST_TRIALS = 1000
LONGEST_TOPIC = 200        # characters; the DDS below ROS allows some 240
LONGEST_INPUT = 4096       # pixels of a side; networks for these sticks have some 300
_TOPIC = re.compile('(/[A-Za-z_][A-Za-z0-9_]*)+')


@dataclass(frozen=True)
class Networks:
    """
    What a frame's results depend on: it must be the same at both ends.

    ``graphs`` and ``labels`` have a hash for each network (SHA-256, its first 16 digits).
    """

    graphs: tuple[str, ...]
    labels: tuple[str, ...]
    input_format: str

    def difference(self, other: 'Networks') -> str:
        """Return the name of a parameter in which they differ, or an empty text."""
        if self.graphs != other.graphs:
            return 'graph_paths'
        if self.labels != other.labels:
            return 'label_files'
        return '' if self.input_format == other.input_format else (
            'input_mean, input_scale or input_order')


def networks_of(config: WorkerConfig) -> Networks:
    """Return the Networks of a node's workers."""
    return Networks(tuple(_hash(config.driver.identity(graph)) for graph in config.graphs),
                    tuple(_hash('\n'.join(labels).encode()) for labels in config.labels),
                    repr(config.input_format))


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


@dataclass(frozen=True)
class Claim:
    """
    From a detector: it wants to use the server's sticks, or goes on using them.

    ``session`` identifies the detector's process, ``name`` is the full name of its node. The
    server restarts a stick when its number in ``restarts``, by the stick's number, has grown. A
    detector that ``leaves`` needs the sticks no longer. ``server`` identifies the server's
    process, as two may have the same topics by mistake.
    """

    session: str
    name: str
    restarts: tuple[tuple[int, int], ...] = ()
    leaves: bool = False
    server: str = ''

    def __post_init__(self) -> None:
        """Raise ValueError if it names no session: nobody would own the sticks."""
        if not self.session:
            raise ValueError('a claim without a session')


@dataclass(frozen=True)
class Ticket:
    """
    From the detector, with a picture: which stick is to infer it.

    ``server`` and ``session`` identify both processes; ``sequence`` is the frame's number.
    ``region`` is the part of a picture that the networks see, as fractions; ``size`` is the
    (height, width) of a picture of raw pixels, None for an encoded one.
    """

    server: str
    session: str
    stick: int
    sequence: int
    region: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 1.0)
    size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if the session or the size is none, or the region is outside."""
        if not self.session or self.size is not None and not is_size(*self.size):
            raise ValueError(f'session {self.session!r}, size {self.size}')
        if not Region(*self.region).is_inside():
            raise ValueError(f'{self.region} is no part of a picture')


@dataclass(frozen=True)
class Answer:
    """
    From the server: what has become of a frame.

    One of three: ``lost`` if there will be no result; ``unreadable`` says why it is no picture;
    else ``detections`` and the other fields are those of a Result. The ages, in seconds, are those
    of the result, and of the moment when the frame had been sent to the stick.
    """

    server: str
    session: str
    stick: int
    sequence: int
    lost: bool = False
    unreadable: str = ''
    detections: tuple[Detection, ...] = ()
    unusable_boxes: int = 0
    unlabelled_class: int = 0
    inference_sec: float = 0.0
    result_age_sec: float = 0.0
    on_stick_age_sec: float = 0.0
    picture_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        """Raise ValueError if a detection, a time or the size is none."""
        times = self.inference_sec, self.result_age_sec, self.on_stick_age_sec
        if not all(0.0 <= seconds <= LONGEST_WORK_SEC for seconds in times):
            raise ValueError(f'{times}, expected seconds of an inference')
        if self.picture_size is not None and not is_size(*self.picture_size):
            raise ValueError(f'{self.picture_size} is no size of a picture')
        for found in self.detections:
            if not (0.0 <= found.score <= 1.0 and 0.0 <= found.x_min < found.x_max <= 1.0
                    and 0.0 <= found.y_min < found.y_max <= 1.0):
                raise ValueError(f'{found} is no box with a score')


@dataclass(frozen=True)
class StickReport:
    """
    The state of one stick of a server.

    ``reading`` numbers the readings, so that each counts once. ``doubt_sec`` and ``trials_left``
    are those of its Trust. ``held`` are the frames of the present detector that it has. An age is
    None if there is no such moment.
    """

    number: int
    device_name: str
    state: StickState
    celsius: float | None = None
    reading: int = 0
    reading_age_sec: float | None = None
    throttle_level: int = 0
    restarts: int = 0
    last_error: str = ''
    pid: int | None = None
    doubt_sec: float = 0.0
    trials_left: int = 0
    in_use: bool = False
    dead_sec: float | None = None
    start_in_sec: float | None = None
    held: tuple[int, ...] = ()
    has_thermometer: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError if the name, an age or the state of health is none."""
        if not checked_name(self.device_name):
            raise ValueError('a stick without a name')
        ages = self.reading_age_sec, self.dead_sec, self.start_in_sec, self.doubt_sec
        if not all(seconds is None or 0.0 <= seconds <= LONGEST_AGE_SEC for seconds in ages):
            raise ValueError(f'{ages}, expected seconds')
        if self.celsius is not None and abs(self.celsius) > MOST_CELSIUS:
            raise ValueError(f'{self.celsius} is no temperature')
        if self.throttle_level not in (0, 1, 2) or self.trials_left > MOST_TRIALS:
            raise ValueError(f'throttle level {self.throttle_level}, {self.trials_left} trials')


@dataclass(frozen=True)
class ServerReport:
    """
    From a server: all that others need to know of it.

    ``server`` identifies its process, ``host`` is the name of the host, and ``node`` the full name
    of its node. ``owner`` is the session of the detector that uses the sticks, or empty, and
    ``owner_name`` the full name of its node. ``input_size`` is the largest (width, height) of an
    input of the networks, None until a stick has loaded them. ``leaves`` says that it ends.
    ``frames`` is the full name of its topic for frames.
    ``version`` is the VERSION of these messages.
    """

    version: int
    server: str
    host: str
    node: str
    networks: Networks
    frames: str
    owner: str = ''
    owner_name: str = ''
    input_size: tuple[int, int] | None = None
    sticks: tuple[StickReport, ...] = ()
    leaves: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if a name is missing, or the sticks are too many or the same."""
        if not (self.server and self.host and self.node and self.frames):
            raise ValueError('a server without a name')
        if (not _TOPIC.fullmatch(self.frames) or len(self.frames) > LONGEST_TOPIC
                or not self.frames.startswith(f'{self.node}/')):
            raise ValueError(f'{self.frames!r} is no topic of {self.node}')
        if self.input_size is not None and not is_size(*self.input_size, LONGEST_INPUT):
            raise ValueError(f'{self.input_size} is no size of an input')
        if len(self.sticks) > MOST_STICKS or len(self.sticks) != len(
                {stick.number for stick in self.sticks}):
            raise ValueError(f'{len(self.sticks)} sticks, expected at most {MOST_STICKS}, each '
                             'with a number of its own')
