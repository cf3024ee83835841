# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The sticks as USB devices, below the vendor's library: list, claim, read, write and reset them.

The backend is an argument: pyusb's for libusb on a robot, ``simulation.usb.usb_backend`` without
sticks. Every wait here has a deadline, unlike in the vendor's library.
"""

import ctypes
from dataclasses import dataclass
from dataclasses import field
import importlib
from typing import Any

from ncs_cluster_detector.sticks.usb_bulk import bulk_transfers
from ncs_cluster_detector.sticks.usb_claim import INTERFACE
from ncs_cluster_detector.sticks.usb_claim import translating_errors
from ncs_cluster_detector.sticks.usb_claim import UsbBusyError
from ncs_cluster_detector.sticks.usb_claim import UsbClaim

VENDOR_ID = 0x03e7
# Sticks of the first and second generation in ROM state by product, and any booted stick.
ROM_KINDS = {0x2150: 'ma2450', 0x2485: 'ma2480'}
BOOTED_PRODUCT = 0xf63b
CONFIGURATION = 1

LIBRARY = 'libusb-1.0.so.0'   # what the vendor's library is linked with
# Bytes of a bulk packet by libusb's number of the speed (full, high, super). Source: USB 2.0,
# 5.8.3, and USB 3.0, 9.6.6.
_PACKET_BYTES = {2: 64, 3: 512}
_SUPER_SPEED_PACKET_BYTES = 1024


class UsbUnavailableError(Exception):
    """There is no USB library; the text says which and what to install."""


@dataclass(frozen=True)
class UsbStick:
    """
    A stick that is on the bus.

    ``port`` is its USB port path as the vendor's library names it, ``1.2``. ``address`` is the
    pair of bus and device number, which changes when a stick boots, is reset or plugged in.
    ``kind`` is its chip, ``ma2450``; empty when it is booted. ``packet_bytes`` is the largest
    packet of a transfer.
    """

    port: str
    address: tuple[int, int]
    booted: bool
    device: Any = field(repr=False, compare=False, default=None)
    kind: str = field(compare=False, default='')
    packet_bytes: int = field(compare=False, default=512)


def load_backend() -> Any:
    """
    Return pyusb's backend for libusb 1.0.

    :raises UsbUnavailableError: pyusb or libusb is missing.
    """
    try:
        from usb.backend import libusb1
    except ImportError as error:
        raise without_pyusb(error) from error
    backend = libusb1.get_backend(find_library=_find_libusb)
    if backend is None:
        raise UsbUnavailableError(f'{LIBRARY} cannot be used; install libusb-1.0-0')
    return backend


def without_pyusb(error: Exception) -> UsbUnavailableError:
    """Return the UsbUnavailableError for pyusb that cannot be imported."""
    return UsbUnavailableError(
        f"the Python module 'usb' (pyusb) cannot be loaded: {error}; install python3-usb")


class UsbBus:
    """All sticks of the machine, seen through a backend of pyusb's interface."""

    def __init__(self, backend: Any) -> None:
        """Use a backend; nothing is opened."""
        self._backend = backend

    def sticks(self) -> list[UsbStick]:
        """
        Return an UsbStick for each stick on the bus, in no order.

        :raises UsbError: the bus cannot be listed.
        """
        found = []
        with translating_errors:
            for device in self._backend.enumerate_devices():
                about = self._backend.get_device_descriptor(device)
                booted = about.idProduct == BOOTED_PRODUCT
                if about.idVendor == VENDOR_ID and (booted or about.idProduct in ROM_KINDS):
                    found.append(UsbStick(
                        '.'.join(map(str, about.port_numbers or ())),
                        (about.bus, about.address), booted, device,
                        ROM_KINDS.get(about.idProduct, ''), _packet_bytes(about)))
        return found

    def claim(self, stick: UsbStick, configure: bool = False) -> UsbClaim:
        """
        Claim a stick for this caller alone.

        :param configure: set its configuration first, as a stick in ROM state needs.
        :raises UsbBusyError: somebody else has claimed it.
        :raises UsbAccessError: this process may not use it.
        :raises UsbGoneError: it has left the bus.
        :raises UsbError: anything else.
        """
        with translating_errors:
            handle = self._backend.open_device(stick.device)
            try:
                if configure:
                    self._backend.set_configuration(handle, CONFIGURATION)
                self._backend.claim_interface(handle, INTERFACE)
            except BaseException:
                self._backend.close_device(handle)
                raise
        return UsbClaim(self._backend, handle, stick.packet_bytes,
                        bulk_transfers(self._backend, handle))

    def is_claimed(self, stick: UsbStick) -> bool:
        """
        Return whether any process has claimed a stick.

        :raises UsbError: as :meth:`claim`, :class:`UsbBusyError` excepted.
        """
        try:
            self.claim(stick).close()
        except UsbBusyError:
            return True
        return False


def _find_libusb(_: str) -> str | None:
    """Return the system's libusb, which the vendor's library also uses, or else PyPI's, if any."""
    try:
        ctypes.CDLL(LIBRARY)
        return LIBRARY
    except OSError:
        pass   # it is not installed
    try:
        return str(importlib.import_module('libusb_package').get_library_path())
    except ImportError:
        return None


def _packet_bytes(about: Any) -> int:
    speed = getattr(about, 'speed', None)
    return _PACKET_BYTES.get(speed or 3, _SUPER_SPEED_PACKET_BYTES)
