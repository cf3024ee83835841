# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Show where the sticks are on the USB tree, from the system's files, without serial numbers."""

from pathlib import Path
import re
from typing import Any

from ncs_cluster_detector.checking.facts.machine_facts import text_of
from ncs_cluster_detector.checking.statuses import number_in

VENDOR_ID = '03e7'
DEVICES = Path('/sys/bus/usb/devices')
_DEVICE = re.compile(r'\d+-[\d.]+')
_SELF_POWERED = 0x40   # bit of bmAttributes


def usb_tree(devices: Path = DEVICES) -> list[dict[str, Any]] | None:
    """Return facts about each stick, its hub and what else is on that; None if not shown."""
    if not devices.is_dir():
        return None
    return [_stick(path) for path in sorted(devices.iterdir())
            if _DEVICE.fullmatch(path.name) and text_of(path / 'idVendor') == VENDOR_ID]


def is_on_bus(port: str, devices: Path = DEVICES) -> bool | None:
    """Return whether a stick is at a port path, on any bus; None if devices are not shown."""
    if not devices.is_dir():
        return None
    return any(text_of(path / 'idVendor') == VENDOR_ID for path in devices.iterdir()
               if path.name.partition('-')[2] == port)


def _stick(path):
    hub = _hub_of(path)
    return {
        'port': path.name.partition('-')[2],
        'bus': path.name.partition('-')[0],
        'product_id': text_of(path / 'idProduct'),
        'speed_mbit': number_in(text_of(path / 'speed')),
        'max_power': text_of(path / 'bMaxPower'),
        'autosuspend': text_of(path / 'power/control'),
        'hub': None if hub is None else {
            'name': hub.name,
            'id': f"{text_of(hub / 'idVendor')}:{text_of(hub / 'idProduct')}",
            'speed_mbit': number_in(text_of(hub / 'speed')),
            'ports': number_in(text_of(hub / 'maxchild')),
            'self_powered': _self_powered(hub),
            'max_power': text_of(hub / 'bMaxPower')},
        'beside_it': [] if hub is None else [
            {'class': _device_class(other), 'speed_mbit': number_in(text_of(other / 'speed'))}
            for other in _children(path, hub) if text_of(other / 'idVendor') != VENDOR_ID]}


def _hub_of(path):
    """Return the folder of a device's hub: 1-1 for 1-1.2, usb1 for 1-1."""
    parent = path.name.rpartition('.')[0] or f'usb{path.name.partition("-")[0]}'
    hub = path.parent / parent
    return hub if hub.is_dir() else None


def _children(path, hub):
    """Return the folders of all other devices on the same hub."""
    return [other for other in sorted(path.parent.iterdir())
            if _DEVICE.fullmatch(other.name) and other.name != path.name
            and _hub_of(other) == hub]


def _device_class(path):
    """Return the class of a device, which usually only its interfaces state."""
    own = text_of(path / 'bDeviceClass')
    if own not in (None, '00', 'ef'):
        return own
    classes = {text_of(interface / 'bInterfaceClass')
               for interface in path.parent.glob(f'{path.name}:*')}
    return ','.join(sorted(filter(None, classes))) or own


def _self_powered(path):
    try:
        return bool(int(text_of(path / 'bmAttributes'), 16) & _SELF_POWERED)
    except (TypeError, ValueError):   # it is not known
        return None
