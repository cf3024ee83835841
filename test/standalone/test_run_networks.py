# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Real networks in a run: what the nodes get, and what is refused before anything is fetched."""

from dataclasses import dataclass
import io
from pathlib import Path

import cv2
from fetched_networks import network_file
from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import ROOT
from made_up_run import stick_status
from ncs_cluster_detector.drivers import registry
from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.sticks.stick import SdkMissingError
import pytest
from runner import arguments as run_arguments
from runner import networks
from runner import nodes
from runner.names import sticks_text
from runner.report import chart
from runner.report import report
from runner.report import summary
from runner.state import RunState
from runner.view.live_view import Facts
from runner.view.live_view import render
from runner.view.terminal import console_for
from setup.networks import NETWORKS
from setup.steps import Environment
from setup.steps import SetupError

OPENVINO = ['--driver', 'openvino']


@dataclass(frozen=True)
class InventedDriver(Driver):
    """Stands for a driver of real networks: it reads any file that is there."""

    built_in_graphs = ()

    @classmethod
    def from_parameters(cls, values):
        assert set(values) == {parameter.name for parameter in PARAMETERS}
        return cls()

    def read_graph(self, name):
        content = Path(name).read_bytes()
        if not content:
            raise ValueError(f'{name} is empty;\nexport it again')
        return content

    def make_stick(self, graphs):
        raise AssertionError('the runner makes no stick')


@pytest.fixture(autouse=True)
def openvino(monkeypatch):
    """Put the invented driver in the place of the real one."""
    monkeypatch.setitem(registry.DRIVERS, 'openvino', InventedDriver)


@pytest.fixture
def fetched(monkeypatch, tmp_path):
    """Return the names of the networks that were fetched, into a folder of the test."""
    names = []

    def fetch(environment, network):
        names.append(network.name)
        environment.networks.mkdir(parents=True, exist_ok=True)
        (environment.networks / network.members[0].name).write_bytes(b'a graph')

    monkeypatch.setattr(networks, 'fetch', fetch)
    monkeypatch.setattr(networks, 'ENVIRONMENT', Environment(tmp_path))
    return names


@pytest.fixture
def read(monkeypatch):
    """Return the paths that the simulated driver was asked to read."""
    paths = []
    monkeypatch.setattr(networks, 'read_graph', paths.append)
    return paths


def parameters_of(command):
    """Return the parameters in a command, a dictionary of texts."""
    pairs = [word.partition(':=') for word, flag in zip(command[1:], command) if flag == '-p']
    return {name: value for name, _, value in pairs}


def detector(*arguments):
    """Return the parameters of the detector node of a run."""
    return parameters_of(nodes.node_commands(run_arguments.parse(arguments))['detector'])


def refused(capfd, *arguments):
    """Return the line with which the arguments are refused."""
    with pytest.raises(SystemExit) as ending:
        run_arguments.parse(arguments)
    assert ending.value.code == 2
    printed = capfd.readouterr()
    assert printed.out == '' and printed.err.count('\n') == 1
    return printed.err.strip()


def test_a_named_network_is_fetched_and_brings_its_labels(fetched, read, tmp_path):
    graph = tmp_path / '.venv' / 'networks' / 'ssdlite.pb'
    values = detector('--graphs', 'ssdlite')
    assert fetched == ['ssdlite'] and read == [str(graph)]
    assert values['driver'] == '"simulated"'
    assert values['graph_paths'] == f'["{graph}"]'
    assert values['label_files'] == f'["{graph.with_name("ssdlite_labels.txt")}"]'
    assert 'input_scale' not in values and 'simulated.time_constant_sec' in values


def test_openvino_runs_ssdlite_if_nothing_is_named(fetched, tmp_path):
    values = detector(*OPENVINO)
    assert fetched == ['ssdlite']
    assert values == {
        'driver': '"openvino"', 'cluster_size': '0', 'cluster_switch_cycle_ms': '5000',
        'graph_paths': f'["{tmp_path}/.venv/networks/ssdlite.pb"]',
        'label_files': f'["{tmp_path}/.venv/networks/ssdlite_labels.txt"]'}


def test_openvino_runs_a_file(fetched, tmp_path):
    """What its labels are, the driver knows or the node's default has."""
    path = tmp_path / 'my: net.xml'
    path.write_text('<net/>')
    values = detector(*OPENVINO, '--graphs', str(path), '--cluster-size', '3')
    assert fetched == []
    assert values['graph_paths'] == f'["{path}"]' and values['cluster_size'] == '3'
    assert not {'label_files', 'input_scale', 'simulated.sticks'} & set(values)


def test_beside_others_each_has_its_own_labels(fetched, read, tmp_path):
    """The others have those that fit best."""
    values = detector('--graphs', 'people, ssdlite')
    assert read == ['people', f'{tmp_path}/.venv/networks/ssdlite.pb']
    assert values['label_files'] == f'["", "{tmp_path}/.venv/networks/ssdlite_labels.txt"]'


def test_on_other_hosts_there_are_the_same_networks(fetched, read):
    commands = nodes.node_commands(run_arguments.parse(['--graphs', 'res10', '--hosts', '1']))
    served, own = (parameters_of(commands[name]) for name in ('pi1/stick_server', 'detector'))
    for name in ('driver', 'graph_paths', 'label_files', 'input_scale'):
        assert served[name] == own[name]
    assert own['input_scale'] == '1.0'


