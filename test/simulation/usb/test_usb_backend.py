# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The simulated sticks below the vendor's API, as pyusb shows devices on USB."""

from array import array
import time

import blocking_calls
from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.usb.xlink_wire import HEADER
from other_process import OtherProcess
import pytest
import usb.core
from usb_bench import A_WHILE_MS
from usb_bench import ACCESS
from usb_bench import BUSY
from usb_bench import code_of
from usb_bench import NO_DEVICE
from usb_bench import NOT_FOUND
from usb_bench import OVERFLOW
from usb_bench import RESET_REQUEST
from usb_bench import TIMEOUT
from usb_bench import UsbBench

_CLAIM = """
from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
from ncs_cluster_detector.simulation.api import process_state
backend = SimulatedUsbBackend(process_state._plugged_in)
handle = backend.open_device([*backend.enumerate_devices()][2])
backend.claim_interface(handle, 0)
"""


def in_thread(call, *arguments):
    """Start a call in a thread; return the list that will hold its value or its code."""
    return blocking_calls.in_thread(
        call, *arguments, of_error=lambda error: error.backend_error_code)[1]


def test_sticks_and_other_devices_are_listed():
    bench = UsbBench()
    bench.leave_booted('1.2')
    abouts = [bench.backend.get_device_descriptor(device)
              for device in bench.backend.enumerate_devices()]
    assert [(about.idVendor, about.idProduct, about.port_numbers) for about in abouts] == [
        (0x1d6b, 0x0002, ()), (0x046d, 0x0825, (2,)),
        (0x03e7, 0x2150, (1, 1)), (0x03e7, 0xf63b, (1, 2))]
    assert len({(about.bus, about.address) for about in abouts}) == 4
    # pyusb's own search reads the same fields.
    found = usb.core.find(find_all=True, backend=bench.backend, idVendor=0x03e7)
    assert [device.port_numbers for device in found] == [(1, 1), (1, 2)]
    for foreign in [*bench.backend.enumerate_devices()][:2]:
        assert code_of(bench.backend.open_device, foreign) == ACCESS


def test_a_device_has_another_address_each_time_that_it_comes_to_the_bus():
    bench = UsbBench()
    addresses = [bench.describe(1).address]
    for change in (lambda: bench.leave_booted('1.1'),
                   lambda: bench.bus.port('1.1').reset(1, 0.0),
                   lambda: bench.leave_booted('1.1'),
                   lambda: bench.bus.port('1.1').reset_over_usb(
                       bench.bus.port('1.1').look()[1].enumeration),
                   lambda: [bench.bus.inject('1.1', word) for word in ('unplug', 'plug')]):
        change()
        addresses.append(bench.describe(1).address)
        assert addresses[-1] != addresses[-2]
        assert addresses[-1] != bench.describe(2).address


def test_no_two_devices_ever_have_the_same_address():
    bench = UsbBench(sticks=64)
    used = {}
    for _ in range(4):
        for number in range(1, 65):
            used.setdefault(bench.describe(number).address, set()).add(number)
        for port in bench.bus.ports():
            port.reset(1, 0.0)
    assert all(len(numbers) == 1 for numbers in used.values())


def test_a_stick_that_boots_or_is_reset_is_not_there():
    bench = UsbBench(boot_ms=60000.0)
    old = bench.open(1)
    bench.leave_booted('1.1')
    assert list(bench.sticks()) == [(1, 2)]
    assert code_of(bench.backend.claim_interface, old, 0) == NO_DEVICE


def test_claims_exclude_each_other():
    bench = UsbBench()
    bench.leave_booted('1.1')
    one, two = bench.open(1), bench.open(1)
    bench.backend.claim_interface(one, 0)
    bench.backend.claim_interface(one, 0)   # has it already
    assert code_of(bench.backend.claim_interface, two, 0) == BUSY
    bench.backend.close_device(one)
    bench.backend.claim_interface(two, 0)
    bench.backend.close_device(two)
    bench.backend.claim_interface(one, 0)
    assert code_of(bench.backend.claim_interface, one, 1) == NOT_FOUND
    bench.backend.close_device(one)


