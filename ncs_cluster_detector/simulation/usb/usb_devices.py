# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The devices on the simulated USB bus, and their handles, as in libusb."""

from contextlib import suppress
from dataclasses import dataclass
import errno

from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.usb import xlink_wire
from usb.core import USBError
from usb.core import USBTimeoutError

VENDOR_ID = 0x03e7
# Of a stick in ROM state, by its chip (usb_boot.c, supportedDevices).
ROM_PRODUCT_IDS = {'ma2450': 0x2150, 'ma2480': 0x2485}
BOOTED_PRODUCT_ID = 0xf63b

# Codes of libusb, and the texts and error numbers for them.
ACCESS = -3
NO_DEVICE = -4
NOT_FOUND = -5
BUSY = -6
TIMEOUT = -7
OVERFLOW = -8
_ERRORS = {
    ACCESS: ('Access denied (insufficient permissions)', errno.EACCES),
    NO_DEVICE: ('No such device (it may have been disconnected)', errno.ENODEV),
    NOT_FOUND: ('Entity not found', errno.ENOENT),
    BUSY: ('Resource busy', errno.EBUSY),
    TIMEOUT: ('Operation timed out', errno.ETIMEDOUT),
    OVERFLOW: ('Overflow', errno.EOVERFLOW),
}
# Lower addresses are for the devices that are not sticks. Each port uses three addresses in turn,
# so a device never has the address of the one before it, or of one in another port. With more than
# 41 sticks they exceed the 127 addresses of a real bus.
_FIRST_ADDRESS = 4
_ADDRESSES_PER_PORT = 3


@dataclass(frozen=True)
class DeviceDescriptor:
    """The fields that pyusb reads from a device descriptor, under its names."""

    idVendor: int  # noqa: N815 - a name of the USB standard
    idProduct: int  # noqa: N815
    address: int
    port_numbers: tuple[int, ...]
    bus: int = 1
    speed: int = 3
    bLength: int = 18  # noqa: N815
    bDescriptorType: int = 1  # noqa: N815
    bcdUSB: int = 0x0200  # noqa: N815
    bDeviceClass: int = 0  # noqa: N815
    bDeviceSubClass: int = 0  # noqa: N815
    bDeviceProtocol: int = 0  # noqa: N815
    bMaxPacketSize0: int = 64  # noqa: N815
    bcdDevice: int = 1  # noqa: N815
    iManufacturer: int = 0  # noqa: N815
    iProduct: int = 0  # noqa: N815
    iSerialNumber: int = 0  # noqa: N815
    bNumConfigurations: int = 1  # noqa: N815

    @property
    def port_number(self) -> int:
        """Return the number of the last port on the way to the device."""
        return self.port_numbers[-1] if self.port_numbers else 0


@dataclass(frozen=True)
class UsbDevice:
    """
    A device as it was when it was listed; without a port it is not a stick.

    ``plugs`` and ``enumeration`` distinguish it from other devices that its port has had.
    """

    descriptor: DeviceDescriptor
    port: StickPort | None = None
    plugs: int = 0
    enumeration: int = 0

    @property
    def has_booted(self) -> bool:
        """Return whether it is a booted stick."""
        return self.descriptor.idProduct == BOOTED_PRODUCT_ID

    def is_there(self) -> bool:
        """Return whether the device is still on the bus."""
        state, link = self.port.look()
        return state.plugged and link.enumeration == self.enumeration


class UsbHandle:
    """An opened device: the claim of its interface, and partly read or written data."""

    def __init__(self, device: UsbDevice) -> None:
        self.device = device
        self.claim = None
        self.unread = b''
        self.received = bytearray()

    def release(self) -> None:
        """Release the interface, if this handle has it."""
        if self.claim is not None:
            self.claim.close()
            self.claim = None

    def accepts_data(self) -> bool:
        """Return whether the stick accepts data."""
        return not self.device.port.state().faults.nak

    def send(self) -> bytes | None:
        """Return the next bytes that the stick has for its host, or None when it has none."""
        faults = self.device.port.state().faults
        if not self.device.has_booted or faults.mute or faults.nak:
            return None
        if self.unread:
            data, self.unread = self.unread, b''
            return data
        left = self.device.port.take_unread()
        return xlink_wire.unread_transfer(left) if left else None

    def receive(self, data: bytes) -> int:
        """Let the stick receive bytes and obey their XLink headers; return their number."""
        port = self.device.port
        if self.device.has_booted and not port.state().faults.mute:
            self.received += data[port.swallow(len(data)):]
            with suppress(ValueError):   # it has just been unplugged
                self._obey(port)
        return len(data)

    def _obey(self, port):
        header = xlink_wire.HEADER
        while len(self.received) >= header.size:
            _, kind, _, _, size, _ = header.unpack_from(self.received)
            del self.received[:header.size]
            if kind not in xlink_wire.KNOWN_TYPES:
                port.inject('mute')
                self.received.clear()
            elif kind == xlink_wire.RESET_REQ:
                port.reset_over_usb(self.device.enumeration)
                self.received.clear()
            elif kind == xlink_wire.WRITE_REQ:
                follows = min(size, len(self.received))
                del self.received[:follows]
                port.inject('swallow', str(size - follows))


# A root hub and a webcam, which programs that look for sticks must ignore.
FOREIGN_DEVICES = (
    UsbDevice(DeviceDescriptor(0x1d6b, 0x0002, 1, (), bDeviceClass=9)),
    UsbDevice(DeviceDescriptor(0x046d, 0x0825, 2, (2,), bDeviceClass=0xef)),
)


def listed_stick(port: StickPort, index: int) -> UsbDevice | None:
    """Return the stick in the port with an index as a device, or None when none is visible."""
    seen = port.visible()
    if seen is None:
        return None
    state, link = seen
    descriptor = DeviceDescriptor(
        VENDOR_ID, BOOTED_PRODUCT_ID if link.booted else ROM_PRODUCT_IDS[port.bus.chip],
        _FIRST_ADDRESS + index * _ADDRESSES_PER_PORT + link.enumeration % _ADDRESSES_PER_PORT,
        tuple(int(number) for number in port.path.split('.')))
    return UsbDevice(descriptor, port, state.plugs, link.enumeration)


def usb_error(code: int) -> USBError:
    """Return the exception that pyusb raises for a code of libusb."""
    text, number = _ERRORS[code]
    return (USBTimeoutError if code == TIMEOUT else USBError)(text, code, number)