def test_the_real_res10_can_be_named():
    """Here nothing is in the place of the reading and the fetching."""
    path = network_file('res10')
    assert detector('--graphs', 'res10')['graph_paths'] == f'["{path}"]'


def test_the_same_network_may_be_named_by_its_path(fetched, read):
    """Then nothing is known of it."""
    values = detector('--graphs', 'networks/ssdlite.pb')
    assert fetched == [] and read == ['networks/ssdlite.pb'] and 'label_files' not in values


@pytest.mark.parametrize('arguments, line', [
    (['--sticks', '3'], 'STICKS=3: does nothing with DRIVER=openvino, which uses what this '
                        'machine has; leave one of them out'),
    (['--ambient', '30'], 'AMBIENT=30: does nothing with DRIVER=openvino'),
    (['--hosts', '2'], 'HOSTS=2: does nothing with DRIVER=openvino'),
    (['--cluster-size', '65'], 'CLUSTER_SIZE=65: must be a whole number'),
    (['--cluster-size='], 'CLUSTER_SIZE=: must be a whole number'),
    (['--graphs', 'people'], 'GRAPHS=people: people is built into simulated sticks; with '
                             'DRIVER=openvino use ssdlite, or the path of a file'),
    (['--graphs', 'ssdlite,faces'], 'GRAPHS=ssdlite,faces: faces is built into'),
    (['--graphs', 'res10'], 'GRAPHS=res10: res10 runs with DRIVER=simulated only; with '
                            'DRIVER=openvino use ssdlite, or'),
    (['--graphs', 'no/such.xml'], 'GRAPHS=no/such.xml: [Errno 2] No such file'),
    (['--graphs', '/dev/null'], 'GRAPHS=/dev/null: /dev/null is empty; export it again'),
])
def test_what_does_nothing_or_cannot_run_is_refused(capfd, fetched, arguments, line):
    assert refused(capfd, *OPENVINO, *arguments).startswith(f'run: {line}')
    assert fetched == []


def test_a_wrong_argument_is_told_before_anything_is_fetched(capfd, fetched):
    refused(capfd, *OPENVINO, '--seconds', 'soon')
    refused(capfd, *OPENVINO, '--cameras', '99')
    assert fetched == []


def test_a_driver_that_is_not_installed_is_told(capfd, fetched, monkeypatch):
    def check(cls):
        raise SdkMissingError('driver=openvino: it is not installed; install it')

    monkeypatch.setattr(InventedDriver, 'check_installed', classmethod(check))
    assert refused(capfd, *OPENVINO) == (
        'run: DRIVER=openvino: driver=openvino: it is not installed; install it')
    assert fetched == []


def test_what_cannot_be_fetched_is_told_in_a_line(capfd, monkeypatch, tmp_path):
    def fetch(environment, network):
        raise SetupError('network-ssdlite ended with status 1: no way; check the network')

    monkeypatch.setattr(networks, 'fetch', fetch)
    assert refused(capfd, *OPENVINO, '--out', str(tmp_path / 'out')) == (
        'run: GRAPHS=ssdlite: network-ssdlite ended with status 1: no way; check the network')
    assert not (tmp_path / 'out').exists()


def test_each_driver_has_what_it_runs_by_default():
    for driver, names in networks.DEFAULT_GRAPHS.items():
        assert names and all(driver in NETWORKS[name].drivers for name in names)


@pytest.mark.parametrize('count, driver, text', [
    (1, 'simulated', '1 simulated stick'), (5, 'simulated', '5 simulated sticks'),
    (1, 'openvino', '1 OpenVINO device'), (2, 'openvino', '2 OpenVINO devices')])
def test_sticks_are_called_by_what_they_are(count, driver, text):
    assert sticks_text(count, driver) == text


@pytest.fixture
def processor():
    """Return the RunState of a processor, which tells no temperature."""
    state = RunState(100.0)
    for now in (101.0, 102.0):
        state.take_statuses([camera_status()], now)
        state.take_statuses(
            [cluster_status((0,)), stick_status(0, 'unknown', True, inferences=7)], now)
    return state


def test_the_report_of_what_has_no_temperature(processor, tmp_path):
    made = report.make_report(processor, {
        'source': 'street.mp4', 'sticks': 'openvino', 'duration_sec': 1.0, 'stopped_by': 'me'},
        {}, ROOT)
    text = '\n'.join(summary.summary_lines(made))
    assert text.startswith('ran 1.0 s with 1 OpenVINO device on street.mp4; ')
    assert 'hottest' not in text
    chart.draw_chart(made, tmp_path / 'report.png')
    assert cv2.imread(str(tmp_path / 'report.png')).shape == (1000, 1600, 3)


def test_the_live_view_of_what_has_no_temperature(processor):
    stream = io.TextIOWrapper(io.BytesIO())
    console = console_for(stream, {'NO_COLOR': '1'})
    console.size = 90, 20
    lines = render(processor, Facts('street.mp4', 1.0, None, 102.0, 'openvino'), console)
    assert lines[0].startswith(' 1 OpenVINO device on street.mp4')
    (line,) = [line for line in lines if '▕' in line]
    assert ' active ' in line and '?' in line
