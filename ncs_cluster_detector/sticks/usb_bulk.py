# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Bulk transfers of a claimed stick: by libusb's function itself, or by any backend of pyusb's form.

pyusb's own wrapper around the function takes longer than a small transfer's call, and an inference
needs twenty transfers.
"""

from array import array
from collections.abc import Callable
import ctypes
from typing import Any

from ncs_cluster_detector.sticks.usb_claim import BulkTransfers
from ncs_cluster_detector.sticks.usb_claim import error_of
from ncs_cluster_detector.sticks.usb_claim import ERROR_TIMEOUT
from ncs_cluster_detector.sticks.usb_claim import INTERFACE
from ncs_cluster_detector.sticks.usb_claim import translating_errors
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
import numpy as np

_ENDPOINT_OUT, _ENDPOINT_IN = 0x01, 0x81

# int libusb_bulk_transfer(handle, endpoint, data, length, transferred, timeout_ms). Its arguments
# are given as ctypes objects, bytes and numbers that need no conversion, so no types are named
# here: that makes a call twice as quick. 0 ms would be no limit.
_BULK_TRANSFER = ctypes.CFUNCTYPE(ctypes.c_int)


def bulk_transfers(backend: Any, handle: Any) -> BulkTransfers:
    """Return those of a handle whose interface is claimed."""
    library = getattr(backend, 'lib', None)
    if hasattr(library, 'libusb_bulk_transfer') and isinstance(
            getattr(handle, 'handle', None), ctypes.c_void_p):
        return BulkTransfers(_libusb_read(library, handle), _libusb_write(library, handle))
    return BulkTransfers(_backend_read(backend, handle), _backend_write(backend, handle))


def _libusb_read(library: Any, handle: Any) -> Callable[[int, float], bytes]:
    transfer, device = _function_of(library), handle.handle
    counter = ctypes.c_int()
    counter_at = ctypes.byref(counter)
    buffers: dict[int, tuple[Any, memoryview]] = {}   # by size

    def read(size: int, timeout_sec: float) -> bytes:
        if size not in buffers:
            memory = (ctypes.c_ubyte * size)()
            buffers[size] = memory, memoryview(memory).cast('B')
        memory, view = buffers[size]
        timeout_ms = int(timeout_sec * 1000 + 0.5)
        status = transfer(device, _ENDPOINT_IN, memory, size, counter_at,
                          timeout_ms if timeout_ms > 0 else 1)
        count = counter.value
        # When the time ends, some data may be there.
        if status and not (count and status == ERROR_TIMEOUT):
            raise error_of(status, library)
        return view[:count].tobytes()

    return read


def _libusb_write(library: Any, handle: Any) -> Callable[[bytes | memoryview, float], None]:
    transfer, device = _function_of(library), handle.handle
    counter = ctypes.c_int()
    counter_at = ctypes.byref(counter)

    def write(data: bytes | memoryview, timeout_sec: float) -> None:
        size = len(data)
        timeout_ms = int(timeout_sec * 1000 + 0.5)
        status = transfer(device, _ENDPOINT_OUT, data if type(data) is bytes else _pointer(data),
                          size, counter_at, timeout_ms if timeout_ms > 0 else 1)
        if status or counter.value < size:
            if status and not (counter.value and status == ERROR_TIMEOUT):
                raise error_of(status, library)
            raise UsbTimeoutError.after(counter.value, size)

    return write


def _function_of(library: Any) -> Callable[..., int]:
    address = ctypes.cast(library.libusb_bulk_transfer, ctypes.c_void_p).value
    assert address is not None
    return _BULK_TRANSFER(address)


def _pointer(data: bytes | memoryview) -> Any:
    if isinstance(data, memoryview) and not data.readonly:
        return ctypes.byref(ctypes.c_char.from_buffer(data))
    return ctypes.c_void_p(np.frombuffer(data, np.uint8).ctypes.data)


def _backend_read(backend: Any, handle: Any) -> Callable[[int, float], bytes]:
    buffers: dict[int, array[int]] = {}

    def read(size: int, timeout_sec: float) -> bytes:
        if size not in buffers:
            buffers[size] = array('B', bytes(size))
        with translating_errors:
            count = backend.bulk_read(
                handle, _ENDPOINT_IN, INTERFACE, buffers[size], _ms(timeout_sec))
        return bytes(memoryview(buffers[size])[:count])

    return read


def _backend_write(backend: Any, handle: Any) -> Callable[[bytes | memoryview, float], None]:

    def write(data: bytes | memoryview, timeout_sec: float) -> None:
        with translating_errors:
            written = backend.bulk_write(
                handle, _ENDPOINT_OUT, INTERFACE, array('B', data), _ms(timeout_sec))
        if written < len(data):
            raise UsbTimeoutError.after(written, len(data))

    return write


def _ms(seconds: float) -> int:
    return max(round(seconds * 1000), 1)
