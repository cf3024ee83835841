# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick that this process has claimed on USB: read, write and reset it. All waits have ends."""

from collections.abc import Callable
from types import TracebackType
from typing import Any
from typing import NamedTuple

INTERFACE = 0
# A multiple of every packet size, so that every packet fits.
READ_BYTES = 65536

# enum libusb_error
_ACCESS, _NO_DEVICE, _NOT_FOUND, _BUSY, ERROR_TIMEOUT = -3, -4, -5, -6, -7


class UsbError(Exception):
    """A USB call failed."""


class UsbAccessError(UsbError):
    """This process may not use the device."""


class UsbBusyError(UsbError):
    """The device is claimed, perhaps by another part of this process."""


class UsbGoneError(UsbError):
    """The device has left the bus, or has come back as a new one."""


class UsbTimeoutError(UsbError):
    """Not all data were read or written in time; ``written`` is how many bytes were."""

    written = 0

    @classmethod
    def after(cls, written: int, size: int) -> 'UsbTimeoutError':
        """Return the error for so many bytes written of all."""
        error = cls(f'{written} of {size} bytes written')
        error.written = written
        return error


_ERRORS = {_ACCESS: UsbAccessError, _NO_DEVICE: UsbGoneError, _NOT_FOUND: UsbGoneError,
           _BUSY: UsbBusyError, ERROR_TIMEOUT: UsbTimeoutError}


def error_of(status: int, library: Any) -> UsbError:
    """Return the error for what a function of libusb has returned."""
    text = getattr(library, 'libusb_strerror', lambda _: b'libusb error')(status)
    return _ERRORS.get(status, UsbError)(f'{text.decode("utf-8", "replace")} ({status})')


class _ErrorTranslation:
    """
    Raises this module's errors in place of pyusb's; see ``translating_errors``.

    It has no state, so one serves all; a generator would cost more than a small transfer's call.
    """

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        """Raise an UsbError if the backend has raised one of its errors."""
        if error is None:
            return
        from usb.core import USBError
        if isinstance(error, USBError):
            raise _ERRORS.get(error.backend_error_code, UsbError)(str(error)) from error
        if isinstance(error, NotImplementedError):   # pyusb's form of LIBUSB_ERROR_NOT_SUPPORTED
            raise UsbError(f'not supported: {error}') from error


translating_errors = _ErrorTranslation()


class BulkTransfers(NamedTuple):
    """
    What reads and writes a stick; one thread at a time may be in each.

    ``read(size, timeout_sec)`` returns what one transfer brings: until ``size`` bytes, a multiple
    of the stick's packet size, or a short packet. ``write(data, timeout_sec)`` takes bytes, or
    contiguous memory, which is not copied. Both raise UsbTimeoutError when nothing has come, or
    not all has gone, in time; UsbGoneError when the stick has left the bus, before or meanwhile;
    UsbError for anything else.
    """

    read: Callable[[int, float], bytes]
    write: Callable[[bytes | memoryview, float], None]


class UsbClaim:
    """
    A claimed stick, until this is closed or the process ends.

    ``read_data`` and ``write`` are as in BulkTransfers. No thread may be in a call when this is
    closed.
    """

    def __init__(self, backend: Any, handle: Any, packet_bytes: int, bulk: BulkTransfers) -> None:
        """Take over a handle whose interface is claimed; ``packet_bytes`` as in UsbStick."""
        self.packet_bytes = packet_bytes
        self.read_data, self.write = bulk
        self._backend = backend
        self._handle = handle

    def read(self, timeout_sec: float) -> int:
        """
        Read data from the stick; return the number of bytes.

        :raises UsbTimeoutError: no data came within the time.
        :raises UsbGoneError: it has left the bus, before or meanwhile.
        :raises UsbError: anything else.
        """
        return len(self.read_data(READ_BYTES, timeout_sec))

    def reset(self) -> None:
        """
        Reset the stick's USB port; can take seconds while the system tries to bring it back.

        :raises UsbGoneError: it has left the bus or come back as a new device: a success.
        :raises UsbError: it could not be reset.
        """
        with translating_errors:
            self._backend.reset_device(self._handle)

    def close(self) -> None:
        """Release the stick; closing the handle releases its interface."""
        self._backend.close_device(self._handle)
