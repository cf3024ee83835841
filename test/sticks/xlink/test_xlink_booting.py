# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Boot a stick in whatever state it is, in invented time."""

from invented_usb import FIRMWARE
from invented_usb import InventedUsb
from ncs_cluster_detector.sticks import usb_reset
from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import PortNotUniqueError
from ncs_cluster_detector.sticks.stick import StickDeadError
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.usb_claim import UsbAccessError
from ncs_cluster_detector.sticks.usb_claim import UsbBusyError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.xlink import booting
from ncs_cluster_detector.sticks.xlink.booting import Booting
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
import pytest

WANTED = '1.2-ma2450'
FOREVER = 1e9
BUSY = UsbBusyError('[Errno 16] Resource busy')
ACCESS = UsbAccessError('[Errno 13] Access denied')


@pytest.fixture
def usb(monkeypatch):
    """Return an InventedUsb; no claim of it may be left but the one that is returned."""
    usb = InventedUsb()
    monkeypatch.setattr(booting, 'time', usb.clock)
    monkeypatch.setattr(usb_reset, 'time', usb.clock)
    return usb


@pytest.fixture
def boot(usb, tmp_path):
    """Return a function that boots the wanted stick; it returns what came of it, and the time."""
    path = tmp_path / 'MvNCAPI-ma2450.mvcmd'
    path.write_bytes(FIRMWARE)

    def run(is_silent=False, other_ports=()):
        told = []
        begun_at = usb.clock.now
        claim, stick = Booting(usb, WANTED, other_ports, Firmware(str(path))).run(
            told.append, is_silent)
        assert usb.open_claims() == [claim.device] and claim.device.booted
        assert not stick.booted and stick.kind == 'ma2450'
        # Again for a stick that is in its ROM again.
        assert list(dict.fromkeys(told)) == [OpeningStep.OPENING, OpeningStep.BOOTED]
        return claim.device, usb.clock.now - begun_at

    def fail(error, **arguments):
        begun_at = usb.clock.now
        with pytest.raises(StickError) as caught:
            run(**arguments)
        assert type(caught.value) is error
        assert str(caught.value).startswith(f'opening stick {WANTED}: ')
        assert len(str(caught.value).splitlines()) == 1
        assert usb.open_claims() == []
        return str(caught.value), usb.clock.now - begun_at
    run.in_vain = fail
    return run


@pytest.mark.parametrize('packet_bytes', [64, 512, 1024])
def test_a_stick_in_its_rom_gets_the_firmware_a_packet_at_a_time(usb, boot, packet_bytes):
    usb.plug('1.1')
    device = usb.plug('1.2', packet_bytes=packet_bytes)
    found, took = boot()
    assert found is device and took == pytest.approx(0.3, abs=0.05)
    assert b''.join(device.loaded) == FIRMWARE
    assert {len(data) for data in device.loaded[:-1]} == {packet_bytes}
    assert usb.claimed == [('1.2', False), ('1.2', True)]


def test_a_stick_in_its_rom_is_configured_and_a_booted_one_is_not(usb, boot):
    device = usb.plug('1.2')
    configured = []
    take = device.take
    device.take = lambda data: configured.append(device.is_configured) or take(data)
    assert boot()[0] is device
    assert set(configured) == {True} and not device.is_configured


def test_a_stick_that_is_not_there(usb, boot):
    assert 'not on the USB bus, found no stick, expected one at port 1.2; plug it in' in (
        boot.in_vain(StickNotFoundError)[0])
    usb.plug('1.21')
    usb.plug('1.1')
    text, took = boot.in_vain(StickNotFoundError)
    assert 'found 1.1, 1.21, expected one at port 1.2' in text and took < 1.5


def test_two_sticks_at_one_port_of_two_buses(usb, boot):
    usb.plug('1.2')
    usb.plug('1.2', booted=True)
    assert '2 sticks are at port 1.2 of different USB buses' in boot.in_vain(PortNotUniqueError)[0]


def test_a_stick_that_was_left_booted_is_asked_to_reset(usb, boot):
    device = usb.plug('1.2', booted=True)
    found, took = boot()
    assert found is device and (device.asked_resets, device.usb_resets) == (1, 0)
    assert took < 1.4   # 0.1 s of reading, 0.8 s to the ROM, 0.3 s of booting


