# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The fake bus by itself, through pyusb: it behaves as libusb on Linux does."""

import hashlib
import json
import os
import struct
import subprocess
import sys
import time

from fake_usb.client import FakeBus
from fake_usb.protocol import BOOTED_PRODUCT
from fake_usb.protocol import ROM_PRODUCT
from fake_usb.protocol import Status
from fake_usb.protocol import VENDOR
import pytest

core = pytest.importorskip('usb.core', reason='needs pyusb')
util = pytest.importorskip('usb.util', reason='needs pyusb')

IN, OUT = 0x81, 0x01
HEADER_SIZE = 36


@pytest.fixture
def bus(monkeypatch, usb_backend):
    """Return a bus with two sticks."""
    with FakeBus('--ports', '1.1,1.2.3', '--reset', '0.1', '--boot', '0.1') as bus:
        for name, value in bus.environment.items():
            monkeypatch.setenv(name, value)
        # The library keeps its connection for lists, so the one to the last bus must be noticed.
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(bus, 'find', lambda: find(usb_backend), raising=False)
            yield bus


def find(backend):
    """Return the sticks by their ports."""
    for _ in range(2):
        try:
            return {'.'.join(map(str, device.port_numbers)): device for device in core.find(
                find_all=True, backend=backend, idVendor=VENDOR)}
        except core.USBError:
            pass   # the connection to the last bus
    raise AssertionError('no list')


def failure(call, *arguments):
    """Return with which code of libusb a call fails."""
    with pytest.raises(core.USBError) as caught:
        call(*arguments)
    return caught.value.backend_error_code


def test_sticks_are_listed_with_port_and_address(bus):
    before = bus.find()
    assert list(before) == ['1.1', '1.2.3']
    assert {device.idProduct for device in before.values()} == {ROM_PRODUCT}
    bus.tell('1.1 boot')
    after = bus.find()
    assert list(after) == ['1.2.3', '1.1']   # who came later is later in the list
    assert after['1.1'].idProduct == BOOTED_PRODUCT
    assert after['1.1'].bus == 1
    assert after['1.1'].address not in {device.address for device in before.values()}
    assert after['1.2.3'].address == before['1.2.3'].address
    bus.tell('1.1 unplug')
    assert list(bus.find()) == ['1.2.3']


def test_a_claim_is_exclusive_even_in_one_process(bus):
    first, second = bus.find()['1.1'], bus.find()['1.1']
    util.claim_interface(first, 0)
    assert bus.sticks()['1.1'].holder == os.getpid()
    assert failure(util.claim_interface, second, 0) == Status.BUSY
    assert failure(second.read, IN, 64, 100) == Status.BUSY   # pyusb claims before it reads
    util.release_interface(first, 0)
    util.claim_interface(second, 0)
    util.dispose_resources(second)
    bus.wait_for(lambda sticks: sticks['1.1'].holder is None)


