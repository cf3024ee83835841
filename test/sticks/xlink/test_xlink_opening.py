# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Open a stick: what follows its boot, in memory, and whole openings on the fake USB bus."""

from firmware_claim import FirmwareClaim
from invented_stick import event
from invented_stick import InventedStick
from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import StickDeadError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.xlink import booting
from ncs_cluster_detector.sticks.xlink import device as device_module
from ncs_cluster_detector.sticks.xlink import opening
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.listing import Listing
from ncs_cluster_detector.sticks.xlink.opening import open_device
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
import pytest

WANTED = '1.2-'   # as it was listed
STEPS = [OpeningStep.OPENING, OpeningStep.BOOTED]


class Boots:
    """Stands in for the class Booting: each boot returns the next claim, or raises an error."""

    def __init__(self, *claims):
        """Note what is asked for."""
        self.claims = list(claims)
        self.asked = []

    def __call__(self, usb, wanted, other_ports, firmware):
        """Be prepared."""
        self.asked.append((usb, wanted, other_ports, firmware))
        return self

    def run(self, tell, is_silent):
        """Boot the stick."""
        self.asked.append(is_silent)
        tell(OpeningStep.OPENING)
        claim = self.claims.pop(0)
        if isinstance(claim, Exception):
            raise claim
        tell(OpeningStep.BOOTED)
        return claim, UsbStick('1.2', (1, 7), False, kind='ma2450')


@pytest.fixture
def opened(monkeypatch):
    """Return a function that opens a stick which boots to one claim after the other."""
    monkeypatch.setattr(device_module, '_SETTLE_SEC', 0.001)

    def run(*claims):
        boots = Boots(*claims)
        monkeypatch.setattr(opening, 'Booting', boots)
        told = []
        try:
            device = open_device('usb', WANTED, 'firmware', ('1.3',), told.append, False)
            device.close()
            assert device.name == '1.2-ma2450'   # of its kind in the ROM
        finally:
            assert boots.asked.pop(0) == ('usb', WANTED, ('1.3',), 'firmware')
            assert all(claim.is_closed for claim in claims if not isinstance(claim, Exception))
            assert told == STEPS[:len(told)]   # each once
            assert not boots.claims
        return boots.asked
    return run


class Lying(InventedStick):
    """A stick that answers, and then sends what it must not."""

    def _answer(self, header, data):
        super()._answer(header, data)
        self.send(event(0x2000, Kind.RESET_REQ))


@pytest.fixture
def silent(monkeypatch):
    """Return a function that returns a stick that does not answer; it is not awaited for long."""
    monkeypatch.setattr(opening, '_PING_SEC', 0.05)

    def make():
        stick = InventedStick()
        stick.ignored.add(Kind.PING_REQ)
        return stick
    return make


def test_a_stick_that_answers_is_booted_once(opened):
    assert opened(FirmwareClaim()) == [False]


def test_a_silent_stick_is_reset_by_usb_and_gets_a_second_chance(opened, silent):
    assert opened(silent(), FirmwareClaim()) == [False, True]


def test_a_stick_that_takes_no_data_is_a_silent_one(opened):
    stick = InventedStick()
    stick.write_error = UsbError('[Errno 110] Operation timed out')
    assert opened(stick, FirmwareClaim()) == [False, True]


def test_a_stick_that_fails_after_its_answer_is_reset_and_gets_a_second_chance(opened):
    assert opened(Lying(), FirmwareClaim()) == [False, False]


def test_a_stick_that_stays_silent_is_dead(opened, silent, monkeypatch):
    monkeypatch.setattr(opening, '_PATIENT_PING_SEC', 0.1)
    with pytest.raises(StickDeadError, match='^opening stick 1.2-: no answer within 0.1 s of its '
                       'boot, also after a reset, expected one at once; unplug it') as caught:
        opened(silent(), silent())
    assert len(str(caught.value).splitlines()) == 1


def test_a_second_failure_is_the_error(opened):
    with pytest.raises(StickLostError, match='talking to stick 1.2-ma2450: the request RESET_REQ'):
        opened(Lying(), Lying())


def test_an_error_of_the_boot_is_the_error(opened, silent):
    with pytest.raises(StickNotFoundError, match='not there'):
        opened(StickNotFoundError('not there'))
    with pytest.raises(StickOpenError, match='not back'):
        opened(silent(), StickOpenError('not back'))


# ---- on the fake bus

PORT = '1.2'


@pytest.fixture(scope='module')
def bus(fake_bus):
    """Return a quick bus with two sticks."""
    with fake_bus('--ports', f'1.1,{PORT}', '--boot', '0.02', '--reset', '0.02', '--compute',
                  '0.005', '--reset-lag', '0.01') as bus:
        yield bus


