# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Hosts in namespaces: what each has of its own, their links, and that nothing stays behind."""

import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from blocking_calls import wait_until
from network_hosts import fake_clock_library
from network_hosts import FAKE_CLOCK_VARIABLE
from network_hosts import NetworkHosts
from network_hosts import UnavailableError
from network_hosts import why_no_hosts
import psutil
import pytest

HELPERS = Path(__file__).resolve().parents[1] / 'helpers'
PORT, GROUP = 9000, '239.255.0.1'
# What the small programs in hosts begin with; ``print`` reaches the log at once.
PRELUDE = f"""
import functools, json, os, socket, struct, sys, time
print = functools.partial(print, flush=True)
PORT, GROUP = {PORT}, {GROUP!r}
"""
RECEIVE = """
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1_000_000)
receiver.bind(('', PORT))
receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, struct.pack(
    '4s4s', socket.inet_aton(GROUP), socket.inet_aton('0.0.0.0')))
receiver.settimeout(20)
print('listening')
count = 0
"""
COUNT_UNTIL_END = RECEIVE + """
while receiver.recv(2000) != b'end':
    count += 1
print('received', count)
"""
SEND = """
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
"""
# The end is said until it is heard, for it may be lost as well.
SEND_MANY = SEND + """
for _ in range({count}):
    sender.sendto(bytes({size}), ({to!r}, PORT))
    time.sleep(0.0002)
for _ in range(50):
    sender.sendto(b'end', ({to!r}, PORT))
    time.sleep(0.01)
"""


def program(text):
    """Return the command of a small Python program."""
    return [sys.executable, '-I', '-S', '-c', PRELUDE + text]


def answer(hosts, host, expression, folder):
    """Return what a Python expression gives in a host."""
    log = folder / f'answer{time.monotonic_ns()}'
    process = hosts.start(host, program(f'print(json.dumps({expression}))'), log)
    assert process.wait() == 0, process.text()
    return json.loads(process.text())


def is_heard(hosts, sender, receiver, folder):
    """Tell whether a datagram of one host arrives at another, before one that is sent later."""
    log = folder / f'heard{time.monotonic_ns()}'
    listening = hosts.start(receiver, program(RECEIVE + 'print(receiver.recv(9))'), log)
    listening.wait_for_line('listening')
    for host, address, content in ((sender, hosts.address(receiver), b'x'),
                                   (receiver, '127.0.0.1', b'end')):
        sending = hosts.start(host, program(SEND + (
            f'for _ in range(5):\n    sender.sendto({content!r}, ({address!r}, PORT))\n'
            '    time.sleep(0.02)\n')), folder / 'sender')
        assert sending.wait() == 0, sending.text()
    assert listening.wait() == 0, listening.text()
    return "b'x'" in listening.text()


def test_each_host_has_its_own_name_network_processes_and_shared_memory(network_hosts, tmp_path):
    hosts = network_hosts(3)
    for host, name in enumerate(('h0', 'h1', 'h2')):
        own = answer(hosts, host, '[socket.gethostname(), os.getcwd(), os.listdir("/dev/shm")]',
                     tmp_path)
        assert own == [name, os.getcwd(), []]
        interfaces = answer(
            hosts, host, 'sorted(name for _, name in socket.if_nameindex())', tmp_path)
        assert interfaces == ['eth0', 'lo']
        answer(hosts, host, 'open("/dev/shm/mine", "w").close()', tmp_path)
        numbers = answer(hosts, host, '[int(n) for n in os.listdir("/proc") if n.isdigit()]',
                         tmp_path)
        assert len(numbers) == 2 and min(numbers) == 1   # its first process and the asking one
    assert not Path('/dev/shm/mine').exists()


def test_the_machines_own_network_stays_as_it_is(network_hosts):
    before = Path('/proc/net/dev').read_text().count(':')
    network_hosts(3)
    assert Path('/proc/net/dev').read_text().count(':') == before


def test_a_multicast_reaches_all_other_hosts(network_hosts, tmp_path):
    hosts = network_hosts(4)
    listening = [hosts.start(host, program(RECEIVE + 'print(receiver.recvfrom(9))'),
                             tmp_path / str(host)) for host in (0, 1, 3)]
    for process in listening:
        process.wait_for_line('listening')
    hosts.start(2, program(f"{SEND}sender.sendto(b'hello', (GROUP, PORT))"), tmp_path / '2')
    for process in listening:
        assert process.wait() == 0
        assert "(b'hello', ('10.9.0.3'," in process.text()