def test_a_killed_process_lets_go(bus, libusb_folder):
    code = ('import usb.core, usb.util; stick = usb.core.find(idVendor=0x03e7); '
            'usb.util.claim_interface(stick, 0); print(flush=True); stick.read(0x81, 64, 0)')
    environment = {**os.environ, 'LD_LIBRARY_PATH': str(libusb_folder)}
    with subprocess.Popen([sys.executable, '-c', 'import usb.libloader, usb.backend.libusb1\n'
                           'usb.backend.libusb1.get_backend(lambda name: "libusb-1.0.so.0")\n'
                           + code], env=environment, stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        assert failure(util.claim_interface, bus.find()['1.1'], 0) == Status.BUSY
        holder.kill()
    bus.wait_for(lambda sticks: sticks['1.1'].holder is None)


def test_a_read_ends_with_its_timeout(bus):
    stick = bus.find()['1.1']
    began = time.monotonic()
    with pytest.raises(core.USBTimeoutError):
        stick.read(IN, HEADER_SIZE, 200)
    assert 0.2 <= time.monotonic() - began < 2.0


def test_a_slow_write_is_partly_done(usb_backend, monkeypatch):
    with FakeBus('--ports', '1.1', '--bus-rate', '1e5') as bus:
        for name, value in bus.environment.items():
            monkeypatch.setenv(name, value)
        sent = find(usb_backend)['1.1'].write(OUT, bytes(100_000), 200)   # 1 s
    assert 0 < sent < 100_000
    assert sent % 512 == 0


def test_rom_boots_and_usb_reset_leads_back(bus):
    stick = bus.find()['1.1']
    assert stick.write(OUT, b'MVCM\x40\0\0\0' + bytes(56), 1000) == 64
    bus.wait_for(lambda sticks: sticks['1.1'].state == 'booted')
    assert failure(stick.read, IN, 64, 100) == Status.NO_DEVICE
    stick = bus.find()['1.1']
    assert failure(stick.reset) == Status.NOT_FOUND
    assert failure(stick.read, IN, 64, 100) == Status.NO_DEVICE
    bus.wait_for(lambda sticks: sticks['1.1'].state == 'rom')
    bus.find()['1.1'].reset()   # a ROM stays what it is
    assert bus.sticks()['1.1'].state == 'rom'


def test_booted_firmware_answers_a_ping_unless_it_is_dead(bus):
    ping = bytes([7, 0, 0, 0, 5]) + bytes(HEADER_SIZE - 5)
    bus.tell('all boot')
    healthy, dead = (bus.find()[port] for port in ('1.1', '1.2.3'))
    bus.tell('1.2.3 dead', '1.2.3 no-usb-reset')
    healthy.write(OUT, ping, 1000)
    assert healthy.read(IN, HEADER_SIZE, 1000)[4] == 13
    dead.write(OUT, ping, 1000)
    assert failure(dead.read, IN, HEADER_SIZE, 200) == Status.TIMEOUT
    dead.reset()   # succeeds and changes nothing
    assert failure(dead.read, IN, HEADER_SIZE, 200) == Status.TIMEOUT
    bus.tell('1.2.3 clear no-usb-reset')
    assert failure(dead.reset) == Status.NOT_FOUND
    bus.wait_for(lambda sticks: sticks['1.2.3'].state == 'rom')
    assert not bus.sticks()['1.2.3'].faults


def test_faults_have_the_codes_of_libusb(bus):
    stick = bus.find()['1.1']
    bus.tell('1.1 access')
    assert failure(stick.read, IN, 64, 100) == Status.ACCESS
    bus.tell('1.1 clear', '1.1 eproto')
    assert failure(stick.write, OUT, bytes(64), 100) == Status.IO
    bus.tell('1.1 clear', '1.1 nak')
    assert failure(stick.write, OUT, bytes(64), 100) == Status.TIMEOUT
    bus.tell('1.1 clear', '1.1 boot')
    stick = bus.find()['1.1']
    bus.tell('1.1 hang-usb-reset 0.3')
    assert failure(stick.reset) == Status.NOT_FOUND
    assert '1.1' not in bus.find()
    bus.tell('1.1 power-cycle')
    bus.wait_for(lambda sticks: sticks['1.1'].state == 'rom')


def test_a_packet_that_is_too_long_overflows(bus):
    bus.tell('1.1 boot')
    stick = bus.find()['1.1']
    stick.write(OUT, bytes([7, 0, 0, 0, 5]) + bytes(HEADER_SIZE - 5), 1000)
    assert failure(stick.read, IN, 8, 1000) == Status.OVERFLOW


def test_a_stick_numbers_streams_as_the_host_whatever_comes_at_once(bus):
    bus.tell('1.1 boot')
    stick = bus.find()['1.1']
    stick.write(OUT, header(7, 5, b'', 0, 0), 1000)
    assert stick.read(IN, HEADER_SIZE, 1000)[4] == 13
    requests = [bytes(stick.read(IN, HEADER_SIZE, 1000)) for _ in range(2)]
    names = [request[8:24].rstrip(b'\0') for request in requests]
    assert sorted(names) == [b'deviceMonitor', b'graphMonitor']
    # Not in the order of the requests, so that a stick which counts for itself would be wrong.
    numbers = dict(zip(names, (1, 0)))
    answers = [request[:4] + header(0, 11, name, numbers[name], 4096)[4:]
               for request, name in zip(requests, names)]
    device = numbers[b'deviceMonitor']
    stick.write(OUT, b''.join([
        *answers, header(8, 3, b'deviceMonitor', 0xdeaddead, 2048), header(9, 0, b'', device, 12),
        struct.pack('<3I', 2, 0, 0)]), 1000)
    said = [struct.unpack('<ii16sIII', stick.read(IN, HEADER_SIZE, 1000)) for _ in range(4)]
    assert [(kind, number, size) for _, kind, _, number, size, _ in said] == [
        (11, device, 2048), (8, device, 12), (2, device, 12), (0, device, 48)]
    assert 'ASSERT' not in bus.log


def test_a_record_has_all_that_was_said(usb_backend, monkeypatch, tmp_path):
    record = tmp_path / 'record.jsonl'
    with FakeBus('--ports', '1.1', '--boot', '0.1', '--record', str(record)) as bus:
        for name, value in bus.environment.items():
            monkeypatch.setenv(name, value)
        stick = find(usb_backend)['1.1']
        firmware = b'MVCM\x40\0\0\0' + bytes(56)
        util.claim_interface(stick, 0)
        for part in firmware[:40], firmware[40:]:
            stick.write(OUT, part, 1000)
        util.dispose_resources(stick)
        bus.wait_for(lambda sticks: sticks['1.1'].state == 'booted')
        stick = find(usb_backend)['1.1']
        stick.write(OUT, header(7, 5, b'', 0, 0), 1000)
        bus.tell('record here')
        assert stick.read(IN, HEADER_SIZE, 1000)[4] == 13
        stick.write(OUT, header(8, 3, b'mine', 0xdeaddead, 8192), 1000)   # becomes number 0
        data = bytes(5000)
        for message in (header(9, 0, b'', 0, 12), bytes(12), header(10, 0, b'', 0, 5000), data):
            stick.write(OUT, message, 1000)
        bus.tell('record there')
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    assert [line['status'] for line in lines if line.get('usb') == 'claim'] == ['SUCCESS'] * 2
    assert [line['rom'] for line in lines if 'rom' in line] == [40, 24]
    assert [line['firmware'] for line in lines if 'firmware' in line] == [
        [64, hashlib.sha256(firmware).hexdigest()]]
    assert [line['usb'] for line in lines if line.get('usb') in ('rom', 'gone', 'booted')] == [
        'rom', 'gone', 'booted']
    here = lines.index({'mark': 'here'})
    pings = [line for line in lines[:here] if line.get('kind') == 'PING_REQ']
    assert pings == [{'port': '1.1', 'sender': 'host', 'kind': 'PING_REQ', 'id': 7, 'name': '',
                      'stream': 0, 'size': 0, 'flags': 1}]
    written = [line for line in lines if line.get('kind') == 'WRITE_REQ'
               and line['sender'] == 'host']
    assert [line['data'] for line in written] == [
        '00' * 12, [5000, hashlib.sha256(data).hexdigest()]]
    assert lines[-1] == {'mark': 'there'}


def header(event, kind, name, stream, size):
    """Return the header of an event."""
    return struct.pack('<ii16sIII', event, kind, name, stream, size, 1)


def test_without_a_record_there_is_no_place_for_marks(bus):
    with pytest.raises(AssertionError, match='--record'):
        bus.tell('record here')
