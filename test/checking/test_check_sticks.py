# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The whole command, what ends it before its time, and its report."""

import json
import os
import re
import signal

from fake_usb.client import build_library
from fake_usb.client import compiler
from fake_usb.client import FakeBus
from ncs_cluster_detector.checking.arguments import parse
from ncs_cluster_detector.checking.environment import CannotRunError
from ncs_cluster_detector.checking.node_process import session_members
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.planning.fitting.recording import read_recording
from ncs_cluster_detector.ros.environment import LOOPBACK_PROFILE
from ncs_cluster_detector.simulation.networks.graphs import LABEL_COUNTS
from ncs_cluster_detector.simulation.networks.loading import HOST_DETECTORS
import psutil
import pytest

PATIENCE_SEC = 100.0
MUST_BE_OK = {'all sticks run', 'all sticks run again', 'its workers end with it',
              'no stick fails by itself', 'exit code, processes left'}
# Slow ones: they leave the machine time for what else it does.
STICKS = ('--driver', 'simulated', '--graph', 'shapes', '-p', 'simulated.sticks:=2',
          '-p', 'simulated.inference_ms:=150.0', '-p', 'simulated.boot_ms:=50.0')
FIRMWARE = b'MVCM' + (64).to_bytes(4, 'little') + bytes(56)   # a dummy: only its length counts


def processes_of(folder):
    """Return the ids of the processes with this folder in their command line."""
    return [process.pid for process in psutil.process_iter(['cmdline'])
            if str(folder) in ' '.join(process.info['cmdline'] or ())]


def test_a_dry_run(start, tmp_path):
    """All steps but unplugging, in half a minute."""
    out = tmp_path / 'out'
    command = start(*STICKS, '--quick', '--no-hands', '--minutes-of-heat', '0.1',
                    '--out', str(out))
    output, errors = command.communicate(timeout=PATIENCE_SEC)
    report = json.loads((out / 'report.json').read_text())
    bad = [verdict for verdict in report['verdicts'] if verdict['outcome'] == 'not ok']
    # How fast all of it is depends on what else the machine does.
    for verdict in bad:
        assert verdict['what'] not in MUST_BE_OK, output + errors
        assert verdict['seen'] != 'it did not happen', output + errors
    assert MUST_BE_OK <= {verdict['what'] for verdict in report['verdicts']}, output + errors
    assert command.returncode == bool(bad)
    assert report['run']['ended'] == 'at its end'
    steps = report['steps']
    assert set(steps) == {'start', 'rates', 'kill a worker', 'kill the node', 'heat', 'unplug',
                          'end'}
    assert [row['cluster_size'] for row in steps['rates']['sizes']] == [1, 2]
    assert all(0 < row['cpu_busy'] <= 1 for row in steps['rates']['sizes'])
    assert all(kill['back_sec'] for kill in steps['kill a worker']['kills'])
    assert [kill['stick'] for kill in steps['kill a worker']['kills']] == [0, 1]
    assert steps['end']['exit_code'] == 0
    assert [stick['device_name'] for stick in report['run']['sticks']] == [
        '1.1-ma2450', '1.2-ma2450']
    assert len(read_recording(out / 'report.json').series) == 2
    assert (out / 'report.txt').read_text().strip() in output
    assert (out / 'node.log').read_text().count('=== node started ===') == 2
    rows = (out / 'temperatures.csv').read_text().splitlines()
    assert rows[0].startswith('time_sec,step,stick,port,state')
    assert any(',heat,1,1.2,RUNNING,' in row for row in rows)
    assert not processes_of(out)


@pytest.fixture(scope='module')
def fake_stick_files(tmp_path_factory):
    """Return a folder with the fake libusb, a graph, and a firmware; skip without a compiler."""
    if compiler() is None:
        pytest.skip('needs a C compiler')
    folder = tmp_path_factory.mktemp('files')
    build_library(folder)
    (folder / 'dummy.graph').write_bytes(bytes(1_000_000))
    (folder / 'own.mvcmd').write_bytes(FIRMWARE)
    return folder


def test_sticks_without_the_sdk(start, fake_stick_files, tmp_path):
    """A firmware and the USB library are what the report names, and nothing of the SDK."""
    firmware = fake_stick_files / 'own.mvcmd'
    with FakeBus('--ports', '1.1,1.2') as bus:
        libraries = filter(None, (str(fake_stick_files), os.environ.get('LD_LIBRARY_PATH')))
        command = start(
            '--driver', 'xlink', '--graph', str(fake_stick_files / 'dummy.graph'),
            '-p', f'firmware:={firmware}', '--quick', '--no-hands', '--minutes-of-heat', '0.1',
            '--out', str(tmp_path),
            environment={**bus.environment, 'LD_LIBRARY_PATH': os.pathsep.join(libraries)})
        output, errors = command.communicate(timeout=PATIENCE_SEC)
        assert all(stick.boots for stick in bus.sticks().values())
    report = json.loads((tmp_path / 'report.json').read_text())
    bad = [verdict for verdict in report['verdicts'] if verdict['outcome'] == 'not ok']
    for verdict in bad:   # how fast it is depends on what else the machine does
        assert verdict['what'] not in MUST_BE_OK - {'no stick fails by itself'}, output + errors
        assert verdict['seen'] != 'it did not happen', output + errors
    assert report['run']['ended'] == 'at its end', output + errors
    facts = report['facts']
    assert facts['sdk'] is None
    assert [(file['path'], file['bytes']) for file in facts['firmware']] == [
        (str(firmware), len(FIRMWARE))]
    assert facts['usb_library'] == {'libusb_version': '1.0.27.0'}
    assert 'from the first stick that is ready to the last' in output
    assert 'longest start' not in output   # they start together
    text = ' '.join((tmp_path / 'report.txt').read_text().split())
    assert f'firmware: {firmware}, 64 bytes, sha256 ' in text
    assert 'libusb 1.0.27.0' in text
    assert not re.search('NCSDK|mvnc', output + text)


