# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The nodes' processes are stopped with deadlines and leave nothing; the run stays at home."""

import contextlib
import fcntl
import os
from pathlib import Path
import signal
import socket
import subprocess
import sys
import time

from made_up_run import ROOT
from ncs_cluster_detector.checking import environment as check_environment
from ncs_cluster_detector.checking import shared_memory
from ncs_cluster_detector.checking.node_process import session_members
import psutil
import pytest
from runner import node_process
from runner.node_process import NodeProcess

PATIENCE_SEC = 20.0
STUBBORN = """
import signal, sys, time
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), signal.SIG_IGN)
print('[INFO] [1700000000.123456789] [node]: quiet', flush=True)
print('[WARN] [1700000000.123456789] [node]: loud', flush=True)
print('ready', flush=True)
time.sleep(60)
"""


def until(condition):
    """Wait until the condition holds; return its value."""
    deadline = time.monotonic() + PATIENCE_SEC
    while not (value := condition()):
        assert time.monotonic() < deadline, 'it did not happen in time'
        time.sleep(0.01)
    return value


def is_alive(pid):
    """Return whether a process runs (and is not only waiting to be reaped)."""
    try:
        return psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD)
    except psutil.NoSuchProcess:
        return False


@pytest.fixture
def start():
    """Return a function that starts a Python program as a node, and end what is left of it."""
    nodes = []

    def start_node(program, *arguments, log=None):
        node = NodeProcess('camera', [sys.executable, '-c', program, *arguments],
                           dict(os.environ), log)
        nodes.append(node)
        until(lambda: 'camera: ready' in node.last_lines)
        return node

    yield start_node
    for node in nodes:
        if node.exit_code() is None:
            node.signal(signal.SIGKILL)
            node.wait(PATIENCE_SEC)
        node.clean_up()


@pytest.mark.parametrize('deaf_to, ended_by, complaints', [
    ((), -signal.SIGINT, 0),
    (('SIGINT',), -signal.SIGTERM, 0),
    (('SIGINT', 'SIGTERM'), -signal.SIGKILL, 1)])
def test_stop_goes_as_far_as_it_must(start, monkeypatch, deaf_to, ended_by, complaints):
    """SIGINT, then SIGTERM, then SIGKILL, which is worth a complaint."""
    monkeypatch.setattr(node_process, 'STOP_STEPS', (
        (signal.SIGINT, 0.5 if 'SIGINT' in deaf_to else PATIENCE_SEC),
        (signal.SIGTERM, 0.5 if 'SIGTERM' in deaf_to else PATIENCE_SEC),
        (signal.SIGKILL, PATIENCE_SEC)))
    node = start(STUBBORN, *deaf_to)
    said = node_process.stop([node])
    assert node.exit_code() == ended_by
    assert len(said) == complaints
    assert not is_alive(node.pid)


def test_loud_lines_are_told_from_the_others(start, tmp_path):
    """Warnings are kept apart; all lines go to the log."""
    with (tmp_path / 'run.log').open('wb', buffering=0) as log:
        node = start(STUBBORN, log=log)
        assert list(node.warnings) == ['WARN camera: loud']
        assert 'camera: [INFO] [1700000000.123456789] [node]: quiet' in node.last_lines
        node_process.stop([node])
    lines = (tmp_path / 'run.log').read_text().splitlines()
    assert lines[:3] == ['[camera] [INFO] [1700000000.123456789] [node]: quiet',
                         '[camera] [WARN] [1700000000.123456789] [node]: loud', '[camera] ready']


def test_a_full_disk_does_not_stop_a_node(start):
    """When its log cannot be written, a node is still read, and one line says so."""
    with open('/dev/full', 'wb', buffering=0) as log:
        node = start(STUBBORN, log=log)
    assert 'run.log failed' in node.warnings[0]
    assert len(node.warnings) == 2


def test_workers_that_outlive_a_node_are_ended(start, monkeypatch):
    """What a node has started in its session ends with it."""
    monkeypatch.setattr(node_process, 'GROUP_PATIENCE_SEC', 0.3)
    node = start('import subprocess, time\n'
                 'subprocess.Popen(("sleep", "60"))\n'
                 'print("ready", flush=True)\n'
                 'time.sleep(60)')
    workers = [pid for pid in session_members(node.pid) if pid != node.pid]
    assert len(workers) == 1
    node.signal(signal.SIGKILL)
    said = node_process.stop([node])
    assert 'outlived' in said[0]
    assert not is_alive(workers[0])