def test_a_dead_stick_is_reset_by_usb_in_less_than_a_second(usb, boot):
    device = usb.plug('1.2', booted=True, is_dead=True)
    found, took = boot()
    assert found is device and (device.asked_resets, device.usb_resets) == (0, 1)
    assert took - 0.8 - 0.3 < 1.0


def test_a_stick_that_is_known_to_be_silent_is_reset_by_usb_at_once(usb, boot):
    device = usb.plug('1.2', booted=True)
    found, took = boot(is_silent=True)
    assert found is device and (device.asked_resets, device.usb_resets) == (0, 1)
    assert took - 0.8 - 0.3 < 0.3


@pytest.mark.parametrize('error', [None, UsbError('[Errno 32] Pipe error')])
def test_a_dead_stick_that_no_reset_mends(usb, boot, error):
    usb.plug('1.2', booted=True, is_dead=True, usb_reset_error=error)
    text, took = boot.in_vain(StickDeadError)
    assert 'does not answer, not even after a reset by USB; unplug it' in text and took < 2.0


def test_a_stick_that_a_usb_reset_only_wakes_is_asked_again(usb, boot):
    device = usb.plug('1.2', booted=True, is_dead=True, usb_reset_error=None)
    usb.at(0.75, lambda: setattr(device, 'is_dead', False))
    assert boot()[0] is device
    assert (device.asked_resets, device.usb_resets) == (1, 1)


def test_a_stick_that_does_not_come_back_from_its_reset(usb, boot):
    usb.plug('1.2', booted=True, reset_sec=FOREVER)
    text, took = boot.in_vain(StickOpenError)
    assert 'not back within 3 s of a reset, expected 0.8 s; plug it into a hub' in text
    assert 3.0 < took < 3.5


def test_a_stick_that_does_not_come_back_from_its_boot(usb, boot):
    usb.plug('1.2', boot_sec=FOREVER)
    text, took = boot.in_vain(StickOpenError)
    limit_sec = booting.BOOT_SEC
    assert f'not back within {limit_sec:g} s of its boot, expected 0.3 s; plug it into a' in text
    assert text.endswith("or copy the firmware again: the file may not be this stick's")
    assert limit_sec < took < limit_sec + 0.1


@pytest.mark.parametrize('state', ['refuses', 'refuses_booted'])
@pytest.mark.parametrize('error', [BUSY, ACCESS])
def test_for_a_while_somebody_else_may_look_or_permissions_may_be_missing(
        usb, boot, error, state):
    device = usb.plug('1.2', **{state: [(0.9, error)]})
    assert boot()[0] is device


@pytest.mark.parametrize('state, where', [
    ('refuses', 'in its ROM'), ('refuses_booted', 'booted')])
def test_a_stick_that_another_program_keeps(usb, boot, state, where):
    usb.plug('1.2', **{state: [(FOREVER, BUSY)]})
    text, took = boot.in_vain(StickInUseError)
    assert f'Resource busy while it is {where}: another program has it, expected a free' in text
    assert 1.0 <= took < 1.5


@pytest.mark.parametrize('state, where', [
    ('refuses', 'in its ROM'), ('refuses_booted', 'booted')])
def test_a_stick_that_may_not_be_used(usb, boot, state, where):
    usb.plug('1.2', **{state: [(FOREVER, ACCESS)]})
    text, took = boot.in_vain(NoPermissionError)
    assert f'while it is {where}: no permission to use its USB device' in text
    assert 'udev rule' in text and 1.0 <= took < 1.5


def test_a_booted_stick_of_another_program_is_in_use_and_left_alone(usb, boot):
    device = usb.plug('1.2', booted=True, is_others=True)
    boot.in_vain(StickInUseError)
    assert (device.asked_resets, device.usb_resets) == (0, 0)


def test_a_stick_that_leaves_while_it_is_opened_is_awaited(usb, boot):
    device = usb.plug('1.2', booted=True, is_others=True)

    def leave():   # a program that was killed has told it to reset
        device.is_others = False
        device.leave(0.8)

    usb.at(0.1, leave)
    assert boot()[0] is device
    assert device.asked_resets == 0


def test_a_stick_that_leaves_for_good(usb, boot):
    device = usb.plug('1.2', refuses=[(FOREVER, BUSY)])
    usb.at(0.1, device.leave)
    text, took = boot.in_vain(StickOpenError)
    assert 'No such device, expected success of a USB call; if it happens again' in text
    assert took == pytest.approx(3.1, abs=0.1)


