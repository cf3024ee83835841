# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Several hosts on this machine, joined by a switch, whose links can be cut, slow or lossy.

A host is a set of Linux namespaces: network, host name, processes, mounts with a shared memory of
its own and, on request, a monotonic clock of its own. The switch is a bridge in one more network
namespace, so that nothing of all this is in the network of the machine itself. All ends when the
process that made it ends, however it does: then the pipes close that the first process of each
host reads, and with its first process the kernel ends all others of a host.
"""

from contextlib import suppress
from functools import cache
import glob
import os
import shutil
import subprocess

from blocking_calls import wait_until
from host_process import HostProcess
from ncs_cluster_detector.checking.environment import loopback_environment
import psutil

NETWORK = '10.9.0'
PACKAGES = {'ip': 'iproute2', 'tc': 'iproute2', 'unshare': 'util-linux', 'nsenter': 'util-linux'}
NAMESPACES = ('--net', '--uts', '--mount', '--pid')
# What fails where a kernel or a container forbids it.
TRIALS = (('namespaces', ('true',)),
          ('a bridge', ('ip', 'link', 'add', 'trial', 'type', 'bridge')),
          ('a pair of linked interfaces', ('ip', 'link', 'add', 'trial', 'type', 'veth')))
FAKE_CLOCKS = ('/usr/lib/*/faketime/libfaketimeMT.so.1', '/usr/lib/faketime/libfaketimeMT.so.1')
FAKE_CLOCK_VARIABLE = 'LIBFAKETIME'
# A queue of so much behind a limited rate, as in a switch.
QUEUE = ('burst', '32kb', 'latency', '50ms')
# Each packet gets a random number below this one; small ones are lost. The table is made first, so
# that there is one to delete.
NUMBERS = 10_000
LOSSY = """
table bridge lossy
delete table bridge lossy
table bridge lossy {{
  chain forward {{
    type filter hook forward priority 0
    numgen random mod {numbers} < {below} drop
  }}
}}
"""


class UnavailableError(Exception):
    """This machine cannot do what is asked for; the text is one line for people."""


@cache
def why_no_hosts():
    """Return why there cannot be several hosts here, in one line, or ''."""
    if os.geteuid():
        return 'several hosts need root, to make network namespaces'
    for tool, package in PACKAGES.items():
        if not shutil.which(tool):
            return f'several hosts need the program {tool}, of the package {package}'
    for what, command in TRIALS:
        tried = subprocess.run(['unshare', *NAMESPACES, '--fork', *command], text=True,
                               stdin=subprocess.DEVNULL, capture_output=True)
        if tried.returncode:
            return f'several hosts need {what}, refused here: {_one_line(tried.stderr)}'
    return ''


def why_no_monotonic_clocks():
    """Return why hosts cannot have monotonic clocks of their own, in one line, or ''."""
    tried = subprocess.run(['unshare', '--time', '--monotonic', '100', '--fork', 'true'],
                           text=True, stdin=subprocess.DEVNULL, capture_output=True)
    return f'time namespaces are refused here: {_one_line(tried.stderr)}' * bool(tried.returncode)


def fake_clock_library():
    """Return the path of libfaketime, by which a process has another wall clock, or ''."""
    found = [os.environ.get(FAKE_CLOCK_VARIABLE, ''),
             *(path for pattern in FAKE_CLOCKS for path in glob.glob(pattern))]
    return next(filter(os.path.isfile, found), '')


class NetworkHosts:
    """Hosts ``h0``, ``h1`` and so on with addresses 10.9.0.1, 10.9.0.2 and so on."""

    def __init__(self, count, monotonic_sec=(), wall_sec=()):
        """
        Describe them; they run inside of a ``with`` block.

        :param monotonic_sec: by how many seconds the monotonic clock of each host is ahead of the
            machine's; none = they have its clock.
        :param wall_sec: the same of the wall clock; processes have it that are started later.
        """
        self.names = [f'h{index}' for index in range(count)]
        self._monotonic_sec = list(monotonic_sec)
        self._wall_sec = list(wall_sec)
        self._switch, self._hosts = None, [None] * count
        self._processes = [[] for _ in self.names]
        self._rates_mbit, self._loss, self._lose = [0.0] * count, 0.0, None

    def __enter__(self):
        """Start all; raise UnavailableError where that is impossible."""
        reason = why_no_hosts()
        if not reason and any(self._monotonic_sec):
            reason = why_no_monotonic_clocks()
        if not reason and any(self._wall_sec) and not fake_clock_library():
            reason = ('other wall clocks need libfaketime, of the package libfaketime, or its '
                      f'path in {FAKE_CLOCK_VARIABLE}')
        if reason:
            raise UnavailableError(reason)
        try:
            self._switch = _Namespaces('switch')
            self._hosts = [self._new_host(index) for index in range(len(self.names))]
            self._switch.wait()
            self._switch.ip('link add br0 type bridge mcast_snooping 0 stp_state 0',
                            'link set br0 up')
            for index in range(len(self.names)):
                self._connect(index)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_):
        """End all."""
        self.close()

    def close(self):
        """Kill all hosts, their processes and the switch."""
        for index in range(len(self.names)):
            self._kill(index)
        if self._switch:
            self._switch.kill()

    def address(self, host):
        """Return the IPv4 address of a host, given by its index."""
        return f'{NETWORK}.{host + 1}'

    def environment(self, host, profile=None):
        """
        Return environment variables for ROS in a host: it finds the other hosts, and no others.

        :param profile: path of a profile of Fast DDS; None = its own transports.
        """
        found = loopback_environment(os.environ, 1, profile)
        found['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SUBNET'
        if any(self._wall_sec) and self._wall_sec[host]:
            found.update(LD_PRELOAD=fake_clock_library(), FAKETIME=f'{self._wall_sec[host]:+g}s',
                         DONT_FAKE_MONOTONIC='1', FAKETIME_DISABLE_SHM='1', DONT_FAKE_UTIME='1')
        return found

    def start(self, host, command, log, environment=None):
        """Start a command in a host, given by its index; return the HostProcess."""
        started = HostProcess(
            command, self.environment(host) if environment is None else environment, log,
            self._hosts[host].enter)
        self._processes[host].append(started)
        return started

    def pids(self, host):
        """Return the numbers of all processes in a host but its first, outside of the host."""
        return self._hosts[host].pids()

    def set_rate(self, mbit, hosts=None):
        """Limit links to so many Mbit/s in each direction; 0 = no limit. None = all hosts."""
        for index in range(len(self.names)) if hosts is None else hosts:
            self._rates_mbit[index] = mbit
            self._limit(index)

    def set_loss(self, share):
        """Lose a share of all packets between hosts, 0.0 to 1.0, whatever they carry."""
        self._loss = share
        failures = []
        for lose in [self._lose] if self._lose else [
                self._lose_in_switch, self._lose_in_hosts]:
            try:
                lose()
            except UnavailableError as error:
                failures.append(str(error))
            else:
                self._lose = lose
                return
        raise UnavailableError('losing packets needs nft or iptables with its statistic match: '
                               + '; '.join(failures))

    def cut(self, host):
        """Pull a host's cable out of the switch."""
        self._switch.ip(f'link set {self.names[host]} down')

    def restore(self, host):
        """Put a host's cable back; return when both ends have noticed."""
        self._switch.ip(f'link set {self.names[host]} up')
        self._wait_for_link(host)

    def power_off(self, host):
        """Kill all processes of a host at once; its link is down until it is switched on."""
        self._switch.ip(f'link delete {self.names[host]}')
        self._kill(host)

    def power_on(self, host):
        """Start a host again that was switched off: with its name and address, and no process."""
        self._hosts[host] = self._new_host(host)
        self._connect(host)

    def reboot(self, host):
        """Kill all processes of a host at once, and start it again without any."""
        self.power_off(host)
        self.power_on(host)

    def _new_host(self, index):
        ahead_sec = self._monotonic_sec[index] if self._monotonic_sec else 0
        return _Namespaces(self.names[index], ahead_sec)

    def _kill(self, index):
        if self._hosts[index]:
            self._hosts[index].kill()
            self._hosts[index] = None
        for process in self._processes[index]:
            process.wait()   # nsenter ends with what it has started
        self._processes[index] = []

    def _connect(self, index):
        name, host = self.names[index], self._hosts[index]
        host.wait()
        # Both ends are born where they stay, so that the machine's own network never sees them.
        # The card's address is the same after a reboot, as others remember it.
        self._switch.ip(f'link add {name} type veth peer name eth0 '
                        f'address 02:00:00:00:00:{index + 1:02x} netns {host.pid}',
                        f'link set {name} master br0 up')
        host.ip(f'address add {self.address(index)}/24 dev eth0',
                'link set eth0 up', 'route add default dev eth0')
        self._wait_for_link(index)
        self._limit(index)
        if self._lose == self._lose_in_hosts:
            self._lose()

    def _wait_for_link(self, index):
        # The kernel may take up to a second, and loses what is sent until then.
        for place, device in ((self._switch, self.names[index]), (self._hosts[index], 'eth0')):
            wait_until(lambda: ' state UP ' in place.run('ip', 'link', 'show', device))

    def _limit(self, index):
        mbit = self._rates_mbit[index]
        for place, device in ((self._switch, self.names[index]), (self._hosts[index], 'eth0')):
            if mbit:
                place.run('tc', 'qdisc', 'replace', 'dev', device, 'root', 'tbf', 'rate',
                          f'{mbit}mbit', *QUEUE)
            elif 'tbf' in place.run('tc', 'qdisc', 'show', 'dev', device):
                place.run('tc', 'qdisc', 'delete', 'dev', device, 'root')

    def _lose_in_switch(self):
        self._switch.run('nft', '-f', '-', text=LOSSY.format(
            numbers=NUMBERS, below=round(self._loss * NUMBERS)))

    def _lose_in_hosts(self):
        # Before fragments are put together again: packets get lost, not whole messages.
        for host in filter(None, self._hosts):
            host.run('iptables', '-t', 'raw', '-F', 'PREROUTING')
            host.run('iptables', '-t', 'raw', '-A', 'PREROUTING', '-i', 'eth0', '-m', 'statistic',
                     '--mode', 'random', '--probability', f'{self._loss}', '-j', 'DROP')


