# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bulk transfers by libusb's own function, which is here one in Python."""

import ctypes
from types import SimpleNamespace

from ncs_cluster_detector.sticks import usb_claim
from ncs_cluster_detector.sticks.usb_bulk import bulk_transfers
import numpy as np
import pytest

TIMEOUT = -7
HANDLE = 0x7f1234567890   # more than 32 bits
PROTOTYPE = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_void_p, ctypes.c_ubyte, ctypes.c_void_p, ctypes.c_int,
    ctypes.POINTER(ctypes.c_int), ctypes.c_uint)


class Library:
    """What plays libusb: it answers with ``data``, or takes all but ``untaken`` bytes."""

    def __init__(self):
        """Begin with an empty answer."""
        self.data, self.untaken, self.status = b'', 0, 0
        self.calls = []     # handle, endpoint, size, timeout
        self.taken = []     # address and content
        self.libusb_bulk_transfer = PROTOTYPE(self._transfer)

    def transfers(self):
        """Return the BulkTransfers of a handle."""
        return bulk_transfers(SimpleNamespace(lib=self),
                              SimpleNamespace(handle=ctypes.c_void_p(HANDLE)))

    def libusb_strerror(self, status):
        """Return a text for a status."""
        return b'made up'

    def _transfer(self, handle, endpoint, address, size, counter, timeout_ms):
        self.calls.append((handle, endpoint, size, timeout_ms))
        if endpoint == 0x81:
            ctypes.memmove(address, self.data, len(self.data))
            counter[0] = len(self.data)
        else:
            self.taken.append((address, ctypes.string_at(address, size)))
            counter[0] = size - self.untaken
        return self.status


@pytest.fixture
def library():
    """Return a Library."""
    return Library()


def test_a_read_brings_what_one_transfer_has(library):
    read = library.transfers().read
    library.data = b'some bytes'
    assert read(512, 0.5) == b'some bytes'
    library.data = b'less'
    assert read(512, 2.0) == b'less'
    assert library.calls == [(HANDLE, 0x81, 512, 500), (HANDLE, 0x81, 512, 2000)]


def test_what_was_read_stays_when_more_is_read(library):
    read = library.transfers().read
    library.data = b'first'
    first = read(512, 0.5)
    library.data = b'other'
    assert (read(512, 0.5), first) == (b'other', b'first')


@pytest.mark.parametrize('seconds, expected_ms', [
    (1.0, 1000), (0.05, 50), (0.0016, 2), (2, 2000), (0.0004, 1), (0.0, 1), (-1.0, 1)])
def test_timeouts_are_whole_milliseconds_and_never_without_a_limit(library, seconds, expected_ms):
    read, write = library.transfers()
    read(512, seconds)
    write(b'x', seconds)
    assert [call[-1] for call in library.calls] == [expected_ms] * 2


@pytest.mark.parametrize('is_writable', [True, False])
def test_memory_is_sent_without_a_copy(library, is_writable):
    tensor = np.arange(6, dtype=np.uint8)
    tensor.flags.writeable = is_writable
    library.transfers().write(tensor.data[1:5], 1.0)
    assert library.taken == [(tensor.ctypes.data + 1, bytes([1, 2, 3, 4]))]
    assert library.calls == [(HANDLE, 0x01, 4, 1000)]


def test_bytes_are_sent_as_they_are(library):
    library.transfers().write(b'\0zeros\0too\0', 1.0)
    assert [content for _, content in library.taken] == [b'\0zeros\0too\0']


@pytest.mark.parametrize('status, error', [
    (-1, usb_claim.UsbError), (-3, usb_claim.UsbAccessError), (-4, usb_claim.UsbGoneError),
    (-5, usb_claim.UsbGoneError), (-6, usb_claim.UsbBusyError),
    (TIMEOUT, usb_claim.UsbTimeoutError), (-99, usb_claim.UsbError)])
def test_a_failure_is_an_error_of_its_kind(library, status, error):
    read, write = library.transfers()
    library.status, library.untaken = status, 4
    for call in (lambda: read(512, 1.0), lambda: write(b'some', 1.0)):
        with pytest.raises(usb_claim.UsbError) as caught:
            call()
        assert type(caught.value) is error
        assert str(caught.value) == f'made up ({status})'


def test_what_came_before_the_time_ended_is_read(library):
    library.data, library.status = b'a part', TIMEOUT
    assert library.transfers().read(512, 1.0) == b'a part'


@pytest.mark.parametrize('status', [0, TIMEOUT])
def test_a_write_that_takes_less_than_all_is_a_timeout(library, status):
    library.status, library.untaken = status, 3
    with pytest.raises(usb_claim.UsbTimeoutError, match='1 of 4 bytes written'):
        library.transfers().write(b'some', 1.0)


@pytest.mark.parametrize('status', [-1, -4])
def test_a_part_that_was_read_is_no_success_when_the_call_failed(library, status):
    library.data, library.status = b'a part', status
    with pytest.raises(usb_claim.UsbError):
        library.transfers().read(512, 1.0)
