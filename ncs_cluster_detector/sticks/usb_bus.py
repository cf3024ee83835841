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

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
import ctypes
from dataclasses import dataclass
from dataclasses import field
import importlib
from typing import Any

VENDOR_ID = 0x03e7
# Sticks of the first and second generation in ROM state, and any booted stick.
ROM_PRODUCTS = (0x2150, 0x2485)
BOOTED_PRODUCT = 0xf63b

LIBRARY = 'libusb-1.0.so.0'   # what the vendor's library is linked with
INTERFACE = 0
ENDPOINT_OUT, ENDPOINT_IN = 0x01, 0x81
# A multiple of every packet size, so that every packet fits.
READ_BYTES = 65536

_ACCESS, _NO_DEVICE, _NOT_FOUND, _BUSY, _TIMEOUT = -3, -4, -5, -6, -7   # enum libusb_error


class UsbUnavailableError(Exception):
    """There is no USB library; the text says which and what to install."""


class UsbError(Exception):
    """A USB call failed."""


class UsbAccessError(UsbError):
    """This process may not use the device."""


class UsbBusyError(UsbError):
    """The device is claimed, perhaps by another part of this process."""


class UsbGoneError(UsbError):
    """The device has left the bus, or has come back as a new one."""


class UsbTimeoutError(UsbError):
    """Not all data were read or written in time."""


_ERRORS = {_ACCESS: UsbAccessError, _NO_DEVICE: UsbGoneError, _NOT_FOUND: UsbGoneError,
           _BUSY: UsbBusyError, _TIMEOUT: UsbTimeoutError}


@dataclass(frozen=True)
class UsbStick:
    """
    A stick that is on the bus.

    ``port`` is its USB port path as the vendor's library names it, ``1.2``. ``address`` is the
    pair of bus and device number, which changes when a stick boots, is reset or plugged in.
    """

    port: str
    address: tuple[int, int]
    booted: bool
    device: Any = field(repr=False, compare=False, default=None)


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
        with _translated_errors():
            for device in self._backend.enumerate_devices():
                about = self._backend.get_device_descriptor(device)
                booted = about.idProduct == BOOTED_PRODUCT
                if about.idVendor == VENDOR_ID and (booted or about.idProduct in ROM_PRODUCTS):
                    found.append(UsbStick('.'.join(map(str, about.port_numbers or ())),
                                          (about.bus, about.address), booted, device))
        return found

    def claim(self, stick: UsbStick) -> 'UsbClaim':
        """
        Claim a stick for this caller alone.

        :raises UsbBusyError: somebody else has claimed it.
        :raises UsbAccessError: this process may not use it.
        :raises UsbGoneError: it has left the bus.
        :raises UsbError: anything else.
        """
        with _translated_errors():
            handle = self._backend.open_device(stick.device)
            try:
                self._backend.claim_interface(handle, INTERFACE)
            except BaseException:
                self._backend.close_device(handle)
                raise
        return UsbClaim(self._backend, handle)

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


class UsbClaim:
    """A claimed stick, until this is closed or the process ends; for one thread at a time."""

    def __init__(self, backend: Any, handle: Any) -> None:
        """Take over a handle whose interface is claimed."""
        self._backend = backend
        self._handle = handle

    def read(self, timeout_sec: float) -> int:
        """
        Read data from the stick; return the number of bytes.

        :raises UsbTimeoutError: no data came within the time.
        :raises UsbGoneError: it has left the bus, before or meanwhile.
        :raises UsbError: anything else.
        """
        with _translated_errors():
            return int(self._backend.bulk_read(self._handle, ENDPOINT_IN, INTERFACE,
                                               array('B', bytes(READ_BYTES)), _ms(timeout_sec)))

    def write(self, data: bytes, timeout_sec: float) -> None:
        """
        Write bytes to the stick.

        :raises UsbTimeoutError: it does not take all of them within the time.
        :raises UsbGoneError: it has left the bus, before or meanwhile.
        :raises UsbError: anything else.
        """
        with _translated_errors():
            written = self._backend.bulk_write(self._handle, ENDPOINT_OUT, INTERFACE,
                                               array('B', data), _ms(timeout_sec))
        if written < len(data):
            raise UsbTimeoutError(f'{written} of {len(data)} bytes written')

    def reset(self) -> None:
        """
        Reset the stick's USB port; can take seconds while the system tries to bring it back.

        :raises UsbGoneError: it has left the bus or come back as a new device: a success.
        :raises UsbError: it could not be reset.
        """
        with _translated_errors():
            self._backend.reset_device(self._handle)

    def close(self) -> None:
        """Release the stick; closing the handle releases its interface."""
        self._backend.close_device(self._handle)


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


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)   # 0 would be without a limit


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Raise this module's errors instead of pyusb's."""
    from usb.core import USBError
    try:
        yield
    except USBError as error:
        kind = _ERRORS.get(error.backend_error_code, UsbError)
        raise kind(str(error)) from error
    except NotImplementedError as error:   # pyusb's form of LIBUSB_ERROR_NOT_SUPPORTED
        raise UsbError(f'not supported: {error}') from error
