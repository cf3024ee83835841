# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The command that does something to a stick of a running program."""

import subprocess
import sys

from blocking_calls import LIMIT_SEC
from ncs_cluster_detector.simulation.bus.running_buses import running_buses
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.faults import __main__ as faults
from ncs_cluster_detector.simulation.faults.fault_words import FAULTS
from other_process import OtherProcess
import pytest


@pytest.fixture
def maker():
    """Return a process that has made a bus with three sticks."""
    with OtherProcess() as process:
        process.do('bus = SimulatedBus(mvncapi.BusSpec(sticks=3, boot_ms=0.0))')
        yield process


@pytest.fixture
def bus(maker):
    """Return the bus of that process."""
    return SimulatedBus.attach(maker.do('bus.path'))


def run(maker, *words):
    """Run the command on a process's bus."""
    faults.main([*words, '--pid', str(maker.pid)])


def refusal(capsys, *words):
    """Return the one line with which the command refuses, which goes to stderr with code 2."""
    with pytest.raises(SystemExit) as caught:
        faults.main([*words])
    assert caught.value.code == 2
    printed, complaint = capsys.readouterr()
    assert printed == ''
    assert complaint.count('\n') == 1
    assert complaint.startswith('python -m ncs_cluster_detector.simulation.faults: ')
    return complaint


def test_the_list_shows_process_sticks_temperatures_and_faults(maker, bus, capsys):
    for words in ('1.2 heat 80', '1.2 hang read', '1.3 unplug', '1.9 plug'):
        run(maker, *words.split())
    with OtherProcess(bus) as other:
        other.do('device = devices()["1.1-ma2450"]')
        other.do('device.open()')
        run(maker)
        pid, *sticks = capsys.readouterr().out.splitlines()
        assert pid.startswith(f'pid {maker.pid}: ')
        assert [line.split() for line in sticks] == [
            ['1.1', 'open', 'in', str(other.pid), '30.0', 'C'],
            ['1.2', 'free', '80.0', 'C', 'hang', 'read,', 'heat', '80'],
            ['1.3', 'unplugged'],
            ['1.9', 'free', '30.0', 'C']]
        # The process that has joined the bus will do to name it.
        run(other)
        assert capsys.readouterr().out.startswith(f'pid {maker.pid}: ')
        other.kill()
    for word in ('mute', 'no-usb-reset'):
        run(maker, '1.1', word)
    run(maker)
    (left,) = [line for line in capsys.readouterr().out.splitlines() if '1.1 ' in line]
    assert left.split() == ['1.1', 'left', 'booted', '30.0', 'C', 'mute,', 'no-usb-reset']


def test_a_process_of_its_own_does_it(maker, bus):
    command = [sys.executable, '-m', 'ncs_cluster_detector.simulation.faults',
               '--pid', str(maker.pid)]
    subprocess.run([*command, '1.3', 'slow', '3'], check=True, timeout=LIMIT_SEC)
    listed = subprocess.run(command, check=True, timeout=LIMIT_SEC, stdout=subprocess.PIPE)
    assert b'slow 3' in listed.stdout
    assert bus.port('1.3').state().faults.slow == 3.0


def see_only(monkeypatch, *processes):
    """Have the command see the buses of these processes alone, whatever runs on this machine."""
    pids = {process.pid for process in processes}
    monkeypatch.setattr(faults, 'running_buses', lambda pid=None: [
        running for running in running_buses(pid) if running.pid in pids])


def test_a_bus_is_listed_once_and_of_several_one_must_be_chosen(maker, bus, capsys, monkeypatch):
    maker.do('joined = SimulatedBus.attach(bus.path)')
    run(maker)
    assert capsys.readouterr().out.count('pid ') == 1
    with OtherProcess() as second:
        second.do('bus = SimulatedBus(mvncapi.BusSpec(sticks=1))')
        see_only(monkeypatch, maker, second)
        complaint = refusal(capsys, '1.1', 'unplug')
        assert 'simulated buses' in complaint
        assert str(maker.pid) in complaint
        assert str(second.pid) in complaint
        faults.main([])
        printed = capsys.readouterr().out
        # Each stick is named with all that a fault needs to find it, and to leave others alone.
        newest, other = printed.index(f'pid {second.pid}'), printed.index(f'pid {maker.pid}')
        assert newest < other
        assert f'pid {second.pid}, the newest' in printed
        assert f'pid {maker.pid}, another program' in printed
        assert f'\n  --pid {second.pid} 1.1 ' in printed
        assert f'\n  --pid {maker.pid} 1.1 ' in printed
        assert f'--pid {second.pid} is the newest' in complaint
        assert f'--pid {maker.pid} is another program' in complaint


def test_the_run_of_a_bus_is_known_by_its_domain(monkeypatch, capsys):
    monkeypatch.setenv('ROS_DOMAIN_ID', '57')
    with OtherProcess() as one, OtherProcess() as two:
        for process in (one, two):
            process.do('bus = SimulatedBus(mvncapi.BusSpec(sticks=1))')
        see_only(monkeypatch, one, two)
        faults.main([])
        printed = capsys.readouterr().out
        assert f'pid {two.pid}, the newest (ROS_DOMAIN_ID=57): ' in printed
        assert f'pid {one.pid}, another program (ROS_DOMAIN_ID=57): ' in printed
        run(one)
        assert capsys.readouterr().out.startswith(f'pid {one.pid}: ')


@pytest.mark.parametrize('words, expected', [
    (['1.1'], 'no fault is given; name one of unplug, plug'),
    (['2', 'unplug'], 'use 1.1, 1.2 ... 1.64'),
    (['1.1', 'explode'], 'expected one of unplug'), (['1.1', 'plug'], 'unplug its stick first'),
    (['1.7', 'hang', 'read'], 'plug a stick in first'),
    (['1.1', 'hang', 'reed'], 'expected one of enumerate'), (['--list'], 'see --help')])
def test_a_wrong_command_is_refused_with_a_remedy(maker, capsys, words, expected):
    assert expected in refusal(capsys, *words, '--pid', str(maker.pid))


def test_a_process_without_sticks_is_refused(capsys):
    assert 'no simulated sticks in process 1;' in refusal(capsys, '--pid', '1')


def test_the_help_names_all_faults(capsys):
    with pytest.raises(SystemExit) as caught:
        faults.main(['--help'])
    assert caught.value.code == 0
    printed = capsys.readouterr().out
    assert all(usage in printed for usage in FAULTS)
