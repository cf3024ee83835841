# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The names of OpenVINO's devices as members of a cluster."""

from types import SimpleNamespace

from ncs_cluster_detector.sticks.openvino.devices import check_devices
from ncs_cluster_detector.sticks.openvino.devices import check_present
from ncs_cluster_detector.sticks.openvino.devices import cpu_properties
from ncs_cluster_detector.sticks.openvino.devices import others_of
from ncs_cluster_detector.sticks.openvino.devices import sticks_of
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import SdkMissingError
import pytest


def core(*available, ports=(), properties=()):
    """Return what the functions use of a ``Core``, with these devices."""
    def get_property(device, name):
        answers = {('MYRIAD', 'AVAILABLE_DEVICES'): list(ports),
                   ('CPU', 'SUPPORTED_PROPERTIES'): properties}
        return answers[device, name]

    def get_versions(device):
        if not ports:
            raise RuntimeError(f'Device with "{device}" name is not registered in the Runtime')
        return {device: 'version'}

    return SimpleNamespace(available_devices=list(available), get_property=get_property,
                           get_versions=get_versions)


@pytest.mark.parametrize('devices', [
    ['CPU'], ['CPU', 'CPU'], ['MYRIAD'], ['MYRIAD', 'CPU', 'GPU', 'GPU.1', 'NPU']])
def test_these_may_be_named(devices):
    check_devices(devices)


@pytest.mark.parametrize('devices, why', [
    ([], 'must name a device; use MYRIAD, CPU'), (['cpu'], "'cpu' is none of MYRIAD"),
    (['AUTO'], 'is none of'), (['CPU.1'], 'is none of'), (['MYRIAD.1.2-ma2480'], 'is none of'),
    (['MULTI:CPU,GPU'], 'is none of'), (['MYRIAD', 'MYRIAD'], 'stands for all sticks'),
    (['CPU', 'CPU '], "'CPU ' is none of")])
def test_these_may_not(devices, why):
    with pytest.raises(ValueError, match=why):
        check_devices(devices)


def test_each_member_has_a_name_of_its_own_that_looks_like_a_free_sticks():
    names = others_of(['CPU', 'MYRIAD', 'GPU.1', 'CPU', 'GPU'])
    assert names == {'CPU-openvino': 'CPU', 'GPU.1-openvino': 'GPU.1', 'CPU:2-openvino': 'CPU',
                     'GPU-openvino': 'GPU'}
    assert len({port_of(name) for name in names}) == 4
    assert not any(map(is_in_use, names))


def test_sticks_are_called_by_port_and_chip():
    assert sticks_of(core('CPU', 'MYRIAD.1.2-ma2480', 'MYRIAD.1.4.1-ma2480')) == {
        '1.2-ma2480': 'MYRIAD.1.2-ma2480', '1.4.1-ma2480': 'MYRIAD.1.4.1-ma2480'}
    assert sticks_of(core('CPU', 'GPU')) == {}


def test_the_port_of_a_single_stick_is_asked_for():
    assert sticks_of(core('CPU', 'MYRIAD', ports=['1.2-ma2480'])) == {
        '1.2-ma2480': 'MYRIAD.1.2-ma2480'}


@pytest.mark.parametrize('devices, available', [
    (['CPU'], ['CPU']), (['GPU'], ['CPU', 'GPU']), (['GPU'], ['CPU', 'GPU.0', 'GPU.1']),
    (['MYRIAD'], ['CPU', 'MYRIAD'])])
def test_what_is_there_may_be_used(devices, available):
    check_present(core(*available), devices)


def test_sticks_may_come_later():
    check_present(core('CPU', ports=['any']), ['MYRIAD', 'CPU'])


def test_a_device_that_cannot_come_is_named():
    with pytest.raises(SdkMissingError, match=r"openvino.devices=\['CPU', 'GPU'\]: OpenVINO sees "
                                              'CPU, expected GPU; install its driver'):
        check_present(core('CPU'), ['CPU', 'GPU'])


@pytest.mark.parametrize('answers', [True, False])
def test_an_openvino_without_sticks_is_named(answers):
    without = core('CPU')
    if answers:   # as from 2023 on
        without.get_versions = lambda device: {}
    with pytest.raises(SdkMissingError,
                       match='this OpenVINO has no MYRIAD, expected the archive of 2022.3.1'):
        check_present(without, ['MYRIAD'])


@pytest.mark.parametrize('properties, binding', [
    (('ENABLE_CPU_PINNING', 'AFFINITY'), {'ENABLE_CPU_PINNING': False}),
    (('AFFINITY',), {'AFFINITY': 'NONE'}), ((), {})])
def test_threads_are_bound_to_no_core(properties, binding):
    assert cpu_properties(core('CPU', properties=properties), 3) == {
        'INFERENCE_NUM_THREADS': 3, 'NUM_STREAMS': 1, **binding}
