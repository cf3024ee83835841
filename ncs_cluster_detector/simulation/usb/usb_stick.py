# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a simulated stick does on its USB endpoints: send data, and obey received headers."""

from contextlib import suppress

from ncs_cluster_detector.simulation.usb import xlink_wire
from ncs_cluster_detector.simulation.usb.usb_devices import UsbHandle


def takes(handle: UsbHandle) -> bool | None:
    """Return True when the stick accepts data, else None."""
    return None if handle.device.port.state().faults.nak else True


def send(handle: UsbHandle) -> bytes | None:
    """Return the next bytes that the stick has for its host, or None when it has none."""
    faults = handle.device.port.state().faults
    if not handle.device.has_booted or faults.mute or faults.nak:
        return None
    if handle.unread:
        data, handle.unread = handle.unread, b''
        return data
    left = handle.device.port.take_unread()
    return xlink_wire.unread_transfer(left) if left else None


def receive(handle: UsbHandle, data: bytes) -> int:
    """Let the stick receive bytes and obey their XLink headers; return the number of bytes."""
    port = handle.device.port
    if handle.device.has_booted and not port.state().faults.mute:
        handle.received += data[port.swallow(len(data)):]
        with suppress(ValueError):   # it has just been unplugged
            _obey(handle, port)
    return len(data)


def _obey(handle, port):
    header = xlink_wire.HEADER
    while len(handle.received) >= header.size:
        _, kind, _, _, size, _ = header.unpack_from(handle.received)
        del handle.received[:header.size]
        if kind not in xlink_wire.KNOWN_TYPES:
            port.inject('mute')
            handle.received.clear()
        elif kind == xlink_wire.RESET_REQ:
            port.reset_over_usb(handle.device.enumeration)
            handle.received.clear()
        elif kind == xlink_wire.WRITE_REQ:
            follows = min(size, len(handle.received))
            del handle.received[:follows]
            port.inject('swallow', str(size - follows))