def test_clocks_are_a_hosts_own(network_hosts, tmp_path):
    hosts = network_hosts(2, monotonic_sec=(0, 5000))
    for host, ahead_sec in enumerate((0, 5000)):
        for _ in range(2):
            begin = time.monotonic()
            shown = answer(hosts, host, 'time.monotonic()', tmp_path)
            assert begin <= shown - ahead_sec <= time.monotonic()
            hosts.reboot(host)   # its clock is ahead as before


def test_a_wall_clock_is_a_hosts_own(network_hosts, tmp_path):
    hosts = network_hosts(2, wall_sec=(0, -3600))
    for host, ahead_sec in enumerate((0, -3600)):
        begin, began = time.time(), time.monotonic()
        shown, passed = answer(hosts, host, '[time.time(), time.monotonic()]', tmp_path)
        assert begin - 0.01 <= shown - ahead_sec <= time.time() + 0.01
        assert began <= passed <= time.monotonic()


def test_a_wall_clock_without_its_library_is_refused_by_name(monkeypatch):
    if why_no_hosts():
        pytest.skip(why_no_hosts())
    monkeypatch.setattr('network_hosts.FAKE_CLOCKS', ())
    monkeypatch.setenv(FAKE_CLOCK_VARIABLE, '/nowhere')
    assert fake_clock_library() == ''
    with pytest.raises(UnavailableError, match='need libfaketime'), NetworkHosts(1, wall_sec=[1]):
        pass


@pytest.mark.parametrize('slow', [0, 1])
def test_a_rate_limits_both_directions_of_a_link(network_hosts, tmp_path, slow):
    hosts = network_hosts(2)
    serve = ("server = socket.create_server(('', PORT))\nprint('serving')\nwhile True:\n"
             '    peer = server.accept()[0]\n    while peer.recv(65536):\n        pass\n'
             "    peer.send(b'.')\n")
    hosts.start(1, program(serve), tmp_path / 'server').wait_for_line('serving')
    send = ("(peer := socket.create_connection(('10.9.0.2', PORT)), begin := time.monotonic(), "
            'peer.sendall(bytes(1_000_000)), peer.shutdown(socket.SHUT_WR), peer.recv(1), '
            'time.monotonic() - begin)[-1]')

    def seconds():
        return answer(hosts, 0, send, tmp_path)

    hosts.set_rate(16, [slow])   # 1 MB is 8 Mbit, and a little of it is free
    assert seconds() > 0.4
    hosts.reboot(0)   # the limit is the cable's
    assert seconds() > 0.4
    hosts.set_rate(0)
    wait_until(lambda: seconds() < 0.3)   # but for tries at which the machine is late


@pytest.mark.parametrize('way', ['_lose_in_switch', '_lose_in_hosts'])
def test_a_share_of_the_packets_is_lost(network_hosts, tmp_path, way):
    hosts = network_hosts(2)

    def received(name):
        receiver = hosts.start(1, program(COUNT_UNTIL_END), tmp_path / name)
        receiver.wait_for_line('listening')
        # Each datagram of 1,800 bytes is two packets, of which neither may be lost.
        sender = hosts.start(0, program(SEND_MANY.format(
            count=1000, size=1800, to=hosts.address(1))), tmp_path / f'{name} sender')
        assert receiver.wait() == 0, receiver.text()
        assert sender.wait() == 0, sender.text()
        return int(receiver.text().split()[-1])

    assert received('all') == 1000
    hosts._lose = getattr(hosts, way)
    try:
        hosts.set_loss(0.2)
    except UnavailableError as error:
        pytest.skip(str(error))
    assert 560 < received('some') < 720   # 0.8 * 0.8, and five standard deviations around it
    hosts.reboot(1)
    assert 560 < received('after a reboot') < 720
    hosts.set_loss(0.0)
    assert received('all again') == 1000


def test_losing_packets_is_refused_by_name_without_the_programs(network_hosts, monkeypatch):
    hosts = network_hosts(1)
    real_run = subprocess.run
    monkeypatch.setattr(subprocess, 'run', lambda command, **more: real_run(
        ['false' if word in ('nft', 'iptables') else word for word in command], **more))
    with pytest.raises(UnavailableError, match='needs nft or iptables'):
        hosts.set_loss(0.1)


