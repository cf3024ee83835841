# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A simulated bus seen over USB, with sticks that were left booted."""

from array import array

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
from ncs_cluster_detector.simulation.usb.xlink_wire import HEADER
import pytest
from usb.core import USBError

TIMEOUT, NO_DEVICE, ACCESS, BUSY, NOT_FOUND, OVERFLOW = -7, -4, -3, -6, -5, -8
IN, OUT = 0x81, 0x01
# As the vendor's library sends it, XLink.c:1298.
RESET_REQUEST = HEADER.pack(10, 6, b'', 0, 0, 1)
# Long enough for a call that wrongly goes on to show it.
A_WHILE_MS = 150


class UsbBench:
    """A bus without waits, and its backend."""

    def __init__(self, **properties):
        """Make a bus with two sticks, and all times 0 where not given."""
        self.bus = SimulatedBus(BusSpec(**{'sticks': 2, 'boot_ms': 0.0, **properties}))
        self.backend = SimulatedUsbBackend(self.bus)

    def sticks(self):
        """Return the devices that are sticks, by their port numbers."""
        devices = ((device, self.backend.get_device_descriptor(device))
                   for device in self.backend.enumerate_devices())
        return {about.port_numbers: device for device, about in devices
                if about.idVendor == 0x03e7}

    def describe(self, number):
        """Return the descriptor of the stick in port 1.number as it is now, or None."""
        device = self.sticks().get((1, number))
        return None if device is None else self.backend.get_device_descriptor(device)

    def leave_booted(self, path, unread=0):
        """Let a stick be as a killed process leaves it."""
        port = self.bus.port(path)
        plugs = port.state().plugs
        claim = port.claim(plugs)
        port.boot(plugs)
        port.note_unread(port.look()[1].enumeration, unread)
        claim.close()
        return port

    def open(self, number):  # noqa: A003 - what it does
        """Return a handle of the stick in port 1.number."""
        return self.backend.open_device(self.sticks()[(1, number)])

    def claimed(self, number):
        """Return a handle that has the stick's interface."""
        handle = self.open(number)
        self.backend.claim_interface(handle, 0)
        return handle

    def read(self, handle, timeout_ms=A_WHILE_MS, size=16384):
        """Return what a read brings."""
        buffer = array('B', bytes(size))
        count = self.backend.bulk_read(handle, IN, 0, buffer, timeout_ms)
        assert len(buffer) == size
        return buffer[:count].tobytes()

    def write(self, handle, data, timeout_ms=A_WHILE_MS):
        """Write bytes; return how many were."""
        return self.backend.bulk_write(handle, OUT, 0, array('B', data), timeout_ms)


def code_of(call, *arguments):
    """Return libusb's code with which a call fails."""
    with pytest.raises(USBError) as caught:
        call(*arguments)
    return caught.value.backend_error_code
