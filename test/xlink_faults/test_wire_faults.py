# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The faults of the fake bus that strike once, seen through pyusb by itself."""

from array import array
import struct

from fake_usb.events import HEADER
from fake_usb.events import Kind
from fake_usb.events import NEW_STREAM
from fake_usb.protocol import Status
from fake_usb.wire_faults import FIELDS
from fake_usb.wire_faults import TO_HOST
from fake_usb.wire_faults import TO_STICK
import pytest

core = pytest.importorskip('usb.core', reason='needs pyusb')

IN, OUT = 0x81, 0x01
PORT = '1.1'
SILENCE_MS, LONG_MS = 60, 5000
FIRMWARE = b'MVCM' + struct.pack('<I', 64) + bytes(56)


class Host:
    """What a host does to a stick by hand."""

    def __init__(self, bus, backend):
        """Claim the stick at the port as it is now."""
        self._bus = bus
        self._backend = backend
        self.claim()

    def claim(self):
        """Open the stick that is there now."""
        (device,) = (device for device in self._backend.enumerate_devices()
                     if self._backend.get_device_descriptor(device).idVendor == 0x03e7)
        self._handle = self._backend.open_device(device)
        self._backend.claim_interface(self._handle, 0)

    def read(self, timeout_ms=SILENCE_MS):
        """Return what a transfer brings."""
        buffer = array('B', bytes(8192))
        return buffer[:self._backend.bulk_read(self._handle, IN, 0, buffer, timeout_ms)].tobytes()

    def send(self, kind, event=7, name=b'', stream=0, size=0, data=b'', timeout_ms=1000):
        """Send an event; return how many bytes went over."""
        sent = self._write(HEADER.pack(event, kind, name, stream, size, 1), timeout_ms)
        return sent + (self._write(data, timeout_ms) if data else 0)

    def boot(self):
        """Load the firmware, and claim the stick when it is back."""
        self._write(FIRMWARE, 1000)
        self._bus.wait_for(lambda sticks: sticks[PORT].state == 'booted')
        self.claim()

    def temperature(self):
        """Begin to ask for the temperature; the stream of the device monitor is 0."""
        self.send(Kind.PING_REQ)
        wanted = [(Kind.CREATE_REQ, b'deviceMonitor'), (Kind.PING_RESP, b'')]
        while wanted:
            event, kind, name, *_ = HEADER.unpack(self.read())
            if kind == Kind.CREATE_REQ:
                number = 0 if name.startswith(b'deviceMonitor') else 1
                self.send(Kind.CREATE_RESP, event, name, number, 4096)
            wanted = [one for one in wanted if one != (kind, name.rstrip(b'\0'))]
        self.send(Kind.CREATE_REQ, 8, b'deviceMonitor', NEW_STREAM, 4096)
        while HEADER.unpack(self.read())[1] != Kind.CREATE_RESP:
            pass
        self.send(Kind.WRITE_REQ, 9, stream=0, size=12, data=struct.pack('<III', 1, 0, 0))

    def until_silence(self):
        """Return all that comes: messages, and statuses of transfers that failed."""
        messages = []
        while not messages or messages[-1] != Status.TIMEOUT:
            messages.append(failure_or(self.read))
        return messages[:-1]

    def _write(self, data, timeout_ms):
        return self._backend.bulk_write(self._handle, OUT, 0, array('B', data), timeout_ms)


def failure_or(call, *arguments, **named):
    """Return what a call returns, or the code of libusb with which it fails."""
    try:
        return call(*arguments, **named)
    except core.USBError as error:
        return error.backend_error_code


@pytest.fixture(scope='module')
def bus(fake_bus):
    """Return a bus with one quick stick."""
    with fake_bus('--ports', PORT, '--boot', '0.02', '--reset', '0.02') as bus:
        yield bus


@pytest.fixture
def host(bus, usb_backend):
    """Return a host whose stick has just been booted."""
    bus.tell(f'{PORT} clear', f'{PORT} unplug', f'{PORT} plug', f'{PORT} boot')
    return Host(bus, usb_backend)


def answer(host, bus, fault, seed=0):
    """Return what comes in place of the answer to a ping."""
    bus.tell(f'{PORT} arm in 1 {fault} {seed}')
    host.send(Kind.PING_REQ, event=5)
    return host.until_silence()


RIGHT = HEADER.pack(5, Kind.PING_RESP, b'', 0, 0, 1)


@pytest.mark.parametrize('field', FIELDS)
def test_a_field_of_an_event_is_wrong(bus, host, field):
    spoilt, *rest = answer(host, bus, f'wrong-{field}')
    values = dict(zip(FIELDS, HEADER.unpack(spoilt)))
    right = dict(zip(FIELDS, HEADER.unpack(RIGHT)))
    assert {name for name in FIELDS if values[name] != right[name]} == {field}
    assert [HEADER.unpack(one)[1] for one in rest] == [Kind.CREATE_REQ, Kind.CREATE_REQ]
    assert bus.sticks()[PORT].wire_fault.startswith(f'struck: wrong-{field} at PING_RESP')


@pytest.mark.parametrize('fault, expected', [
    ('missing', []), ('doubled', [RIGHT, RIGHT]), ('empty', [b'', RIGHT]),
    ('stall', [Status.PIPE]), ('io', [Status.IO]), ('overflow', [Status.OVERFLOW])])
def test_an_answer_fails(bus, host, fault, expected):
    found = answer(host, bus, fault)
    found = [one for one in found if isinstance(one, int) or HEADER.size > len(one)
             or HEADER.unpack(one)[1] != Kind.CREATE_REQ]
    assert [one for one in found if one != RIGHT or RIGHT in expected] == expected


