# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Checks what a child process has sent: a broken one must not end the node."""

import math
from typing import Any
from typing import Callable

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.sticks.stick import checked_name
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.wire import messages

MOST_NAMES = 1024   # of sticks; a USB bus has 127 devices at most
LONGEST_SIDE = 65535   # pixels of a JPEG
_PARAMETERS = ('', 'driver', 'graph_paths')


def check(message: object, *kinds: type) -> None:
    """
    Check a message of a child process.

    :param kinds: types of what it may send; all of them without any.
    :raises ValueError: it is none of its messages, or a value in it is impossible.
    """
    find = _RULES.get(type(message))
    try:
        if find is not None and (not kinds or type(message) in kinds) and find(message):
            return
    except (AttributeError, TypeError, ValueError):
        pass   # a value that cannot even be compared
    raise ValueError(f'sent an impossible message ({type(message).__name__})')


def _is_number(value: object) -> bool:
    return type(value) is float and math.isfinite(value)


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_detection(value: Any) -> bool:
    return type(value) is Detection and isinstance(value.label, str) and all(
        map(math.isfinite, value[1:]))


def _is_result(value: Any) -> bool:
    return (type(value.sequence) is int and type(value.detections) is tuple
            and all(map(_is_detection, value.detections)) and _is_count(value.unusable_boxes)
            and _is_number(value.inference_sec) and _is_number(value.finished_at)
            and _is_count(value.unlabelled_class) and _is_number(value.on_stick_at)
            and (value.picture_size is None or is_size(*value.picture_size)))


def is_size(height: object, width: object, longest: int = LONGEST_SIDE) -> bool:
    """Return whether a picture may have these sides, in pixels."""
    return (type(height) is int and type(width) is int
            and 0 < height <= longest and 0 < width <= longest)


def _is_reading(value: Any) -> bool:
    return (type(value) is messages.Reading and _is_number(value.measured_at)
            and (value.celsius is None or _is_number(value.celsius))
            and value.throttle_level in (0, 1, 2))


def _is_list(value: Any) -> bool:
    return (type(value.device_names) is tuple and len(value.device_names) <= MOST_NAMES
            and all(map(checked_name, value.device_names)))


def _is_fault(value: Any) -> bool:
    return isinstance(value.text, str) and value.parameter in _PARAMETERS


def _is_report(value: Any) -> bool:
    return (all(type(stick) is messages.DeadStick and isinstance(stick.port, str)
                and _is_number(stick.since) for stick in value.dead)
            and all(isinstance(port, str) for port in value.revived)
            and isinstance(value.problem, str))


_RULES: dict[type, Callable[[Any], bool]] = {
    messages.EnumerationStarted: lambda value: True,
    messages.DeviceList: _is_list,
    messages.Step: lambda value: type(value.step) is OpeningStep,
    messages.Reading: _is_reading,
    messages.Ready: lambda value: (
        _is_reading(value.reading) and type(value.has_thermometer) is bool
        and all(is_size(*size) for size in value.input_sizes)),
    messages.Result: _is_result,
    messages.Unreadable: lambda value: (
        type(value.sequence) is int and isinstance(value.text, str)),
    messages.Fault: _is_fault,
    messages.BusReport: _is_report,
}
