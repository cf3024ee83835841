# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Reads the values of the runner's arguments from their texts.

Each function raises a ValueError of one line about what is wrong and what to give instead.
"""

import contextlib
import math
import os
from pathlib import Path
import re

from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.parameters.parameter_spec import by_name
from ncs_cluster_detector.sticks.stick import SdkMissingError
from runner.names import CAMERA_NAMES
from runner.names import HOST_NAMES
from runner.names import SIMULATED

STICKS = by_name(PARAMETERS)['simulated.sticks']
AMBIENT = by_name(PARAMETERS)['simulated.ambient_celsius']
DEFAULT_CLUSTER_SIZE = 2
# Of each of several hosts: all of them soon take a turn, and small machines can start them.
DEFAULT_STICKS_OF_HOST = 3
# Those of the camera's fps; importing its table would load OpenCV.
DEFAULT_SOURCE_FPS = 30.0
RUN_DRIVERS = (SIMULATED, 'openvino')   # that need nothing but this machine
LEAST_SOURCE_FPS, MOST_SOURCE_FPS = 0.1, 240.0


def with_profile(text: str | None) -> bool:
    """Return whether Fast DDS gets its profile; it does without a text."""
    if text not in (None, 'none'):
        # A profile of the user could send the traffic off this machine.
        raise ValueError(f'FASTDDS_PROFILE={text}: must be none, which leaves the profile out; '
                         'without it ncs_cluster_detector/ros/fastdds_loopback.xml is used')
    return text is None


def driver(text: str | None) -> str:
    """Return the name of the driver, which is installed; without a text it is simulated."""
    if text is None:
        return SIMULATED
    known = [name for name in RUN_DRIVERS if name in DRIVERS]
    if text not in known:
        real = ('; for real sticks there are `make check-sticks` and "On a robot" in README.md'
                if text in DRIVERS else '')
        raise ValueError(f'DRIVER={text}: must be {" or ".join(known)}{real}')
    try:
        DRIVERS[text].check_installed()
    except SdkMissingError as error:
        raise ValueError(f'DRIVER={text}: {error}') from None
    return text


def check_used(driver: str, **given: str | None) -> None:
    """
    Check that each variable does something with a driver.

    :param given: texts of those that are for simulated sticks only, by name.
    """
    for name, text in given.items():
        if text is not None and driver != SIMULATED:
            raise ValueError(f'{name}={text}: does nothing with DRIVER={driver}, which uses what '
                             'this machine has; leave one of them out')


def sticks(text: str | None, hosts: int = 0) -> int | None:
    """Return the number of simulated sticks, with hosts that on each; None is the default."""
    if text is None:
        return DEFAULT_STICKS_OF_HOST if hosts else None
    if not hosts:
        return _whole_number('STICKS', text, 1, 'simulated sticks')
    # A detector takes no more sticks than this, wherever they are.
    return _whole_number('STICKS', text, 1, f'simulated sticks on each of {hosts} '
                         f'host{"s" * (hosts != 1)}', STICKS.high // hosts)


def hosts(text: str) -> tuple[str, ...]:
    """Return the names of so many hosts with sticks."""
    return HOST_NAMES[:_whole_number('HOSTS', text, 1, 'hosts with sticks', len(HOST_NAMES), 3)]


def cameras(text: str) -> tuple[str, ...]:
    """Return the names of so many cameras; a single one needs none."""
    count = _whole_number('CAMERAS', text, 1, 'cameras', len(CAMERA_NAMES), 2)
    return CAMERA_NAMES[:count] if count > 1 else ()


def cluster_size(text: str | None, sticks: int | None, hosts: int = 0) -> int:
    """Return how many of the sticks (on each host) are active at a time, 0 for all."""
    sticks = sticks or STICKS.default
    there = sticks * (hosts or 1)
    if text is None:
        return min(max(DEFAULT_CLUSTER_SIZE, hosts), there)
    size = _whole_number('CLUSTER_SIZE', text, 0, 'active sticks')
    if size > there:
        found = f'HOSTS={hosts}, STICKS={sticks}: {there}' if hosts else f'STICKS={there}'
        raise ValueError(f'CLUSTER_SIZE={text}: more than there are ({found}); use 0 to {there} '
                         f'(0 = all, no rotation), or STICKS={-(-size // (hosts or 1))}')
    return size


def ambient(text: str) -> float:
    """Return the temperature of an idle simulated stick in degrees Celsius."""
    celsius = _number(text)
    if not AMBIENT.low <= celsius <= AMBIENT.high:
        raise ValueError(f'AMBIENT={text}: must be a temperature in degrees Celsius, '
                         f'{AMBIENT.low:g} to {AMBIENT.high:g}; use for example AMBIENT=45')
    return celsius


def seconds(text: str) -> float:
    """Return after how many seconds the run is over."""
    number = _number(text)
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f'SECONDS={text}: must be a positive number of seconds; use for example '
                         'SECONDS=20, or leave it out to run until Ctrl-C')
    return number


def video(text: str) -> tuple[Path, float]:
    """Return the path of the video, and its frames a second."""
    path = _path('VIDEO', text)
    remedy = 'give the path of a readable video file, such as an .mp4 or .avi'
    if not path.is_file():
        found = 'it is a folder' if path.is_dir() else 'there is no such file'
        raise ValueError(f'VIDEO={text}: {found}; {remedy}')
    if not os.access(path, os.R_OK):
        raise ValueError(f'VIDEO={text}: this user may not read it; {remedy}')
    fps = _frame_rate(path)
    if fps is None:
        raise ValueError(f'VIDEO={text}: it is not a video that OpenCV can decode; {remedy}')
    return path, fps


def graphs(text: str) -> list[str]:
    """Return the names of the graphs in a text; whether there are such is not checked."""
    _check_utf8('GRAPHS', text)
    names = [name.strip() for name in text.split(',')]
    if not all(names):
        raise ValueError(f'GRAPHS={text}: a name is empty; use for example GRAPHS=people,faces')
    return names


def _whole_number(name, text, least, what, most=STICKS.high, example=4):
    if not re.fullmatch('[0-9]{1,9}', text.strip()) or not least <= int(text) <= most:
        raise ValueError(f'{name}={text}: must be a whole number of {what}, {least} to '
                         f'{most}; use for example {name}={example}')
    return int(text)


def _number(text):
    """Return the number in a text, or nan."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def _check_utf8(name, text):
    try:
        text.encode()
    except UnicodeEncodeError:   # ROS parameters and JSON are UTF-8
        raise ValueError(f'{name}={text!a}: the name is not valid UTF-8; rename it') from None