def test_a_stick_that_leaves_again_and_again(usb, boot):
    device = usb.plug('1.2', refuses=[(FOREVER, UsbGoneError('gone'))])
    text, took = boot.in_vain(StickOpenError)
    assert device in usb.devices and 'gone, expected success' in text and took < 4.0


def test_a_stick_that_is_unplugged_while_it_gets_the_firmware(usb, boot):
    device = usb.plug('1.2')
    usb.at(0.0001, device.leave)
    text, took = boot.in_vain(StickOpenError)
    assert 0 < len(b''.join(device.loaded)) < len(FIRMWARE)
    assert 'of its boot' in text and took < booting.BOOT_SEC + 0.1


@pytest.mark.parametrize('lost_after_sec', [0.0001, 0.1])
def test_a_stick_that_is_in_its_rom_again_gets_the_firmware_again(usb, boot, lost_after_sec):
    device = usb.plug('1.2', boot_sec=FOREVER)   # it loses its power while it is booted

    def come_back():
        device.loaded.clear()
        device.boot_sec = 0.3
        device.enumerate(False)

    usb.at(lost_after_sec, device.leave)
    usb.at(0.5, come_back)
    found, took = boot()
    assert found is device and took < 2.0


@pytest.mark.parametrize('booted', [False, True])
def test_another_error_of_usb(usb, boot, booted):
    error = UsbError('[Errno 5] Input/Output Error')
    usb.plug('1.2', **{'refuses_booted' if booted else 'refuses': [(FOREVER, error)]})
    assert 'Input/Output Error, expected success of a USB call' in boot.in_vain(StickOpenError)[0]


def test_a_rom_that_does_not_take_the_firmware(usb, boot):
    usb.plug('1.2', write_error=UsbError('[Errno 32] Pipe error'))
    assert 'Pipe error, expected success' in boot.in_vain(StickOpenError)[0]


def test_no_stick_is_claimed_when_the_firmware_is_not_there(usb, tmp_path):
    usb.plug('1.2', kind='ma2480')
    told = []
    with pytest.raises(FirmwareMissingError, match='booting stick 1.2-ma2450: .*MvNCAPI-ma2480'):
        Booting(usb, WANTED, (), Firmware(str(tmp_path))).run(told.append)
    assert usb.claimed == [] and told == []


# ---- sticks that come back at another port

def test_a_stick_that_comes_back_at_another_port(usb, boot):
    device = usb.plug('1.2', booted_port='2.2')
    found, took = boot()
    assert found is device and found.port == '2.2'
    assert took == pytest.approx(0.3 + booting.STRANGE_PORT_SEC, abs=0.1)


def test_at_another_port_it_must_be_the_only_new_one(usb, boot):
    usb.plug('1.2', booted_port='2.2')
    usb.plug('3.3', booted_port='4.4').leave(0.1, booted=True)
    boot.in_vain(StickOpenError)


def test_a_stick_at_the_port_of_another_one_is_not_taken(usb, boot):
    usb.plug('1.2', booted_port='2.2')
    boot.in_vain(StickOpenError, other_ports=['2.2'])


def test_a_stick_that_was_there_before_is_not_taken(usb, boot):
    usb.plug('1.2', boot_sec=FOREVER)
    other = usb.plug('1.3', booted=True)
    boot.in_vain(StickOpenError)
    assert usb.claimed == [('1.2', False)] and other.asked_resets == 0


def test_a_stick_that_another_program_boots_meanwhile_is_not_taken(usb, boot):
    usb.plug('1.2', boot_sec=FOREVER)
    other = usb.plug('2.2')
    other.leave(0.1, booted=True)
    usb.at(0.2, lambda: setattr(other, 'is_others', True))
    boot.in_vain(StickOpenError)
    assert ('2.2', True) not in usb.claimed   # nor was it looked at before its owner had it


@pytest.mark.parametrize('error', [UsbGoneError('[Errno 19] No such device'), ACCESS])
def test_a_stranger_that_cannot_be_looked_at_disturbs_no_boot(usb, boot, error):
    device = usb.plug('1.2', boot_sec=1.0)
    usb.plug('2.2', refuses_booted=[(FOREVER, error)]).leave(0.1, booted=True)
    found, took = boot()
    assert found is device and not device.asked_resets
    assert took == pytest.approx(1.0, abs=0.1)


def test_a_stick_at_its_own_port_is_taken_beside_a_new_one(usb, boot):
    device = usb.plug('1.2')
    usb.plug('9.9').leave(0.05, booted=True)
    assert boot()[0] is device