def test_a_link_is_cut_and_comes_back(network_hosts, tmp_path):
    hosts = network_hosts(3)
    assert is_heard(hosts, 1, 2, tmp_path)
    hosts.cut(1)
    assert not is_heard(hosts, 1, 2, tmp_path)
    assert is_heard(hosts, 0, 2, tmp_path)
    hosts.restore(1)
    # It asks again for the address of the other's card, once a second.
    wait_until(lambda: is_heard(hosts, 1, 2, tmp_path))


def test_a_reboot_kills_all_processes_of_one_host(network_hosts, tmp_path):
    hosts = network_hosts(2)
    # The second one has left its parent and its session.
    orphan = 'if os.fork() == 0:\n    os.setsid()\n    time.sleep(99)\n'
    other = hosts.start(0, program('time.sleep(99)'), tmp_path / 'other')
    process = hosts.start(1, program(f'{orphan}os._exit(3)'), tmp_path / 'log')
    assert process.wait() == 3
    lasting = hosts.start(1, program('time.sleep(99)'), tmp_path / 'lasting')
    wait_until(lambda: len(hosts.pids(1)) == 2)
    gone = hosts.pids(1)
    assert lasting.pid in gone
    hosts.power_off(1)
    assert not any(map(psutil.pid_exists, gone))
    assert lasting.exit_code() is not None and other.exit_code() is None
    hosts.power_on(1)
    assert hosts.pids(1) == []
    wait_until(lambda: is_heard(hosts, 0, 1, tmp_path))


def test_a_process_is_signalled_stopped_and_killed(network_hosts, tmp_path):
    hosts = network_hosts(1)

    def start(text, name):
        process = hosts.start(0, program(text), tmp_path / name)
        process.wait_for_line('begun')
        return process

    polite = start('import signal\nsignal.signal(signal.SIGINT, lambda *_: os._exit(7))\n'
                   "print('begun')\ntime.sleep(99)", 'polite')
    polite.send(signal.SIGSTOP)
    wait_until(lambda: psutil.Process(polite.pid).status() == psutil.STATUS_STOPPED)
    polite.send(signal.SIGCONT)
    assert polite.stop() == 7
    deaf = start("import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('begun')\n"
                 'time.sleep(99)', 'deaf')
    assert [one.pid for one in deaf.family()] == [deaf.pid] == hosts.pids(0)
    assert deaf.stop(timeout=0.2) == -signal.SIGKILL
    assert deaf.family() == [] and deaf.exit_code() == -signal.SIGKILL
    assert start("print('begun')\ntime.sleep(99)", 'killed').kill() == -signal.SIGKILL
    with pytest.raises(AssertionError, match=r'ended \(1\) without .*begun(?s:.*)ValueError'):
        start("raise ValueError('no')", 'failing')


def test_nothing_stays_behind_after_the_test_itself_is_killed(tmp_path):
    if why_no_hosts():
        pytest.skip(why_no_hosts())
    text = f"""
import sys, time
sys.path[:0] = {[str(HELPERS), *sys.path]!r}
from network_hosts import NetworkHosts
with NetworkHosts(2) as hosts:
    process = hosts.start(1, ['sleep', '99'], {str(tmp_path / 'log')!r})
    first = [hosts._switch.pid, *(host.pid for host in hosts._hosts)]
    print(process.pid, *first, flush=True)
    time.sleep(99)
"""
    test = subprocess.Popen([sys.executable, '-c', text], stdout=subprocess.PIPE, text=True)
    with test:
        pids = list(map(int, test.stdout.readline().split()))
        assert len(pids) == 4 and all(map(psutil.pid_exists, pids))
        test.kill()
    wait_until(lambda: not any(map(psutil.pid_exists, pids)))


def test_hosts_are_refused_by_name_where_they_cannot_be_had(monkeypatch):
    why_no_hosts.cache_clear()
    try:
        with monkeypatch.context() as other:
            other.setattr(os, 'geteuid', lambda: 1000)
            assert why_no_hosts() == 'several hosts need root, to make network namespaces'
            with pytest.raises(UnavailableError, match='need root'), NetworkHosts(1):
                pass
        why_no_hosts.cache_clear()
        monkeypatch.setattr(os, 'geteuid', lambda: 0)
        monkeypatch.setenv('PATH', '/nowhere')
        assert why_no_hosts() == 'several hosts need the program ip, of the package iproute2'
    finally:
        why_no_hosts.cache_clear()
