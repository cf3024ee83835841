# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The devices that the user names, and the names that they have as members of a cluster.

A stick is called by its USB port and chip, as with the other drivers: ``1.2-ma2480``. Another
device is called by OpenVINO's name, with the kind ``openvino``: ``CPU-openvino``,
``GPU.1-openvino``; one that is named twice is a second member, ``CPU:2-openvino``.
"""

from collections import Counter
from collections.abc import Iterable
from collections.abc import Sequence
import re
from typing import Any

from ncs_cluster_detector.sticks.stick import SdkMissingError

STICKS = 'MYRIAD'   # every stick that is found
PROCESSOR = 'CPU'   # always there
_KIND = '-openvino'
_DEVICE = re.compile(r'MYRIAD|CPU|NPU(?:\.\d{1,2})?|GPU(?:\.\d{1,2})?')
EXPECTED = f'{STICKS}, CPU, GPU, GPU.1 or NPU'


def check_devices(devices: Sequence[str]) -> None:
    """
    Check the devices that the user names.

    :raises ValueError: one is none, or there is none; the text says what must be.
    """
    if not devices:
        raise ValueError(f"must name a device; use {EXPECTED}, such as ['CPU']")
    for device in devices:
        if not _DEVICE.fullmatch(device):
            raise ValueError(f'{device!r} is none of {EXPECTED}; use one of them')
    if devices.count(STICKS) > 1:
        raise ValueError(f'{STICKS} stands for all sticks; name it once')


def others_of(devices: Iterable[str]) -> dict[str, str]:
    """Return OpenVINO's names of the devices that are no sticks, by the names of members."""
    seen: Counter[str] = Counter()
    names = {}
    for device in devices:
        if device != STICKS:
            seen[device] += 1
            number = f':{seen[device]}' if seen[device] > 1 else ''
            names[f'{device}{number}{_KIND}'] = device
    return names


def sticks_of(core: Any) -> dict[str, str]:
    """
    Return OpenVINO's names of the sticks that it lists, by the names of members.

    That is ``MYRIAD.1.2-ma2480`` for each of several, and ``MYRIAD`` for a single one, whose port
    is asked for (``GetAvailableDevices`` of ``ie_core.cpp``). A stick that a process has open is
    not listed in any other.

    :param core: OpenVINO's ``Core``.
    """
    listed = [name for name in core.available_devices if name.partition('.')[0] == STICKS]
    if listed == [STICKS]:
        listed = [f'{STICKS}.{name}' for name in core.get_property(STICKS, 'AVAILABLE_DEVICES')]
    return {name.partition('.')[2]: name for name in listed}


def cpu_properties(core: Any, threads: int) -> dict[str, object]:
    """
    Return the properties with which a processor takes networks, at so many threads.

    Unless it is told not to, each process binds its threads to the same first cores: two of them
    had half the speed of one (49 and 100 ms a frame, OpenVINO 2026.4, 2 cores).
    """
    chosen: dict[str, object] = {'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1}
    supported = core.get_property(PROCESSOR, 'SUPPORTED_PROPERTIES')
    if 'ENABLE_CPU_PINNING' in supported:
        chosen['ENABLE_CPU_PINNING'] = False
    elif 'AFFINITY' in supported:   # of 2022
        chosen['AFFINITY'] = 'NONE'
    return chosen


def check_present(core: Any, devices: Sequence[str]) -> None:
    """
    Check that OpenVINO has the devices which cannot be plugged in.

    :raises SdkMissingError: it does not have one, or it cannot drive sticks at all.
    """
    present = list(core.available_devices)
    for device in devices:
        names = {device, f'{device}.0', device.removesuffix('.0')}
        if device != STICKS and not names & {*present}:
            raise SdkMissingError(
                f'openvino.devices={list(devices)}: OpenVINO sees {", ".join(present) or "none"}, '
                f'expected {device}; install its driver, or name another device')
    if STICKS in devices and not any(name.partition('.')[0] == STICKS for name in present):
        if not _drives_sticks(core):
            raise SdkMissingError(
                f'openvino.devices={list(devices)}: this OpenVINO has no {STICKS}, expected the '
                'archive of 2022.3.1 or 2022.3.2, the last ones that drive sticks (those of pip '
                'do not); install that')


def _drives_sticks(core: Any) -> bool:
    """Tell whether OpenVINO has its part for sticks, with or without a stick."""
    try:
        return bool(core.get_versions(STICKS))   # empty from 2023 on
    except RuntimeError:                         # in 2022.3
        return False
