# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Several hosts where no network can be made: all their processes are on loopback."""

import os

from host_process import HostProcess
from ncs_cluster_detector.checking.environment import claim_domain
from ncs_cluster_detector.checking.environment import loopback_environment
from ncs_cluster_detector.ros.environment import LOOPBACK_PROFILE
from network_hosts import NetworkHosts
from network_hosts import UnavailableError
from network_hosts import why_no_hosts


def some_hosts(count):
    """Return NetworkHosts where they can be had, or else LoopbackHosts."""
    return LoopbackHosts(count) if why_no_hosts() else NetworkHosts(count)


class LoopbackHosts:
    """
    Hosts in name only, in a ROS domain of their own; the interface is that of NetworkHosts.

    They share the machine's network, name, clocks and shared memory, and have no links: what
    changes a link raises UnavailableError.
    """

    def __init__(self, count):
        """Describe them; their processes end with a ``with`` block."""
        self.names = [f'h{index}' for index in range(count)]
        self._domain = claim_domain(os.getpid())
        self._processes = [[] for _ in self.names]

    def __enter__(self):
        """Return them; there is nothing to start."""
        return self

    def __exit__(self, *_):
        """Kill all their processes."""
        self.close()

    def close(self):
        """Kill all their processes."""
        for host in range(len(self.names)):
            self.power_off(host)

    def address(self, host):
        """Return the IPv4 address of a host: the same for all."""
        return '127.0.0.1'

    def environment(self, host, profile=None):
        """Return environment variables for ROS, with the profile of this machine's own traffic."""
        return loopback_environment(os.environ, self._domain, LOOPBACK_PROFILE)

    def start(self, host, command, log, environment=None):
        """Start a command as one of a host's; return the HostProcess."""
        started = HostProcess(
            command, self.environment(host) if environment is None else environment, log)
        self._processes[host].append(started)
        return started

    def pids(self, host):
        """Return the numbers of what was started as a host's, and of all descendants."""
        return sorted(member.pid for started in self._processes[host]
                      for member in started.family())

    def power_off(self, host):
        """Kill all processes of a host."""
        for process in self._processes[host]:
            process.kill_family()
        self._processes[host] = []

    def power_on(self, host):
        """Do nothing: it can have processes again."""

    def reboot(self, host):
        """Kill all processes of a host."""
        self.power_off(host)

    def set_rate(self, mbit, hosts=None):
        """Raise UnavailableError: there is no link."""
        self._have_no_link('limit the rate of')

    def set_loss(self, share):
        """Raise UnavailableError: there is no link."""
        self._have_no_link('lose packets on')

    def cut(self, host):
        """Raise UnavailableError: there is no link."""
        self._have_no_link('cut')

    def restore(self, host):
        """Raise UnavailableError: there is no link."""
        self._have_no_link('restore')

    def _have_no_link(self, verb):
        raise UnavailableError(f'there is no link to {verb}, the hosts are on loopback: '
                               f'{why_no_hosts() or "namespaces were not asked for"}')
