# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks with lasting faults: found out in time, and reset over USB where that helps."""

import threading

from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import StickDeadError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.opening import open_device
import pytest
from stick_trials import Conversation
from stick_trials import HANG_SEC
from stick_trials import hold_together
from stick_trials import own
from stick_trials import settles

GOOD = '1.1'
PORTS = tuple(f'1.{number}' for number in range(1, 11))
# A second to find out, and a quick reset and boot of the fake bus.
FOUND_AND_BACK_SEC = 1.0 + 1.0


@pytest.fixture(scope='module')
def sticks(fake_bus):
    """Return a bus with ten sticks."""
    with fake_bus('--ports', ','.join(PORTS), '--boot', '0.05', '--reset', '0.05', '--compute',
                  '0.01') as bus:
        yield bus


@pytest.fixture
def bus(sticks, short_patience):
    """Return the bus with ten sticks in good health."""
    sticks.tell('all unplug', 'all clear', 'all plug')
    return sticks


@pytest.fixture
def talk(bus, usb_backend, firmware_file):
    """
    Return a function that holds conversations at the same time, with a fault on each stick.

    It checks their times and what they leave behind, and returns them by the fault; with them is
    one on a stick without a fault, which is not disturbed. Then all faults are cleared, and the
    sticks work again.
    """
    def start(*ports):
        return [Conversation(usb_backend, port, firmware_file, in_background=port != '1.3',
                             known_ports=PORTS) for port in ports]

    def hold(*faults, may_take_longer=0.0, hook=None):
        by_fault = {fault: f'1.{number}' for number, fault in enumerate(faults, 2)}
        ports = [GOOD, *by_fault.values()]
        UsbBus(usb_backend).sticks()   # the library keeps a connection
        before = own()
        if hook is None:
            tell(by_fault)
        held = start(*ports)
        for one in held:
            one.slack_sec += may_take_longer
            if hook is not None:
                hook(one, lambda: tell(by_fault))
        assert not hold_together(held)
        assert [one.wrong for one in held if one.wrong] == []
        assert held[0].error is None and not held[0].mismatched
        assert held[0].open_sec < 3.0   # not held up by the others, on a busy machine
        bus.wait_for(lambda sticks: {stick.holder for stick in sticks.values()} == {None}, 1.0)
        assert settles(before)
        facts = bus.sticks()
        # Not cleared while they have power, or a dead one would take all that it was sent.
        bus.tell(*(f'{port} power-cycle' for port in by_fault.values()))
        bus.wait_for(lambda sticks: all(sticks[port].state == 'rom' for port in ports))
        again = start(*by_fault.values())
        assert not hold_together(again)
        assert [one.error or one.wrong for one in again if one.error or one.wrong] == []
        return {fault: (one, facts[port])
                for (fault, port), one in zip(by_fault.items(), held[1:])}

    def tell(by_fault):
        bus.tell(*(f'{port} {word}' for fault, port in by_fault.items()
                   for word in fault.split(', ')))
    return hold


def test_dead_sticks_are_found_and_reset_at_once(talk):
    found = talk('dead', 'boot, nak', 'boot, mute', 'boot, eproto', 'boot')
    for fault, (held, facts) in found.items():
        assert (facts.usb_resets == 0) == (fault == 'boot'), fault
    for fault in ('dead', 'boot'):
        held, facts = found.pop(fault)
        assert held.error is None and not held.mismatched
        assert held.open_sec < FOUND_AND_BACK_SEC
    for held, facts in found.values():
        assert isinstance(held.error, StickOpenError)
        assert facts.usb_resets


def test_sticks_that_do_not_start(talk):
    found = talk('nak', 'mute', 'eproto', 'slow-boot 9', 'no-boot-return', 'access')
    for fault, (held, _) in found.items():
        assert isinstance(held.error, StickOpenError), fault
        assert isinstance(held.error, NoPermissionError) == (fault == 'access'), held.error


def test_roms_that_do_not_take_the_firmware_at_once(talk):
    found = talk('arm out 3 deaf', 'arm out 3 stall', 'arm out 3 cut', 'arm out 3 io')
    for fault, (held, facts) in found.items():
        assert held.error is None and facts.usb_resets, fault


def test_a_fault_between_two_inferences_ends_a_conversation_in_time(talk):
    faults = 'nak', 'mute', 'eproto', 'hang-compute', 'unplug', 'power-cycle'
    tellers = []
    # When all have inferred once: on a busy machine some are opened long after others.
    all_in_use = threading.Barrier(len(faults) + 1, lambda: tellers[0](), HANG_SEC)

    def strike_after_first_step(conversation, tell):
        infer = conversation._infer
        tellers.append(tell)

        def infer_and_strike(stick, loaded, step):
            infer(stick, loaded, step)
            if step == 0:
                all_in_use.wait()
        conversation._infer = infer_and_strike

    for held, _ in talk(*faults, hook=strike_after_first_step).values():
        assert isinstance(held.error, StickLostError)


def test_a_close_ends_in_time_whatever_the_stick_does(talk):
    for held, _ in talk('no-reset-response', 'no-reset-return').values():
        assert held.error is None


def test_dead_sticks_that_a_reset_does_not_mend(talk):
    found = talk('dead, no-usb-reset', 'dead, hang-usb-reset 2', 'dead, slow-usb-reset 2',
                 may_take_longer=2.0)
    for fault, (held, _) in found.items():
        assert (held.error is None) == ('slow' in fault)
    assert isinstance(found['dead, no-usb-reset'][0].error, StickDeadError)


def test_nothing_is_left_when_the_firmware_file_is_missing(bus, usb_backend, tmp_path):
    usb = UsbBus(usb_backend)
    usb.sticks()
    before = own()
    with pytest.raises(FirmwareMissingError, match='1.1'):
        open_device(usb, f'{GOOD}-ma2450', Firmware(str(tmp_path / 'no.mvcmd')))
    assert settles(before)
