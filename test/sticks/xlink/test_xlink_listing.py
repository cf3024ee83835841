# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The names of the sticks, and which are in use; in invented time."""

from invented_usb import InventedUsb
from ncs_cluster_detector.sticks.usb_claim import UsbAccessError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.xlink import listing
from ncs_cluster_detector.sticks.xlink.listing import Listing
import pytest


@pytest.fixture
def usb(monkeypatch):
    """Return an InventedUsb."""
    usb = InventedUsb()
    monkeypatch.setattr(listing, 'time', usb.clock)
    return usb


def test_sticks_in_their_rom_have_their_kinds_and_are_not_touched(usb):
    usb.plug('1.2')
    usb.plug('1.10.3', kind='ma2480')
    begun_at = usb.clock.now
    assert sorted(Listing(usb).names()) == ['1.10.3-ma2480', '1.2-ma2450']
    assert usb.claimed == [] and usb.clock.now == begun_at


def test_no_stick(usb):
    assert Listing(usb).names() == []


def test_a_booted_stick_is_in_use_when_it_is_claimed_and_free_when_not(usb):
    usb.plug('1.1', booted=True, is_others=True)
    usb.plug('1.2', booted=True)
    assert Listing(usb).names() == ['1.1-', '1.2-ma2450']
    assert usb.open_claims() == []


def test_a_new_booted_stick_is_left_to_its_owner_for_a_moment(usb):
    device = usb.plug('1.2')
    listed = Listing(usb)
    assert listed.names() == ['1.2-ma2450']
    device.leave(0.001, booted=True)
    usb.clock.sleep(0.01)
    usb.at(0.05, lambda: setattr(device, 'is_others', True))
    assert listed.names() == ['1.2-']
    assert usb.claimed == []   # nor was it claimed to look


def test_only_a_new_one_takes_time(usb):
    usb.plug('1.2', booted=True)
    listed = Listing(usb)
    for expected_sec in (listing.OWNER_CLAIMS_SEC, 0.0, 0.0):
        begun_at = usb.clock.now
        assert listed.names() == ['1.2-ma2450']
        assert usb.clock.now - begun_at == pytest.approx(expected_sec)


def test_a_stick_that_was_reset_and_booted_again_is_a_new_one(usb):
    device = usb.plug('1.2', booted=True)
    listed = Listing(usb)
    listed.names()
    device.leave(0.001, booted=True)
    usb.clock.sleep(0.01)
    begun_at = usb.clock.now
    listed.names()
    assert usb.clock.now > begun_at


def test_a_stick_that_boots_during_the_wait_is_not_looked_at(usb):
    usb.plug('1.1', booted=True, is_others=True)
    usb.plug('1.2').leave(0.05, booted=True)
    listed = Listing(usb)
    assert listed.names() == ['1.1-', '1.2-'] and usb.claimed == []
    assert listed.names() == ['1.1-', '1.2-ma2450']


@pytest.mark.parametrize('error, name', [
    (UsbAccessError('access'), '1.2-ma2450'), (UsbError('io'), '1.2-ma2450'),
    (UsbGoneError('gone'), '1.2-')])
def test_a_stick_about_which_nothing_is_known(usb, error, name):
    usb.plug('1.2', booted=True, refuses_booted=[(1e9, error)])
    assert Listing(usb).names() == [name]


def test_a_bus_that_cannot_be_listed(usb):
    def fail():
        raise UsbError('no list')
    usb.sticks = fail
    with pytest.raises(UsbError, match='no list'):
        Listing(usb).names()
