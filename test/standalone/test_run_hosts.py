# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A run with its sticks on several hosts: how it starts, what it shows, and its report."""

import re

import cv2
from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import host_status
from made_up_run import made_up_state
from made_up_run import ROOT
from made_up_run import stick_status
from ncs_cluster_detector.ros.environment import LOOPBACK_PROFILE
from ncs_cluster_detector.ros.environment import transport_choice
import pytest
from rich.cells import cell_len
from runner import arguments as run_arguments
from runner import nodes
from runner.names import HOST_NAMES
from runner.names import node_names
from runner.report import chart
from runner.report import report
from runner.report import summary
from runner.state import RunState
from runner.view.live_view import plain_line
from runner.view.live_view import ports_line
from test_run_cameras import parameters_of   # noqa: I100 (they are read in this order)
from test_run_report import FACTS as REPORT_FACTS
from test_run_view import drawn
from test_run_view import FACTS

THREE = HOST_NAMES[:3]


def commands_of(*words):
    """Return the commands of all nodes for such arguments."""
    return nodes.node_commands(run_arguments.parse(words))


@pytest.mark.parametrize('count', range(1, len(HOST_NAMES) + 1))
def test_each_host_is_a_stick_server_in_the_namespace_of_its_name(count):
    commands = commands_of('--hosts', str(count))
    hosts = HOST_NAMES[:count]
    assert tuple(commands) == node_names((), hosts)
    for host in hosts:
        command = commands[f'{host}/stick_server']
        assert command[0] == str(nodes.EXECUTABLES / 'stick_server')
        # Lists of processes show only the beginning of a command.
        assert command[1:4] == ['--ros-args', '-r', f'__ns:=/{host}']
        assert command[command.index('--params-file') + 1] == str(
            ROOT / 'config' / 'stick_server.yaml')
        given = parameters_of(command)
        assert given.pop('__ns') == f'/{host}'
        assert given == {
            'driver': '"simulated"', 'simulated.sticks': '3', 'diagnostic_updater.use_fqn': 'true',
            'simulated.time_constant_sec': '20.0'}
    detector = parameters_of(commands['detector'])
    assert detector['local_sticks'] == 'false'
    assert detector['remote_hosts'] == '[' + ', '.join(f'"{host}"' for host in hosts) + ']'
    assert {name: value for name, value in detector.items() if name.startswith('simulated.')} == {
        'simulated.sticks': '0'}
    assert detector['cluster_size'] == str(max(count, 2))


def test_what_is_asked_for_reaches_the_nodes_that_it_concerns():
    """The networks reach all nodes with sticks or results; the sticks are those of each host."""
    commands = commands_of(
        '--hosts', '2', '--sticks', '4', '--cluster-size', '8', '--cameras', '2',
        '--ambient', '45', '--graphs', 'people,faces')
    assert tuple(commands) == (
        'front/camera', 'rear/camera', 'pi1/stick_server', 'pi2/stick_server', 'detector')
    for host in ('pi1', 'pi2'):
        given = parameters_of(commands[f'{host}/stick_server'])
        assert given['graph_paths'] == '["people", "faces"]'
        assert given['simulated.sticks'] == '4'
        assert given['simulated.ambient_celsius'] == '45.0'
        assert not {'cluster_size', 'cameras', 'cluster_switch_cycle_ms'} & set(given)
    detector = parameters_of(commands['detector'])
    assert detector['graph_paths'] == '["people", "faces"]'
    assert detector['cluster_size'] == '8'
    assert detector['cameras'] == '["front", "rear"]'


def test_without_hosts_nothing_of_them_reaches_a_node():
    commands = commands_of()
    assert list(commands) == ['camera', 'detector']
    assert not {'remote_hosts', 'local_sticks', 'diagnostic_updater.use_fqn'} & set(
        parameters_of(commands['detector']))


@pytest.mark.parametrize('words, choice', [
    (['--hosts', '2'], f'FASTRTPS_DEFAULT_PROFILES_FILE={LOOPBACK_PROFILE}'),
    (['--fastdds-profile', 'none'], ''),
    (['--hosts', '2', '--fastdds-profile', 'none'], 'FASTDDS_BUILTIN_TRANSPORTS=DEFAULT')])