@pytest.fixture
def usb(bus, usb_backend, monkeypatch):
    """Return the UsbBus; the sticks are healthy and in their ROM, and free at the end."""
    monkeypatch.setattr(device_module, '_SETTLE_SEC', 0.001)
    bus.tell('all unplug', 'all clear', 'all plug')   # not a dead one that has power
    yield UsbBus(usb_backend)
    bus.wait_for(lambda sticks: {stick.holder for stick in sticks.values()} == {None})


@pytest.fixture
def open_it(usb, firmware_file):
    """Return a function that opens and closes the stick."""
    def run():
        told = []
        device = open_device(usb, f'{PORT}-ma2450', Firmware(str(firmware_file)), (), told.append)
        try:
            assert device.name == f'{PORT}-ma2450' and told == STEPS
            assert device.thermal()[0] == 0.0
        finally:
            device.close()
    return run


def facts(bus):
    """Return how often the stick has been booted, and reset in both ways."""
    stick = bus.sticks()[PORT]
    return stick.boots, stick.resets, stick.usb_resets


def change_of(bus, open_it):
    """Return what one opening and closing adds to the facts; the stick is back in its ROM."""
    before = facts(bus)
    open_it()
    bus.wait_for(lambda sticks: sticks[PORT].state == 'rom')
    return tuple(now - then for now, then in zip(facts(bus), before))


def test_a_stick_is_opened_and_goes_back_to_its_rom(bus, open_it):
    assert change_of(bus, open_it) == (1, 1, 0)
    assert change_of(bus, open_it) == (1, 1, 0)


def test_a_stick_that_a_killed_process_has_left_is_reset_first(bus, open_it):
    bus.tell(f'{PORT} boot')
    assert change_of(bus, open_it) == (1, 2, 0)


def test_a_dead_stick_is_reset_by_usb(bus, open_it):
    bus.tell(f'{PORT} dead')
    assert change_of(bus, open_it) == (1, 2, 1)


def test_a_dead_stick_that_a_usb_reset_does_not_mend(bus, open_it):
    bus.tell(f'{PORT} dead', f'{PORT} no-usb-reset')
    with pytest.raises(StickDeadError, match=f'opening stick {PORT}-ma2450: it has booted and'):
        open_it()


def after_tries(usb, monkeypatch, mend):
    """Let something happen after three attempts to claim a stick."""
    claim, tries = usb.claim, []

    def counted(stick, configure=False):
        tries.append(stick)
        if len(tries) == 4:
            mend()
        return claim(stick, configure)
    monkeypatch.setattr(usb, 'claim', counted)
    return tries


def test_permissions_that_come_a_while_after_the_stick(bus, usb, open_it, monkeypatch):
    bus.tell(f'{PORT} access')
    tries = after_tries(usb, monkeypatch, lambda: bus.tell(f'{PORT} clear'))
    open_it()
    assert len(tries) > 4
    bus.wait_for(lambda sticks: sticks[PORT].state == 'rom')
    monkeypatch.setattr(booting, 'CLAIM_SEC', 0.1)
    bus.tell(f'{PORT} access')
    with pytest.raises(NoPermissionError, match='in its ROM: no permission'):
        open_it()


def test_a_stick_that_another_one_has_claimed(bus, usb, open_it, monkeypatch):
    stick = next(stick for stick in usb.sticks() if stick.port == PORT)
    claim = usb.claim(stick)

    def release():
        claim.close()
        bus.wait_for(lambda sticks: sticks[PORT].holder is None)

    tries = after_tries(usb, monkeypatch, release)
    open_it()
    assert len(tries) > 4
    bus.wait_for(lambda sticks: sticks[PORT].state == 'rom')
    monkeypatch.setattr(booting, 'CLAIM_SEC', 0.1)
    claim = usb.claim(next(stick for stick in usb.sticks() if stick.port == PORT))
    with pytest.raises(StickInUseError, match='in its ROM: another program has it'):
        open_it()
    claim.close()


def test_a_stick_that_does_not_come_back(bus, open_it, monkeypatch):
    monkeypatch.setattr(booting, 'BOOT_SEC', 0.1)
    bus.tell(f'{PORT} no-boot-return')
    with pytest.raises(StickOpenError, match='not back within 0.1 s of its boot'):
        open_it()


def test_the_names_of_sticks_in_all_states(bus, usb, firmware_file):
    listed = Listing(usb)
    assert sorted(listed.names()) == ['1.1-ma2450', '1.2-ma2450']
    bus.tell('1.1 boot')
    device = open_device(usb, '1.2-ma2450', Firmware(str(firmware_file)))
    try:
        assert sorted(listed.names()) == ['1.1-ma2450', '1.2-']
        bus.tell('1.1 unplug')
        assert listed.names() == ['1.2-']
    finally:
        device.close()
