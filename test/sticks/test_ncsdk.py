# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver on the software double of the API that it is written for."""

import types

from blocking_calls import wait_until
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
from ncs_cluster_detector.sticks import opening_watch
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.stick import GraphLoadError
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.stick import WrongStickError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbAccessError
import numpy as np
import pytest

OPENING, BOOTED, OPENED = OpeningStep.OPENING, OpeningStep.BOOTED, OpeningStep.OPENED


@pytest.fixture
def api():
    """Return the double with two quick sticks plugged in."""
    mvncapi.plug_in(BusSpec(sticks=2, inference_ms=1.0, transfer_ms=0.0, boot_ms=0.0))
    yield mvncapi
    mvncapi.plug_in(BusSpec(sticks=0))


@pytest.fixture
def stick(api):
    """Return a driver with two graphs loaded on the second stick."""
    stick = NcsdkStick(api, [graphs.read_graph('shapes'), graphs.read_graph('faces')])
    stick.open_stick('1.2-ma2450')
    yield stick
    stick.close()


def tensor(left):
    """Return the network's input for a picture with one red rectangle."""
    image = np.full((300, 300, 3), 90, dtype=np.uint8)
    image[100:200, left:left + 50] = (0, 0, 255)
    return Preprocessor().network_input(image, NetworkInput((300, 300)))


def send(stick, *drawn):
    """Send a picture with one rectangle to all networks of a stick."""
    stick.send([tensor(*drawn)] * len(stick.input_sizes))


def test_the_port_is_the_name_without_the_chip():
    assert port_of('1.2.3-ma2450') == port_of('1.2.3-') == '1.2.3'


def test_a_stick_without_its_chip_is_in_use():
    assert is_in_use('1.2-')
    assert not is_in_use('1.2-ma2450')


def test_all_sticks_are_listed(api):
    assert NcsdkStick(api, []).device_names() == ['1.1-ma2450', '1.2-ma2450']


def test_every_graph_answers_for_every_input_in_order(stick):
    send(stick, 10)
    send(stick, 200)
    for left in (10, 200):
        shapes, faces = stick.receive()
        (cat,), _ = ssd.decode(shapes, PASCAL_VOC)
        assert cat.label == 'cat'
        assert cat.x_min == pytest.approx(left / 300, abs=1 / 300)
        assert ssd.decode(faces, FACE) == ([], 0)


def test_an_idle_stick_has_the_temperature_of_its_surroundings(stick):
    state = stick.thermal_state()
    assert state.celsius == pytest.approx(30.0, abs=0.5)
    assert state.throttle_level == 0


def test_a_stick_that_is_not_there_is_named_with_those_that_are(api):
    with pytest.raises(StickNotFoundError, match=r'1\.7-ma2450.*1\.1-ma2450, 1\.2-ma2450'):
        NcsdkStick(api, []).open_stick('1.7-ma2450')


def test_a_stick_that_is_open_already_is_in_use(api, stick):
    assert NcsdkStick(api, []).device_names() == ['1.1-ma2450', '1.2-']
    with pytest.raises(StickInUseError, match='listed as 1.2-'):
        NcsdkStick(api, []).open_stick('1.2-ma2450')


def test_a_bad_graph_is_refused_with_its_status(api):
    stick = NcsdkStick(api, [b'no graph'])
    with pytest.raises(GraphLoadError, match='graph 0 .* on stick 1.1-ma2450: [A-Z_]+'):
        stick.open_stick('1.1-ma2450')


def test_closing_takes_the_results_that_are_under_way(api):
    stick = NcsdkStick(api, [graphs.read_graph('shapes')])
    stick.open_stick('1.1-ma2450')
    send(stick, 10)
    stick.close()
    assert stick.device_names() == ['1.1-ma2450', '1.2-ma2450']


def test_the_module_of_the_first_sdk_is_refused():
    with pytest.raises(SdkMissingError, match='loading mvnc_of_1: .*NCSDK 1, expected NCSDK 2'):
        NcsdkStick(types.ModuleType('mvnc_of_1'), [])


# Of a boot that is lost after 0.1 s, and of one that is in time on a busy machine as well.
LOST_MS, SAFE_MS = 28.0, 280.0