def _path(name, text):
    _check_utf8(name, text)
    if not text:
        raise ValueError(f'{name}=: the name is empty; give a path')
    return Path(text).expanduser().absolute()


def _frame_rate(path):
    """Return the frames a second of a video, or None if it cannot be decoded."""
    cv2 = _silence_opencv()
    capture = cv2.VideoCapture(str(path))
    try:
        if not (capture.isOpened() and capture.grab()):
            return None
        told = capture.get(cv2.CAP_PROP_FPS)
    finally:
        capture.release()
    return told if LEAST_SOURCE_FPS <= told <= MOST_SOURCE_FPS else DEFAULT_SOURCE_FPS


def _silence_opencv():
    """Return OpenCV, without its own lines on the terminal: this module says what is wrong."""
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
    import cv2   # late, because without a video nothing here needs it
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    return cv2


def folder(text: str) -> Path:
    """Return the path of the folder of the report, which is created."""
    path = _path('OUT', text)
    if os.path.lexists(path) and not path.is_dir():
        raise ValueError(f'OUT={text}: it is there and is no folder; name a folder that can be '
                         'written')
    probe = path / '.run_probe'
    try:
        path.mkdir(parents=True, exist_ok=True)
        probe.touch()
    except OSError as error:
        raise ValueError(f'OUT={text}: making the folder or a file in it failed '
                         f'({error.strerror}); name a folder that can be written') from None
    finally:
        with contextlib.suppress(OSError):   # there is none if it could not be made
            probe.unlink()
    return path