def test_a_stick_that_is_open_through_the_library_is_busy():
    bench = UsbBench()
    with OtherProcess(bench.bus) as other:
        other.do('device = devices()["1.1-ma2450"]')
        other.do('device.open()')
        handle = bench.open(1)
        assert code_of(bench.backend.claim_interface, handle, 0) == BUSY
        other.kill()
    bench.backend.claim_interface(handle, 0)
    # Now the library of a process lets it alone.
    with OtherProcess(bench.bus) as other:
        assert other.do('names()') == ['1.1-', '1.2-ma2450']
        assert other.do('devices()["1.1-"].open()') == 'ERROR'
        bench.backend.close_device(handle)
    with OtherProcess(bench.bus) as other:
        assert other.do('names()') == ['1.1-ma2450', '1.2-ma2450']


def test_a_claim_ends_with_its_process():
    bench = UsbBench()
    port = bench.leave_booted('1.1')
    with OtherProcess(bench.bus) as other:
        assert other.do(f'exec({_CLAIM!r})') is None
        handle = bench.open(1)
        assert code_of(bench.backend.claim_interface, handle, 0) == BUSY
        assert port.holder() == other.pid
        other.kill()
    bench.backend.claim_interface(handle, 0)
    bench.backend.close_device(handle)


def test_without_a_claim_nothing_is_transferred():
    bench = UsbBench()
    bench.leave_booted('1.1', unread=3)
    handle = bench.open(1)
    assert code_of(bench.read, handle) == NOT_FOUND
    assert code_of(bench.write, handle, RESET_REQUEST) == NOT_FOUND
    assert bench.describe(1).idProduct == 0xf63b


def test_what_a_stick_has_for_a_process_that_is_gone_can_be_read_until_there_is_nothing():
    bench = UsbBench(leftovers='abort')
    bench.leave_booted('1.1', unread=6)
    handle = bench.claimed(1)
    for _ in range(2):
        release, write, data = (bench.read(handle) for _ in range(3))
        _, kind, _, _, size, flags = HEADER.unpack(release)
        assert (kind, size, flags) == (2, 540000, 1)
        _, kind, _, _, size, flags = HEADER.unpack(write)
        assert (kind, size, flags) == (0, len(data), 1)
        assert len(data) == 1414
    begun_at = time.monotonic()
    assert code_of(bench.read, handle) == TIMEOUT
    assert time.monotonic() - begun_at >= A_WHILE_MS / 1000.0
    assert bench.bus.port('1.1').unread() == 0
    bench.backend.close_device(handle)


def test_a_read_that_is_too_short_gets_whole_packets_or_loses_one():
    bench = UsbBench(leftovers='abort')
    bench.leave_booted('1.1', unread=2)
    handle = bench.claimed(1)
    assert code_of(bench.read, handle, A_WHILE_MS, 35) == OVERFLOW
    assert [len(bench.read(handle, A_WHILE_MS, size)) for size in (600, 512, 512)] == [
        512, 512, 390]
    bench.leave_booted('1.2', unread=1)
    handle = bench.claimed(2)
    assert code_of(bench.read, handle, A_WHILE_MS, 36) == OVERFLOW
    assert len(bench.read(handle)) == 1414 - 512


def test_firmware_that_drops_what_was_left_has_nothing_to_read():
    bench = UsbBench(leftovers='none')
    bench.leave_booted('1.1', unread=6)
    assert code_of(bench.read, bench.claimed(1)) == TIMEOUT


@pytest.mark.parametrize('call', ['read', 'write'])
def test_a_call_that_waits_is_ended_at_once_when_the_stick_leaves(call):
    bench = UsbBench()
    bench.leave_booted('1.1')
    bench.bus.inject('1.1', 'nak')
    handle = bench.claimed(1)
    calls = {'read': (bench.read, handle, 0), 'write': (bench.write, handle, RESET_REQUEST, 0)}
    outcome = in_thread(*calls[call])
    time.sleep(A_WHILE_MS / 1000.0)
    assert outcome == []
    bench.bus.inject('1.1', 'unplug')
    wait_until(lambda: outcome)   # it would wait for ever
    assert outcome == [NO_DEVICE]
    # Nor does it come back with the next stick in the port.
    bench.bus.inject('1.1', 'plug')
    assert code_of(bench.read, handle) == NO_DEVICE
    assert code_of(bench.backend.reset_device, handle) == NO_DEVICE