def test_nodes_end_when_the_runner_is_killed(tmp_path):
    """A runner that gets SIGKILL cannot stop its nodes: they get SIGINT from the kernel."""
    runner = subprocess.Popen(
        [sys.executable, '-c', 'import os, sys, time\n'
         f'sys.path.insert(0, {str(ROOT / "standalone")!r})\n'
         'from runner.node_process import NodeProcess\n'
         'node = NodeProcess("camera", ["/bin/sleep", "60"], dict(os.environ), None)\n'
         'print(node.pid, flush=True)\ntime.sleep(60)'], stdout=subprocess.PIPE, text=True)
    with runner:
        node = int(runner.stdout.readline())
        until(lambda: psutil.Process(node).name() == 'sleep')
        runner.kill()
    until(lambda: not is_alive(node))


@pytest.mark.parametrize('profile', [check_environment.LOOPBACK_PROFILE, None])
def test_everything_stays_on_this_machine(profile):
    """What would lead the traffic elsewhere is taken out of the environment."""
    theirs = dict.fromkeys(check_environment.PROFILE_VARIABLES, '/their/own.xml')
    environment = check_environment.loopback_environment({
        'HOME': '/home/somebody', 'ROS_DOMAIN_ID': '0', 'ROS_STATIC_PEERS': '192.0.2.7',
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'SUBNET', 'FASTDDS_BUILTIN_TRANSPORTS': 'UDPv4',
        'ROS_DISCOVERY_SERVER': '192.0.2.7:11811', 'ROS_LOG_DIR': '/var/log/ros', **theirs},
        42, profile)
    assert environment['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert environment['ROS_DOMAIN_ID'] == '42'
    assert environment['HOME'] == '/home/somebody'
    assert environment['ROS_LOG_DIR'] == '/var/log/ros'
    assert '192.0.2.7' not in ' '.join(environment.values())
    assert 'FASTDDS_BUILTIN_TRANSPORTS' not in environment
    used = {environment.get(name) for name in check_environment.PROFILE_VARIABLES}
    assert used == {profile and str(profile)}


def test_the_profile_of_a_run_stays_on_this_machine():
    """Its only network is the loopback interface."""
    profile = check_environment.LOOPBACK_PROFILE.read_text()
    assert profile.count('<type>UDP') == 1
    assert '<address>127.0.0.1</address>' in profile
    assert '<useBuiltinTransports>false</useBuiltinTransports>' in profile


def test_a_domain_in_use_is_passed_over():
    """The run takes a domain whose first port nobody has, from 1 to 101, and nobody gets it."""
    first = check_environment.claim_domain(4711)
    second = check_environment.claim_domain(first - 1)
    assert 1 <= first <= 101 and 1 <= second <= 101 and second != first
    for domain in (first, second):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as somebody, \
                pytest.raises(OSError, match='in use'):
            somebody.bind(('127.0.0.1', 7400 + 250 * domain + 10))


def test_only_dead_shared_memory_of_the_run_is_removed(monkeypatch):
    """What was there before, and what somebody still uses, stays."""
    folder = Path('/dev/shm')
    kinds = ('old', 'port', 'locked', 'locked_el', 'shared', 'shared_sl',
             'dead', 'mapped', 'looked_at', 'looked_at_el')
    names = {kind: f'fastrtps_test_{os.getpid()}_{kind}' for kind in kinds}
    names['port'] = f'fastrtps_port_test_{os.getpid()}'
    names['semaphore'] = f'sem.{names["port"]}_mutex'
    listings = iter([{names['old']}, set(names.values())])
    monkeypatch.setattr(shared_memory, 'shared_memory_names', lambda: next(listings))
    for name in names.values():
        (folder / name).write_bytes(b'x')
    # A segment that another process has open or mapped is dead without its lock, a port is not.
    with (folder / names['port']).open('rb') as port, \
            (folder / names['mapped']).open('rb') as mapped:
        holder = subprocess.Popen(['sleep', '60'], stdin=port, pass_fds=[mapped.fileno()])
    try:
        with contextlib.ExitStack() as stack:
            for kind, lock in (('locked_el', fcntl.LOCK_EX), ('shared_sl', fcntl.LOCK_SH),
                               ('looked_at_el', fcntl.LOCK_SH)):   # as another cleaner does
                file = stack.enter_context((folder / names[kind]).open('rb'))
                fcntl.flock(file, lock)
            with shared_memory.clean_shared_memory():
                pass
        left = {kind for kind, name in names.items() if (folder / name).exists()}
        assert left == {'old', 'port', 'semaphore', 'locked', 'locked_el', 'shared', 'shared_sl'}
    finally:
        holder.kill()
        holder.wait()
        for name in names.values():
            (folder / name).unlink(missing_ok=True)