def test_an_answer_is_garbage_or_cut_or_in_pieces_or_follows_a_stranger(bus, host):
    assert answer(host, bus, 'garbage')[0] != RIGHT
    cut = answer(host, bus, 'cut', 3)[0]
    assert cut != RIGHT and RIGHT.startswith(cut)
    assert b''.join(answer(host, bus, 'split', 1)) == RIGHT
    stray, right = answer(host, bus, 'stray')
    assert stray != RIGHT and right == RIGHT


def test_a_late_answer_comes_after_others(bus, host):
    events = []
    bus.tell(f'{PORT} arm in 1 late 1')
    host.send(Kind.PING_REQ, event=5)
    while RIGHT not in events:
        events.append(host.read(LONG_MS))
    assert len(events) == 3


@pytest.mark.parametrize('fault, is_right', [
    ('short-data', lambda data: len(data) < 104),
    ('long-data', lambda data: len(data) > 104),
    ('absurd', lambda data: len(data) == 104 and data.count(data[4:8]) > 20),
    ('garbage-data', lambda data: len(data) == 104 and data.count(data[4:8]) < 3)])
def test_data_are_wrong(bus, host, fault, is_right):
    bus.tell(f'{PORT} tells 41')
    bus.tell(f'{PORT} arm in 1 {fault} 5')
    host.temperature()
    kind = None
    while kind != Kind.WRITE_REQ:
        kind, _, _, size = HEADER.unpack(host.read(LONG_MS))[1:5]
    data = host.read(LONG_MS)
    assert size == 104
    assert data != struct.pack('<26f', 0, *[41] * 25)
    assert is_right(data)


def test_an_event_and_its_data_come_in_one_transfer(bus, host):
    bus.tell(f'{PORT} arm in 7 joined')   # PING, 2 CREATE, CREATE, WRITE, READ_REL, WRITE
    host.temperature()
    assert {len(message) for message in host.until_silence()} == {36, 36 + 104}


def test_a_stick_that_falls_silent_is_mended_by_a_reset(bus, host):
    found = answer(host, bus, 'silent', 2)
    assert b''.join(found) != RIGHT and RIGHT.startswith(b''.join(found))
    host.send(Kind.PING_REQ)
    assert not host.until_silence()
    failure_or(host._backend.reset_device, host._handle)
    bus.wait_for(lambda sticks: sticks[PORT].state == 'rom')
    assert not bus.sticks()[PORT].faults


@pytest.mark.parametrize('fault', ['unplug', 'replug', 'restart'])
@pytest.mark.parametrize('side', ['in', 'out'])
def test_a_stick_goes_in_the_middle_of_an_event(bus, host, fault, side):
    bus.tell(f'{PORT} arm {side} 1 {fault}')
    sent = failure_or(host.send, Kind.PING_REQ)
    assert sent == (HEADER.size if side == 'in' else Status.NO_DEVICE)
    while not (code := failure_or(host.read)) or not isinstance(code, int):
        pass   # the part that came
    assert code == Status.NO_DEVICE
    if fault == 'unplug':
        bus.wait_for(lambda sticks: sticks[PORT].state == 'absent')
    else:
        bus.wait_for(lambda sticks: sticks[PORT].state == 'rom')


@pytest.mark.parametrize('fault, status', [
    ('stall', Status.PIPE), ('io', Status.IO), ('cut', range(36)), ('short', range(36)),
    ('missing', [36]), ('garbage', [36]), ('mute', [36]), ('slow', [36])])
def test_a_transfer_to_the_stick_fails(bus, host, fault, status):
    bus.tell(f'{PORT} arm out 2 {fault} 3')
    host.send(Kind.PING_REQ, event=5)
    assert host.read() == RIGHT
    host.until_silence()
    result = failure_or(host.send, Kind.PING_REQ, event=5, timeout_ms=LONG_MS)
    assert result in status if not isinstance(status, Status) else result == status
    assert (RIGHT in host.until_silence()) == (fault == 'slow')


def test_a_deaf_stick_takes_nothing_until_a_reset(bus, host):
    bus.tell(f'{PORT} arm out 1 deaf')
    host.send(Kind.PING_REQ)
    assert failure_or(host.send, Kind.PING_REQ, timeout_ms=SILENCE_MS) == Status.TIMEOUT
    failure_or(host._backend.reset_device, host._handle)
    bus.wait_for(lambda sticks: sticks[PORT].state == 'rom')
    host.claim()
    host.boot()
    assert host.send(Kind.PING_REQ) == HEADER.size


def test_a_fault_is_the_same_with_the_same_seed_and_told_words_stay(bus, host):
    bus.tell(f'{PORT} temp 50')
    first = answer(host, bus, 'garbage', 11)[0]
    assert answer(host, bus, 'garbage', 11)[0] == first
    assert answer(host, bus, 'garbage', 12)[0] != first
    assert bus.sticks()[PORT].faults == {'temp': 50.0}
    bus.tell(f'{PORT} arm in 1 stall', f'{PORT} clear')
    assert bus.sticks()[PORT].wire_fault == ''
    with pytest.raises(AssertionError, match='error'):
        bus.tell(f'{PORT} arm in 1 nonsense')


def test_every_fault_is_tried_here():
    assert not set(TO_HOST) ^ {
        *(f'wrong-{field}' for field in FIELDS), 'absurd', 'garbage', 'garbage-data',
        'short-data', 'long-data', 'missing', 'doubled', 'late', 'stray', 'split', 'joined',
        'empty', 'cut', 'silent', 'stall', 'io', 'overflow', 'unplug', 'replug', 'restart'}
    assert not set(TO_STICK) ^ {'missing', 'garbage', 'cut', 'short', 'slow', 'deaf', 'mute',
                                'stall', 'io', 'unplug', 'replug', 'restart'}