def test_a_reset_request_brings_a_living_stick_back_to_rom():
    bench = UsbBench(boot_ms=140.0)
    bench.leave_booted('1.1')
    wait_until(lambda: bench.describe(1))
    before = bench.describe(1).address
    handle = bench.claimed(1)
    outcome = in_thread(bench.read, handle, 0)
    assert bench.write(handle, RESET_REQUEST) == 36
    wait_until(lambda: outcome)
    assert outcome == [NO_DEVICE]
    wait_until(lambda: bench.describe(1))
    assert bench.describe(1).address != before   # it left the bus
    assert bench.describe(1).idProduct == 0x2150
    bench.claimed(1)   # whoever had it has it no more


def test_a_header_may_come_in_parts_and_others_change_nothing():
    bench = UsbBench()
    bench.leave_booted('1.1')
    handle = bench.claimed(1)
    ping = HEADER.pack(10, 5, b'', 0, 0, 1)
    write = HEADER.pack(11, 0, b'', 0, 100, 1)
    for part in (ping, write[:20], write[20:] + bytes(40), bytes(60), RESET_REQUEST[:35]):
        assert bench.write(handle, part) == len(part)
        assert bench.describe(1).idProduct == 0xf63b
    assert str(bench.bus.port('1.1').state().faults) == ''
    bench.write(handle, RESET_REQUEST[35:])
    assert bench.describe(1).idProduct == 0x2150


@pytest.mark.parametrize('kind', [7, 15, -1, 1000])
def test_a_header_of_unknown_type_kills_the_firmware(kind):
    bench = UsbBench(leftovers='abort')
    bench.leave_booted('1.1', unread=3)
    handle = bench.claimed(1)
    bench.write(handle, HEADER.pack(10, kind, b'', 0, 0, 1))
    assert bench.bus.port('1.1').state().faults.mute
    bench.write(handle, RESET_REQUEST)
    assert bench.describe(1).idProduct == 0xf63b
    assert code_of(bench.read, handle) == TIMEOUT


def test_a_mute_stick_takes_everything_and_one_that_naks_nothing():
    bench = UsbBench(leftovers='abort')
    for number, word in ((1, 'mute'), (2, 'nak')):
        bench.leave_booted(f'1.{number}', unread=3)
        bench.bus.inject(f'1.{number}', word)
    mute, nak = bench.claimed(1), bench.claimed(2)
    assert bench.write(mute, RESET_REQUEST) == 36
    assert code_of(bench.write, nak, RESET_REQUEST) == TIMEOUT
    for handle in (mute, nak):
        assert code_of(bench.read, handle) == TIMEOUT
    assert {about.idProduct for about in map(bench.describe, (1, 2))} == {0xf63b}
    # It goes on where it was when the fault ends, also in a call that waits.
    outcome = in_thread(bench.write, nak, RESET_REQUEST, 1000 * LIMIT_SEC)
    bench.bus.inject('1.2', 'clear')
    wait_until(lambda: outcome)
    assert outcome == [36]
    assert bench.describe(2).idProduct == 0x2150


def test_a_broken_tensor_swallows_what_follows():
    bench = UsbBench()
    bench.leave_booted('1.1')
    bench.bus.inject('1.1', 'swallow', '100')
    handle = bench.claimed(1)
    bench.write(handle, RESET_REQUEST)
    bench.write(handle, RESET_REQUEST)
    assert bench.bus.port('1.1').state().faults.swallow == 28
    assert bench.describe(1).idProduct == 0xf63b
    bench.write(handle, bytes(28) + RESET_REQUEST)
    assert bench.describe(1).idProduct == 0x2150
    assert bench.bus.port('1.1').state().faults.swallow == 0