def test_a_firmware_that_is_missing_is_said_in_one_line(start, tmp_path):
    (tmp_path / 'graph').write_bytes(b'any')
    command = start('--driver', 'xlink', '--graph', str(tmp_path / 'graph'),
                    '-p', 'firmware:=/no/such/file', '--out', str(tmp_path))
    _, errors = command.communicate(timeout=PATIENCE_SEC)
    assert command.returncode == 2
    assert errors.startswith("check_sticks: firmware='/no/such/file': the sticks' firmware is not")
    assert len(errors.splitlines()) == 1
    assert 'firmware: NONE that can be read' in (tmp_path / 'report.txt').read_text()


def test_ctrl_c_ends_the_node_in_order_and_writes_the_report(start, tmp_path):
    command = start(*STICKS, '--no-hands', '--out', str(tmp_path))
    for line in command.stdout:
        if line.startswith('[2/'):
            break
    os.killpg(command.pid, signal.SIGINT)
    os.killpg(command.pid, signal.SIGINT)   # make and the terminal pass the same one on
    output, errors = command.communicate(timeout=PATIENCE_SEC)
    assert command.returncode == 1
    assert 'Traceback' not in output + errors
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['run']['ended'] == 'stopped by SIGINT'
    assert report['steps']['end']['exit_code'] == 0
    assert report['steps']['end']['processes_left'] == 0
    outcomes = {(verdict['step'], verdict['what']): verdict['outcome']
                for verdict in report['verdicts']}
    assert outcomes['start', 'all sticks run'] == 'ok'
    assert outcomes['end', 'exit code, processes left'] == 'ok'
    assert [step for (step, _), outcome in outcomes.items() if outcome == 'skipped'] == [
        'rates', 'kill a worker', 'kill the node', 'heat', 'unplug']
    assert 'stopped by SIGINT' in (tmp_path / 'report.txt').read_text()
    assert not session_members(command.pid)


def test_with_a_graph_that_is_none_it_cannot_run(start, tmp_path):
    (tmp_path / 'none.onnx').write_bytes(b'no network')
    command = start('--driver', 'simulated', '--graph', str(tmp_path / 'none.onnx'),
                    '--out', str(tmp_path))
    _, errors = command.communicate(timeout=PATIENCE_SEC)
    assert command.returncode == 2
    assert errors.startswith('check_sticks: ')
    assert 'none.onnx' in errors
    assert len(errors.splitlines()) == 1
    text = (tmp_path / 'report.txt').read_text()
    assert text.startswith('check_sticks: it could not run')
    assert 'NOT OK start: a stick runs: graph_paths' in ' '.join(text.split())


@pytest.mark.parametrize('arguments, expected', [
    ([], 'no graph; name the network'),
    (['--graph', '/no/such/graph'], '--graph /no/such/graph: No such file'),
    (['--driver', 'simulated', '--graph', 'nope'], 'read, or one of people, faces, shapes'),
    (['--driver', 'usb'], 'invalid choice'),
    (['--driver', 'simulated', '-p', 'cluster_size'], 'expected name:=value'),
    (['--driver', 'simulated', '--minutes-of-heat', '-1'], 'expected 0 to'),
    (['--driver', 'simulated', '--mvnc', '/no/such/folder'], "no folder 'mvnc'")])
def test_what_is_wrong_is_said_in_one_line(arguments, expected):
    with pytest.raises(CannotRunError) as error:
        parse(arguments)
    assert expected in str(error.value)
    assert '\n' not in str(error.value)


def test_the_built_in_graphs_are_those_of_the_simulated_sticks():
    assert set(SimulatedDriver.built_in_graphs) == set(HOST_DETECTORS) == set(LABEL_COUNTS)


def test_an_empty_graph_is_refused(tmp_path):
    (tmp_path / 'graph').touch()
    with pytest.raises(CannotRunError, match='the file is empty'):
        parse(['--graph', str(tmp_path / 'graph')])


def test_defaults():
    options = parse(['--driver', 'simulated'])
    assert (options.graph, options.minutes_of_heat, options.with_hands) == (None, 3.0, True)
    assert options.out.name.startswith('check-sticks-20')


def test_the_traffic_stays_on_this_machine():
    """The only network that the profile names is the loopback interface."""
    profile = LOOPBACK_PROFILE.read_text()
    assert profile.count('<address>') == 1
    assert '<address>127.0.0.1</address>' in profile
    assert '<useBuiltinTransports>false</useBuiltinTransports>' in profile
