# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick that this process has claimed on USB: read, write and reset it. All waits have ends."""

from array import array
from types import TracebackType
from typing import Any

import numpy as np

INTERFACE = 0
ENDPOINT_OUT, ENDPOINT_IN = 0x01, 0x81
# A multiple of every packet size, so that every packet fits.
READ_BYTES = 65536

_ACCESS, _NO_DEVICE, _NOT_FOUND, _BUSY, _TIMEOUT = -3, -4, -5, -6, -7   # enum libusb_error


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


class _Memory:
    """Memory that is sent as it is: what pyusb asks an ``array.array`` for."""

    itemsize = 1

    def __init__(self, data: memoryview) -> None:
        """Refer to contiguous bytes, which must stay."""
        address = np.frombuffer(data, np.uint8).__array_interface__['data'][0]
        self._info: tuple[int, int] = address, data.nbytes

    def buffer_info(self) -> tuple[int, int]:
        """Return address and size in bytes."""
        return self._info


class UsbClaim:
    """
    A claimed stick, until this is closed or the process ends.

    One thread at a time may read, and one may write. No thread may be in a call when it is closed.
    """

    def __init__(self, backend: Any, handle: Any, packet_bytes: int = 512) -> None:
        """Take over a handle whose interface is claimed; ``packet_bytes`` as in UsbStick."""
        self.packet_bytes = packet_bytes
        self._backend = backend
        self._handle = handle
        self._buffers: dict[int, array[int]] = {}   # for reading, by size

    def read(self, timeout_sec: float) -> int:
        """
        Read data from the stick; return the number of bytes.

        :raises UsbTimeoutError: no data came within the time.
        :raises UsbGoneError: it has left the bus, before or meanwhile.
        :raises UsbError: anything else.
        """
        return len(self.read_data(READ_BYTES, timeout_sec))

    def read_data(self, size: int, timeout_sec: float) -> bytes:
        """
        Return what one transfer brings: until ``size`` bytes, or a short packet, or the timeout.

        :param size: a multiple of the stick's packet size, so that every packet fits.
        :raises UsbTimeoutError: nothing came within the time.
        :raises UsbGoneError: it has left the bus, before or meanwhile.
        :raises UsbError: anything else.
        """
        buffer = self._buffers.get(size)
        if buffer is None:
            buffer = self._buffers[size] = array('B', bytes(size))
        with translating_errors:
            count = self._backend.bulk_read(
                self._handle, ENDPOINT_IN, INTERFACE, buffer, _ms(timeout_sec))
        return bytes(memoryview(buffer)[:count])

    def write(self, data: bytes | memoryview, timeout_sec: float) -> None:
        """
        Write bytes to the stick in one transfer; a memoryview without a copy.

        :raises UsbTimeoutError: it does not take all of them within the time.
        :raises UsbGoneError: it has left the bus, before or meanwhile.
        :raises UsbError: anything else.
        """
        buffer = _Memory(data) if isinstance(data, memoryview) else array('B', data)
        with translating_errors:
            written = self._backend.bulk_write(
                self._handle, ENDPOINT_OUT, INTERFACE, buffer, _ms(timeout_sec))
        if written < len(data):
            raise UsbTimeoutError(f'{written} of {len(data)} bytes written')

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


def _ms(seconds: float) -> int:
    return int(seconds * 1000) or 1   # 0 would be without a limit
