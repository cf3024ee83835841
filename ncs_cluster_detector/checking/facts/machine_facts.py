# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Collect facts about the machine of a check, without names of people or hosts."""

import importlib.metadata
import os
from pathlib import Path
import platform
from typing import Any

from ncs_cluster_detector.checking.statuses import number_in
import numpy as np

_PACKAGES = {'ncs_cluster_detector': 'ncs-cluster-detector', 'rclpy': 'rclpy', 'pyusb': 'pyusb'}
_RULES = ('etc/udev/rules.d', 'lib/udev/rules.d', 'usr/lib/udev/rules.d', 'run/udev/rules.d')
_UNDERVOLTAGE = 'sys/devices/platform/soc/soc:firmware/get_throttled'


def machine_facts(root: Path = Path('/')) -> dict[str, Any]:
    """Return facts for the report, from the files below ``root``; an unknown one is None."""
    module = 'sys/module/usbcore/parameters/'
    return {
        'system': _field(root / 'etc/os-release', 'PRETTY_NAME', '='),
        'kernel': platform.release(),
        'machine': platform.machine(),
        'model': text_of(root / 'proc/device-tree/model'),
        'cpu': _field(root / 'proc/cpuinfo', 'model name', ':'),
        'cores': os.cpu_count(),
        'memory_mb': _memory_mb(root),
        'load_before': round(os.getloadavg()[0], 1),
        'python': platform.python_version(),
        'numpy': np.__version__,
        'ros_distro': os.environ.get('ROS_DISTRO') or None,
        'rmw': os.environ.get('RMW_IMPLEMENTATION') or 'default',
        'packages': {name: version_of(names) for name, names in _PACKAGES.items()},
        'usbfs_memory_mb': text_of(root / module / 'usbfs_memory_mb'),
        'usb_autosuspend_sec': text_of(root / module / 'autosuspend'),
        'udev_rules': _udev_rules(root),
        'raspberry_pi_get_throttled': text_of(root / _UNDERVOLTAGE)}


def version_of(name: str) -> str | None:
    """Return the version of an installed distribution, also as a wheel of ROS; None if unknown."""
    for known in (name, f'ros-{name}'):   # the name of the wheel
        try:
            return importlib.metadata.version(known)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None


def _udev_rules(root):
    """Return the names of the files with a rule for sticks, each once."""
    return sorted({path.name for folder in _RULES for path in (root / folder).glob('*.rules')
                   if '03e7' in (text_of(path) or '').lower()})


def _memory_mb(root):
    kilobytes = (_field(root / 'proc/meminfo', 'MemTotal', ':') or '').split()
    number = number_in(kilobytes[0]) if kilobytes else None
    return None if number is None else int(number) // 1024


def _field(path, name, separator):
    for line in (text_of(path) or '').splitlines():
        key, found, value = line.partition(separator)
        if found and key.strip() == name:
            return value.strip().strip('"')
    return None


def text_of(path: Path) -> str | None:
    """Return what a file of the system holds; None for an empty one, or none that can be read."""
    try:
        return path.read_text(encoding='utf-8', errors='replace').strip('\0\n ') or None
    except OSError:   # a device left the bus meanwhile, or this kernel has no such file
        return None
