# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Read from the system's files why a stick did not open.

The SDK says only ERROR then, and its next call may never return.
"""

import os
from pathlib import Path

# Source: the vendor's udev rules. A stick changes its product number, not this one, as it boots.
VENDOR_ID = '03e7'


class SystemFacts:
    """Reads the files of ``/proc``, ``/sys`` and ``/dev``, or of the folders that a test gives."""

    def __init__(
            self, maps: str = '/proc/self/maps', usb_devices: str = '/sys/bus/usb/devices',
            usb_nodes: str = '/dev/bus/usb') -> None:
        """Remember where the files are."""
        self._maps = maps
        self._usb_devices = usb_devices
        self._usb_nodes = usb_nodes

    def sdk_folder(self) -> str | None:
        """Return the folder of the ``libmvnc.so`` that this process has loaded, or None."""
        with open(self._maps, encoding='utf-8', errors='surrogateescape') as file:
            for line in file:
                # Address, permissions, offset, device, inode, path; the path may contain blanks.
                path = line.rstrip('\n').split(maxsplit=5)[5:]
                if path and os.path.basename(path[0]).startswith('libmvnc.so'):
                    return os.path.dirname(path[0])
        return None

    def missing_firmware(self, chip: str) -> str | None:
        """
        Return the path of the firmware file if it is missing, else None.

        :param chip: the part of the device name after the dash, such as ``ma2450``.
        """
        folder = self.sdk_folder()
        if folder is None:
            return None
        path = os.path.join(folder, 'mvnc', f'MvNCAPI-{chip}.mvcmd')
        return None if os.path.isfile(path) else path

    def nodes(self, port: str) -> list[str] | None:
        """
        Return the device files of the sticks at a port path, on any bus.

        :param port: such as ``1.2``.
        :return: list of paths such as ``/dev/bus/usb/001/007``, empty when no stick is there; None
            when the system does not show its USB devices.
        """
        if not os.path.isdir(self._usb_devices):
            return None
        found = []
        for name in sorted(os.listdir(self._usb_devices)):
            device = Path(self._usb_devices, name)
            if name.partition('-')[2] != port:   # the number of the bus comes first
                continue
            try:
                vendor = (device / 'idVendor').read_text(encoding='ascii').strip()
                numbers = [int((device / file).read_text(encoding='ascii'))
                           for file in ('busnum', 'devnum')]
            except (OSError, ValueError):   # it left the bus while its files were read
                continue
            if vendor == VENDOR_ID:
                found.append(os.path.join(self._usb_nodes, *(f'{one:03}' for one in numbers)))
        return found

    def is_usable(self, node: str) -> bool:
        """Return whether this process may read and write a device file."""
        return os.access(node, os.R_OK | os.W_OK, effective_ids=True)