@pytest.mark.parametrize('word', ['mute', 'nak', 'swallow 1000', ''])
def test_a_usb_reset_revives_a_stick_and_makes_it_another_device(word):
    bench = UsbBench(boot_ms=140.0)
    bench.leave_booted('1.1')
    wait_until(lambda: bench.describe(1))
    if word:
        bench.bus.inject('1.1', *word.split())
    bench.bus.inject('1.1', 'slow', '2')
    before = bench.describe(1).address
    handle = bench.claimed(1)
    assert code_of(bench.backend.reset_device, handle) == NOT_FOUND   # as libusb tells of it
    assert code_of(bench.backend.reset_device, handle) == NO_DEVICE
    wait_until(lambda: bench.describe(1))
    assert bench.describe(1).address != before   # it left the bus
    assert bench.describe(1).idProduct == 0x2150
    assert str(bench.bus.port('1.1').state().faults) == 'slow 2'
    bench.claimed(1)


def test_a_usb_reset_may_change_nothing():
    bench = UsbBench()
    bench.leave_booted('1.1')
    for word in ('mute', 'no-usb-reset'):
        bench.bus.inject('1.1', word)
    before = bench.describe(1)
    handle = bench.claimed(1)
    bench.backend.reset_device(handle)
    assert bench.describe(1) == before
    assert bench.bus.port('1.1').state().faults.mute
    bench.backend.reset_device(bench.open(2))   # in ROM state it is the same afterwards
    assert code_of(bench.read, handle) == TIMEOUT


def test_a_usb_reset_takes_the_stick_from_whoever_has_it_open():
    bench = UsbBench(inference_ms=60000.0)
    with OtherProcess(bench.bus) as other:
        other.do('graph, fifos, picture = ready("1.1")')
        other.begin('fifos[1].read_elem()')
        wait_until(lambda: bench.bus.port('1.1').holder() == other.pid)
        assert code_of(bench.backend.reset_device, bench.open(1)) == NOT_FOUND
        assert other.answer() == 'ERROR'
        assert bench.describe(1).idProduct == 0x2150
        bench.backend.close_device(bench.claimed(1))
        other.do('again = devices()["1.1-ma2450"]')
        assert other.do('again.open()') is None
        # The closing of the lost one leaves the new one alone.
        assert other.do('graph.device.close()') is None
        assert other.do('again.get_option(THERMAL)[0].item()') == 30.0


def test_a_stick_without_access_is_opened_by_nobody():
    bench = UsbBench()
    bench.bus.inject('1.1', 'no-access')
    assert code_of(bench.open, 1) == ACCESS
    with OtherProcess(bench.bus) as other:
        assert other.do('devices()["1.1-ma2450"].open()') == 'ERROR'
        bench.bus.inject('1.1', 'clear')
        other.do('device = devices()["1.1-ma2450"]')
        assert other.do('device.open()') is None
        other.kill()
    # Left booted it is no business of the first listing either.
    bench.bus.inject('1.1', 'no-access')
    with OtherProcess(bench.bus) as other:
        assert other.do('names()') == ['1.1-', '1.2-ma2450']


def test_an_interface_and_an_endpoint_that_are_not_there():
    bench = UsbBench()
    bench.leave_booted('1.1')
    handle = bench.claimed(1)
    assert code_of(bench.backend.bulk_read, handle, 0x82, 0, array('B', [0]), 1) == NOT_FOUND
    assert code_of(bench.backend.bulk_write, handle, 0x81, 0, array('B', [0]), 1) == NOT_FOUND
    assert code_of(bench.backend.bulk_write, handle, 0x01, 1, array('B', [0]), 1) == NOT_FOUND


def test_a_stick_in_rom_takes_anything_and_says_nothing():
    bench = UsbBench()
    handle = bench.claimed(1)
    assert bench.write(handle, RESET_REQUEST) == 36
    assert code_of(bench.read, handle) == TIMEOUT
    assert bench.describe(1).idProduct == 0x2150