class Opening:
    """A driver that looks at the USB bus of its three sticks, and the steps that it tells."""

    def __init__(self, boot_ms, usb=True):
        """Make a bus with a time for a boot; one is lost after 3.6 times as long."""
        self.bus = SimulatedBus(BusSpec(sticks=3, boot_ms=boot_ms))
        mvncapi.plug_in(self.bus)
        self.usb = UsbBus(SimulatedUsbBackend(self.bus)) if usb else None
        self.stick = NcsdkStick(mvncapi, [], usb=self.usb)
        # The first listing of a process resets what it finds booted.
        assert self.stick.device_names() == ['1.1-ma2450', '1.2-ma2450', '1.3-ma2450']
        self.steps = []

    def open_first(self):
        """Open the stick at port 1.1."""
        self.stick.open_stick('1.1-ma2450', ('1.2', '1.3'), self.steps.append)

    def leave_booted(self, path):
        """Let a stick be booted and claimed by nobody."""
        port = self.bus.port(path)
        port.boot(port.state().plugs)
        wait_until(port.has_booted)

    def wait_after_boot(self, monkeypatch, seen):
        """Let the library return only when something was seen, as it does after a second."""
        opens = mvncapi.Device.open

        def opens_late(device):
            opens(device)
            wait_until(seen)

        monkeypatch.setattr(mvncapi.Device, 'open', opens_late)


@pytest.fixture
def unplugged(api):
    """Leave the double without sticks after a test that plugs in its own."""


def test_the_steps_of_an_opening_are_told_in_order(unplugged, monkeypatch):
    monkeypatch.setattr(opening_watch, 'CHECK_SEC', 0.001)
    opening = Opening(SAFE_MS)
    opening.wait_after_boot(monkeypatch, lambda: BOOTED in opening.steps)
    opening.open_first()
    assert opening.steps == [OPENING, BOOTED, OPENED]
    assert opening.bus.port('1.1').holder() is not None
    opening.stick.close()
    wait_until(opening.bus.port('1.1').in_rom)


def test_without_a_look_at_the_bus_only_the_end_of_an_opening_is_told(unplugged):
    opening = Opening(SAFE_MS, usb=False)
    opening.open_first()
    assert opening.steps == [OPENED]
    opening.stick.close()


def test_a_bus_that_cannot_be_listed_keeps_no_stick_from_being_opened(unplugged, monkeypatch):
    opening = Opening(SAFE_MS)

    def no_access():
        raise UsbAccessError('forbidden')

    monkeypatch.setattr(opening.usb, 'sticks', no_access)
    opening.open_first()
    assert opening.steps == [OPENED]
    opening.stick.close()


def test_another_stick_opened_in_its_place_is_refused_and_given_back(unplugged):
    opening = Opening(LOST_MS)
    opening.bus.inject('1.1', 'slow-boot', '60')
    opening.leave_booted('1.2')
    with pytest.raises(WrongStickError, match=r'opening stick 1\.1-ma2450: .*booted are 1\.2\), '
                                              r'expected port 1\.1'):
        opening.open_first()
    assert opening.steps == [OPENING]
    # The library has the wrong one open.
    assert not opening.stick.has_failed
    assert opening.bus.port('1.2').holder() is not None
    opening.stick.close()
    assert opening.bus.port('1.2').holder() is None
    wait_until(opening.bus.port('1.2').in_rom)
    assert opening.bus.port('1.3').in_rom()


def test_without_a_look_at_the_bus_nobody_notices(unplugged):
    opening = Opening(LOST_MS, usb=False)
    opening.bus.inject('1.1', 'slow-boot', '60')
    opening.leave_booted('1.2')
    opening.open_first()
    assert opening.bus.port('1.2').holder() is not None
    opening.stick.close()


def test_one_that_is_lost_when_there_is_no_other_is_a_failed_opening(unplugged, monkeypatch):
    monkeypatch.setattr(opening_watch, 'WATCH_SEC', 0.0)   # so long a thread would outlive it
    opening = Opening(LOST_MS)
    opening.bus.inject('1.1', 'slow-boot', '60')
    with pytest.raises(StickOpenError) as caught:
        opening.open_first()
    assert type(caught.value) is not WrongStickError
    assert opening.steps == [OPENING]
    assert opening.stick.has_failed
