# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The values of the parameters of the reserve: what they become, and what is refused."""

import invented_driver
from invented_driver import InventedDriver
from ncs_cluster_detector.detector_node.parameters import options_of
from ncs_cluster_detector.detector_node.parameters import validate_combination
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.sticks.stick import SdkMissingError
import pytest


@pytest.fixture
def values(monkeypatch, tmp_path):
    """Return the values of a node that can start, with a reserve."""
    (tmp_path / 'toy.graph').write_bytes(invented_driver.GRAPH)
    monkeypatch.setitem(DRIVERS, 'invented', InventedDriver)
    monkeypatch.setenv('INVENTED_PAINT', str(tmp_path))
    return {spec.name: spec.default for spec in PARAMETERS} | {
        'driver': 'simulated', 'graph_paths': ['faces'], 'reserve': 'invented:PAINT',
        'reserve_graph_paths': [str(tmp_path / 'toy.graph')]}


@pytest.mark.parametrize('warm', [False, True])
def test_the_driver_is_asked_for_the_device_and_reads_the_networks(values, warm):
    options = options_of({**values, 'reserve_warm': warm})
    assert isinstance(options.reserve.workers.driver, InventedDriver)
    assert list(options.reserve.workers.graphs) == [invented_driver.GRAPH]
    assert options.reserve.warm is warm
    assert options.labels == (FACE, PASCAL_VOC)


def test_no_value_is_no_reserve(values):
    options = options_of({**values, 'reserve': '', 'reserve_graph_paths': ['']})
    assert options.reserve is None
    assert options.labels == (FACE,)


def test_without_a_network_the_default_of_the_driver_runs(values, monkeypatch):
    (name,) = values['reserve_graph_paths']
    monkeypatch.setattr(InventedDriver, 'default_graph', name)
    options = options_of({**values, 'reserve_graph_paths': ['']})
    assert list(options.reserve.workers.graphs) == [invented_driver.GRAPH]


@pytest.mark.parametrize('value', ['nothing:CPU', 'invented', 'invented:', 'invented:GPU', ':',
                                   'simulated:CPU', 'mvnc:', 'invented:PAINT '])
def test_what_is_no_reserve_is_refused(values, value):
    with pytest.raises(StartupError) as refusal:
        options_of({**values, 'reserve': value})
    assert str(refusal.value).startswith(f'reserve={value}: must be one of ')
    assert 'invented:PAINT' in str(refusal.value)
    assert str(refusal.value).endswith(
        '; start the node with such a value, or without a reserve')
    with pytest.raises(ValueError):
        validate_combination({**values, 'reserve': value}, ())


def test_networks_of_no_reserve_are_refused(values):
    with pytest.raises(StartupError, match=r"^reserve_graph_paths=\['/.*'\]: there is no reserve"):
        options_of({**values, 'reserve': ''})


def test_a_reserve_without_a_network_is_refused(values):
    with pytest.raises(StartupError) as refusal:
        options_of({**values, 'reserve_graph_paths': ['']})
    assert str(refusal.value).startswith("reserve_graph_paths=['']: a network must be named ")


@pytest.mark.parametrize('content, rule', [
    (b'else', 'not an invented graph; name one'), (None, 'No such file or directory; name a')])
def test_a_network_that_cannot_be_read_is_refused_under_its_own_name(
        values, tmp_path, content, rule):
    path = tmp_path / 'other.graph'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(StartupError) as refusal:
        options_of({**values, 'reserve_graph_paths': [str(path)]})
    assert str(refusal.value).startswith(f"reserve_graph_paths=['{path}']: {rule}")


def test_a_missing_sdk_is_refused(values, monkeypatch):
    def missing(cls):
        raise SdkMissingError('the module is missing; install it')

    monkeypatch.setattr(InventedDriver, 'check_installed', classmethod(missing))
    with pytest.raises(StartupError, match='^reserve=invented:PAINT: the module is missing; '):
        options_of(values)


def test_labels_of_the_reserve_can_be_filtered(values):
    of_sticks, of_reserve = options_of(values).labels
    filtered = {**values, 'class_filter': ['person', 'face']}
    validate_combination(filtered, of_sticks + of_reserve)
    with pytest.raises(ValueError, match='^class_filter='):
        validate_combination(filtered, of_sticks)
