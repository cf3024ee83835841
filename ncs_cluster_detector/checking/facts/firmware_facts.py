# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Find out with which firmware and USB library the node boots sticks by itself."""

from collections.abc import Iterable
import hashlib
from pathlib import Path
from typing import Any

from ncs_cluster_detector.checking.facts.child_facts import facts_from_child
from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.usb_bus import ROM_KINDS
from ncs_cluster_detector.sticks.xlink.firmware import file_name
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.firmware import FOLDERS

PARAMETER = 'firmware'
_ASK = """
import ctypes, json
from ncs_cluster_detector.sticks.usb_bus import load_backend, UsbUnavailableError
class Version(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint16) for name in ('major', 'minor', 'micro', 'nano')]
facts = {}
try:
    asked = load_backend().lib.libusb_get_version
    asked.restype = ctypes.POINTER(Version)
    found = asked().contents
    facts['libusb_version'] = f'{found.major}.{found.minor}.{found.micro}.{found.nano}'
except UsbUnavailableError as error:
    facts['error'] = str(error)
print(json.dumps(facts))
"""


def usb_library_facts() -> dict[str, Any]:
    """Return the version of the libusb that the node will load, or the ``error``."""
    return facts_from_child(_ASK, 'pyusb and libusb')


def firmware_facts(parameters: Iterable[str]) -> list[dict[str, Any]]:
    """
    Return path, size and digest of the firmware for each kind of sticks, each file once.

    :param parameters: those of the node, each as ``name:=value``.
    """
    named = _value_of(PARAMETER, parameters)
    found: dict[str, dict[str, Any]] = {}
    for kind in ROM_KINDS.values():
        data = _content(named, kind)
        if data is not None:
            digest = hashlib.sha256(data).hexdigest()
            found.setdefault(digest, {
                'path': _path_of(named, kind, data), 'bytes': len(data), 'sha256': digest})
    return list(found.values())


def _content(place, kind):
    try:
        return Firmware(place).read(kind, '')
    except FirmwareMissingError:
        return None


def _path_of(named, kind, data):
    """Return where the firmware is; only its name if LD_LIBRARY_PATH leads to it."""
    for place in map(Path, [named] if named else FOLDERS):
        if _content(str(place), kind) == data:
            return str(place / file_name(kind) if place.expanduser().is_dir() else place)
    return file_name(kind)


def _value_of(name, parameters):
    """Return the value of a text parameter; the last one counts, as for ROS."""
    values = [value for given, _, value in (one.partition(':=') for one in parameters)
              if given == name]
    return values[-1].strip('\'"') if values else ''
