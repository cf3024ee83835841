# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks with lasting faults: found out in time, and reset over USB where that helps."""

import time

from fake_usb.client import FakeBus
from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.opening import open_device
import pytest
from stick_trials import Conversation
from stick_trials import hold_together
from stick_trials import own

GOOD, BAD = '1.1', '1.2'


@pytest.fixture(params=['drop', 'resend'])
def bus(monkeypatch, request, short_patience):
    """Return a bus with two sticks."""
    with FakeBus('--ports', f'{GOOD},{BAD}', '--boot', '0.05', '--reset', '0.05', '--compute',
                 '0.01', '--overflow', request.param) as bus:
        for name, value in bus.environment.items():
            monkeypatch.setenv(name, value)
        yield bus


@pytest.fixture
def talk(usb_backend, firmware_file):
    """Return a function that holds a conversation with a stick each, and checks their time."""
    def hold(*ports):
        held = [Conversation(usb_backend, port, firmware_file) for port in ports]
        assert not hold_together(held)
        for one in held:
            assert not one.wrong, one.wrong
        return held
    return hold


@pytest.mark.parametrize('words', [('dead',), ('boot', 'nak'), ('boot', 'mute')])
def test_a_dead_stick_is_found_and_reset_at_once(bus, talk, words):
    talk(GOOD, BAD)
    bus.wait_for(lambda sticks: sticks[BAD].state == 'rom')
    bus.tell(*(f'{BAD} {word}' for word in words))
    before = bus.sticks()[BAD].usb_resets
    if words != ('dead',):   # what a reset does not mend is over when it has happened
        bus.wait_for(lambda sticks: sticks[BAD].state == 'booted')
    began = time.monotonic()
    (held,) = talk(BAD)
    assert bus.sticks()[BAD].usb_resets == before + 1
    if words == ('dead',):
        assert held.error is None and not held.mismatched
        assert held.open_sec < 2.0   # under a second, a reset and a boot
    else:
        assert held.error is not None
        assert time.monotonic() - began < 5.0
        bus.tell(f'{BAD} clear')
        bus.wait_for(lambda sticks: sticks[BAD].state != 'gone')
        assert talk(BAD)[0].error is None


@pytest.mark.parametrize('word', [
    'nak', 'mute', 'eproto', 'slow-boot 9', 'no-boot-return', 'access'])
def test_a_stick_that_does_not_start_does_not_disturb_others(bus, talk, word):
    bus.tell(f'{BAD} {word}')
    bad, good = talk(BAD, GOOD)
    assert bad.error is not None
    assert isinstance(bad.error, NoPermissionError) == (word == 'access')
    assert good.error is None and not good.mismatched
    assert good.open_sec < 1.0
    assert {stick.holder for stick in bus.sticks().values()} == {None}
    bus.tell(f'{BAD} power-cycle')
    bus.wait_for(lambda sticks: sticks[BAD].state == 'rom')
    assert talk(BAD)[0].error is None


@pytest.mark.parametrize('word', [
    'nak', 'mute', 'eproto', 'hang-compute', 'unplug', 'power-cycle'])
def test_a_fault_between_two_inferences_ends_the_conversation_in_time(
        bus, talk, usb_backend, firmware_file, word):
    talk(GOOD)
    before = own()
    conversation = Conversation(usb_backend, BAD, firmware_file)
    infer = conversation._infer

    def infer_and_strike(device, loaded, step):
        infer(device, loaded, step)
        if step == 0:
            bus.tell(f'{BAD} {word}')
    conversation._infer = infer_and_strike
    assert not hold_together([conversation])
    assert not conversation.wrong
    assert isinstance(conversation.error, StickError)
    assert own() == before
    bus.tell(f'{BAD} clear', f'{BAD} plug')
    bus.wait_for(lambda sticks: sticks[BAD].state in ('rom', 'booted'))
    assert talk(BAD)[0].error is None


@pytest.mark.parametrize('word', ['no-reset-response', 'no-reset-return'])
def test_a_close_ends_in_time_whatever_the_stick_does(bus, talk, word):
    bus.tell(f'{BAD} {word}')
    (held,) = talk(BAD)
    assert held.error is None
    assert bus.sticks()[BAD].holder is None


@pytest.mark.parametrize('word', ['no-usb-reset', 'hang-usb-reset 3', 'slow-usb-reset 2'])
def test_a_dead_stick_that_a_reset_does_not_mend_is_an_error(bus, talk, word):
    bus.tell(f'{BAD} dead', f'{BAD} {word}')
    bad, good = talk(BAD, GOOD)
    assert (bad.error is None) == word.startswith('slow')
    assert good.error is None and good.open_sec < 1.0


def test_nothing_is_left_when_the_firmware_file_is_missing(bus, usb_backend, tmp_path):
    usb = UsbBus(usb_backend)
    usb.sticks()
    before = own()
    with pytest.raises(StickError, match='1.1'):
        open_device(usb, f'{GOOD}-ma2450', Firmware(str(tmp_path / 'no.mvcmd')))
    assert own() == before