def test_no_node_takes_the_transport_for_networks(words, choice, tmp_path, monkeypatch):
    """A detector with other hosts would, where the environment chooses none."""
    monkeypatch.chdir(tmp_path)   # a file in the current folder chooses, too
    found = nodes.environment_for(
        run_arguments.parse(words), {'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4'}, 7)
    assert transport_choice(found) == choice
    assert found['ROS_DOMAIN_ID'] == '7'
    assert found['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'


def test_all_nodes_are_up_when_each_host_serves_and_a_stick_runs():
    state = RunState(100.0, (), THREE[:2])
    state.take_statuses([camera_status()], 101.0)
    free = [host_status('pi1'), host_status('pi2', 'FREE', 1)]
    state.take_statuses([cluster_status(), *free, stick_status(0, 30.0, host='pi1')], 102.0)
    assert state.up_at is None
    both = [host_status('pi1'), host_status('pi2')]
    state.take_statuses([cluster_status(), *both, stick_status(
        0, 'unknown', state='STARTING', host='pi1')], 103.0)
    assert state.up_at is None
    state.take_statuses([cluster_status(), *both, stick_status(0, 30.0, host='pi1')], 104.0)
    assert state.up_at == 104.0


def test_a_line_of_the_table_begins_with_the_stick_and_its_host():
    """In a usual terminal, with every figure, and room for complaints."""
    lines = drawn(made_up_state(9, hosts=THREE))
    assert len(lines) <= 20
    table = [line for line in lines if '▕' in line]
    assert [line.split()[:2] for line in table] == [
        [str(number), f'{THREE[number % 3]}/1.{number + 1}'] for number in range(9)]
    assert all(line.endswith('36 %          20') for line in table)
    assert lines[0].startswith(' 9 simulated sticks of 3 hosts on ')


@pytest.mark.parametrize('columns', [79, 80, 120])
def test_each_host_has_its_active_sticks_counted(columns):
    """Sticks 1 and 3 are active, those of pi2 and of pi1."""
    lines = drawn(made_up_state(4, hosts=THREE), columns)
    assert ' pi1 1 of 2 active   pi2 1 of 1 active   pi3 0 of 1 active' in lines


@pytest.mark.parametrize('state, level, colour', [
    ('SILENT', 2, '31'), ('TAKEN', 1, '33'), ('NEVER_HEARD', 2, '31')])
def test_a_host_that_does_not_serve_has_its_state_in_colour(state, level, colour):
    run = made_up_state(3, hosts=THREE)
    run.take_statuses([cluster_status(level=1, message='host pi2 is not heard'), host_status(
        'pi1'), host_status('pi2', state, level), stick_status(0, 30.0, True, host='pi1')], 106.0)
    text = '\n'.join(drawn(run, colour=True))
    assert re.search(rf'pi2 \S*\033\[{colour}m{state}\033', text)
    assert 'detector: host pi2 is not heard' in text
    plain = plain_line(run, FACTS)
    assert f'pi1 1 of 1 active  pi2 {state}  pi3 ?  switches' in plain
    assert plain.endswith('  WARN host pi2 is not heard')


def test_a_stick_of_a_lost_host_needs_no_hand_and_an_unplugged_one_does():
    run = made_up_state(2, hosts=THREE[:2])
    run.take_statuses([cluster_status(), host_status('pi1'), host_status('pi2', 'SILENT', 2), *(
        stick_status(number, 'unknown', state='ABSENT', host=THREE[number])
        for number in (0, 1))], 106.0)
    unplugged, lost = [line for line in drawn(run) if '▕' in line]
    assert ' ABSENT: plug it in ' in unplugged
    assert ' ABSENT with its host ' in lost


@pytest.mark.parametrize('encoding', ['utf-8', 'ascii'])
@pytest.mark.parametrize('sticks', [0, 3, 24, 64])
@pytest.mark.parametrize('count', [1, 3, 8])
@pytest.mark.parametrize('cameras', [(), ('front', 'rear')])
@pytest.mark.parametrize('size', [
    (20, 4), (24, 14), (40, 10), (60, 24), (80, 10), (80, 24), (132, 50)])
def test_hosts_fit_the_terminal(size, cameras, count, sticks, encoding):
    columns, rows = size
    state = made_up_state(sticks, cameras=cameras, hosts=HOST_NAMES[:count])
    lines = drawn(state, columns, rows, encoding=encoding)
    assert len(lines) <= rows - 1
    assert max(map(cell_len, lines)) <= columns


def test_the_port_of_a_stick_stands_behind_its_host():
    assert ports_line(made_up_state(3, hosts=THREE[:2])) == (
        'sticks and their USB ports: 0=pi1/1.1 1=pi2/1.2 2=pi1/1.3')


@pytest.fixture
def made():
    """Return the report of a made-up run with five sticks on three hosts, one of them lost."""
    state = made_up_state(5, hosts=THREE)
    state.take_statuses([cluster_status((0,)), host_status('pi1'), host_status('pi2'), host_status(
        'pi3', 'SILENT', 2), *(stick_status(
            number, 30.0, inferences=50, host=THREE[number]) for number in (0, 1))], 106.0)
    return report.make_report(state, REPORT_FACTS, {}, ROOT)


def test_the_report_has_each_host_with_its_sticks(made):
    """Each was seen with 20 inferences, two of them with 50 in the end."""
    assert [(host['name'], host['sticks'], host['inferences']) for host in made['hosts']] == [
        ('pi1', [0, 3], 70), ('pi2', [1, 4], 70), ('pi3', [2], 20)]
    assert made['hosts'][2]['state'] == ['SERVES'] * 3 + ['SILENT']
    assert made['hosts'][2]['time_sec'] == [2.0, 3.0, 4.0, 6.0]
    assert [stick['device_name'] for stick in made['sticks']] == [
        f'{THREE[number % 3]}/1.{number + 1}-ma2450' for number in range(5)]


def test_the_last_lines_name_each_host(made):
    lines = summary.summary_lines(made)
    assert lines[0].startswith('ran 3.0 s with 5 simulated sticks of 3 hosts on ')
    assert 'pi1: sticks 0, 3 with 70 inferences' in lines
    assert 'pi3: stick 2 with 20 inferences' in lines


def test_a_host_that_never_came_has_a_line_too():
    state = RunState(100.0, (), ['pi1'])
    lines = summary.summary_lines(report.make_report(state, REPORT_FACTS, {}, ROOT))
    assert lines[0].endswith('before all nodes were up')
    assert 'pi1: no stick of it was seen' in lines


def test_without_hosts_the_report_does_not_speak_of_them():
    made = report.make_report(made_up_state(), REPORT_FACTS, {}, ROOT)
    assert 'hosts' not in made
    assert 'host' not in '\n'.join(summary.summary_lines(made))


@pytest.mark.parametrize('sticks', [5, 40])
def test_the_chart_names_the_host_of_each_stick(sticks, tmp_path, monkeypatch):
    figures = []
    state = made_up_state(sticks, hosts=HOST_NAMES)
    made = report.make_report(state, REPORT_FACTS, {}, ROOT)
    chart.draw_chart(made, tmp_path / 'report.png')
    assert cv2.imread(str(tmp_path / 'report.png')).shape == (1000, 1600, 3)
    monkeypatch.setattr('matplotlib.figure.Figure.savefig', lambda *all: figures.append(all[0]))
    chart.draw_chart(made, tmp_path / 'report.png')
    temperatures, bars, _ = figures[0].axes
    names = [f'{HOST_NAMES[number % 8]} stick {number}' for number in range(sticks)]
    assert [line.get_label() for line in temperatures.get_lines()][:sticks] == names
    assert [text.get_text() for text in bars.get_yticklabels()] == names[::1 + (sticks - 1) // 24]
    assert ' sticks of 8 hosts on ' in figures[0].get_suptitle()