class _Namespaces:
    """A host or the switch: namespaces, held by a process that ends when a pipe closes."""

    def __init__(self, name, ahead_sec=0):
        clock = ['--time', '--monotonic', str(ahead_sec), '--boottime', str(ahead_sec)]
        # Who ignores SIGCHLD leaves no dead children around, also none of others' that it gets.
        script = ('mount -t tmpfs tmpfs /dev/shm && hostname "$0" && '
                  "ip link set lo multicast on up && trap '' CHLD && echo ready && exec cat")
        self._popen = subprocess.Popen(
            ['unshare', *NAMESPACES, *clock * bool(ahead_sec), '--fork', '--kill-child',
             '--mount-proc', 'sh', '-c', script, name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True)
        self._name, self._has_clock = name, bool(ahead_sec)
        self.pid = None

    def wait(self):
        """Wait until it is ready."""
        if self._popen.stdout.readline() != 'ready\n':
            complaint = _one_line(self._popen.stderr.read())
            raise RuntimeError(f'starting the namespaces of {self._name} failed: {complaint}')
        (first,) = psutil.Process(self._popen.pid).children()
        self.pid = first.pid
        # The folder is that of the first process, which is the one of the test.
        self.enter = ('nsenter', '--target', str(self.pid), *NAMESPACES,
                      *['--time'] * self._has_clock, '--wd', '--')

    def run(self, *command, text=''):
        """Run a command in its network; return what it prints, or raise UnavailableError."""
        try:
            ended = subprocess.run(
                ['nsenter', '--target', str(self.pid), '--net', '--', *command], input=text,
                text=True, capture_output=True, check=True)
        except subprocess.CalledProcessError as error:
            raise UnavailableError(f'{" ".join(command)}: {_one_line(error.stderr)}') from None
        return ended.stdout

    def ip(self, *lines):
        """Run commands of ``ip`` in its network."""
        self.run('ip', '-batch', '-', text='\n'.join([*lines, '']))

    def pids(self):
        """Return the numbers of its processes but the first, outside of it."""
        own = os.readlink(f'/proc/{self.pid}/ns/pid')
        found = []
        for path in glob.glob('/proc/[0-9]*/ns/pid'):
            with suppress(OSError):   # it has just ended
                if os.readlink(path) == own:
                    found.append(int(path.split('/')[2]))
        return sorted(set(found) - {self.pid})

    def kill(self):
        """Kill its first process, and with it all others; return when they have ended."""
        self._popen.stdin.close()
        self._popen.wait()
        self._popen.stdout.close()
        self._popen.stderr.close()


def _one_line(text):
    return ' / '.join(text.split('\n')).strip(' /')
