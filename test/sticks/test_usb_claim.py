# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A claimed stick over a backend of pyusb's form: reads, writes, and the errors of both."""

from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
import pytest

PORT = '1.1'


@pytest.fixture(scope='module')
def bus(fake_bus):
    """Return the fake bus with a quick stick."""
    with fake_bus('--ports', PORT, '--boot', '0.02', '--reset', '0.02') as bus:
        yield bus


@pytest.fixture
def claim(bus, usb_backend):
    """Return the claim of a booted stick."""
    bus.tell(f'{PORT} clear', f'{PORT} unplug', f'{PORT} plug', f'{PORT} boot')
    usb = UsbBus(usb_backend)
    claim = usb.claim(usb.sticks()[0])
    yield claim
    claim.close()
    bus.wait_for(lambda sticks: sticks[PORT].holder is None)


def unread(bus):
    """Return how many bytes the stick has got and not looked at."""
    return bus.sticks()[PORT].unread[0]


@pytest.mark.parametrize('data', [
    b'five5', bytearray(b'five5'), memoryview(b'five5'), memoryview(bytearray(b'five5')),
    memoryview(b'0123five5')[4:]])
def test_all_kinds_of_bytes_are_written(bus, claim, data):
    claim.write(data, 1.0)
    bus.wait_for(lambda _: unread(bus) == 5)


def test_a_large_piece_of_memory_is_written_as_it_is(bus, claim):
    data = memoryview(bytes(range(1, 256)) * 4000)
    bus.tell(f'{PORT} dead')   # so that it keeps what it gets
    claim.write(data, 5.0)
    bus.wait_for(lambda _: unread(bus) == len(data))


def test_a_stick_that_takes_nothing_is_a_timeout(bus, claim):
    bus.tell(f'{PORT} nak')
    for data in (b'some', memoryview(b'some')):
        with pytest.raises(UsbTimeoutError):
            claim.write(data, 0.03)


def test_a_part_that_is_taken_is_a_timeout(bus, claim):
    bus.tell(f'{PORT} arm out 1 short 1')
    with pytest.raises(UsbTimeoutError, match='of 1000 bytes written'):
        claim.write(memoryview(bytes(1000)), 1.0)


def test_silence_is_a_timeout(claim):
    with pytest.raises(UsbTimeoutError):
        claim.read(0.03)


def test_a_stick_that_leaves_is_gone_for_both(bus, claim):
    bus.tell(f'{PORT} unplug')
    with pytest.raises(UsbGoneError):
        claim.read(1.0)
    with pytest.raises(UsbGoneError):
        claim.write(b'some', 1.0)


def test_another_error_is_neither(bus, claim):
    bus.tell(f'{PORT} eproto')
    for call in (lambda: claim.read(1.0), lambda: claim.write(b'some', 1.0)):
        with pytest.raises(UsbError) as caught:
            call()
        assert type(caught.value) is UsbError and len(str(caught.value).splitlines()) == 1


def test_a_reset_loses_a_booted_stick(bus, claim):
    with pytest.raises(UsbGoneError):
        claim.reset()
    bus.wait_for(lambda sticks: sticks[PORT].state == 'rom')


def test_the_packet_size_is_that_of_the_stick(claim):
    assert claim.packet_bytes == 512


def test_a_claim_ends_with_its_close(bus, usb_backend):
    bus.tell(f'{PORT} clear', f'{PORT} unplug', f'{PORT} plug')
    usb = UsbBus(usb_backend)
    for _ in range(3):
        (stick,) = usb.sticks()
        claim = usb.claim(stick, configure=True)
        assert usb.is_claimed(stick)
        claim.close()
        bus.wait_for(lambda sticks: sticks[PORT].holder is None)
        assert not usb.is_claimed(stick)
