# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The driver on the software double of the API that it is written for."""

import types

from ncs_cluster_detector.detection import preprocessing
from ncs_cluster_detector.detection import ssd
from ncs_cluster_detector.detection.labels import FACE
from ncs_cluster_detector.detection.labels import PASCAL_VOC
from ncs_cluster_detector.simulation import graphs
from ncs_cluster_detector.simulation import mvncapi
from ncs_cluster_detector.simulation.bus import SimulatedBus
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.stick import GraphLoadError
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
import numpy as np
import pytest


@pytest.fixture
def api():
    """Return the double with two quick sticks plugged in."""
    mvncapi.plug_in(SimulatedBus(sticks=2, inference_ms=1.0, transfer_ms=0.0, boot_ms=0.0))
    yield mvncapi
    mvncapi.plug_in(SimulatedBus(sticks=0))


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
    return preprocessing.network_input(image)


def test_the_port_is_the_name_without_the_chip():
    assert port_of('1.2.3-ma2450') == port_of('1.2.3-') == '1.2.3'


def test_a_stick_without_its_chip_is_in_use():
    assert is_in_use('1.2-')
    assert not is_in_use('1.2-ma2450')


def test_all_sticks_are_listed(api):
    assert NcsdkStick(api, []).device_names() == ['1.1-ma2450', '1.2-ma2450']


def test_every_graph_answers_for_every_input_in_order(stick):
    stick.send(tensor(10))
    stick.send(tensor(200))
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
    stick.send(tensor(10))
    stick.close()
    assert stick.device_names() == ['1.1-ma2450', '1.2-ma2450']


def test_the_module_of_the_first_sdk_is_refused():
    with pytest.raises(SdkMissingError, match='loading mvnc_of_1: .*NCSDK 1, expected NCSDK 2'):
        NcsdkStick(types.ModuleType('mvnc_of_1'), [])
