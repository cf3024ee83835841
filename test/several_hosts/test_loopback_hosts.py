# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Hosts in name only, for machines where no network can be made."""

import inspect
import sys

from blocking_calls import wait_until
from loopback_hosts import LoopbackHosts
from loopback_hosts import some_hosts
from network_hosts import NetworkHosts
from network_hosts import UnavailableError
import psutil
import pytest

LASTING = "import os, time\nos.fork()\nprint('begun', flush=True)\ntime.sleep(99)"


def public_methods(kind):
    return {name: list(inspect.signature(method).parameters)
            for name, method in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith('_')}


def test_both_kinds_of_hosts_are_used_in_the_same_way():
    assert public_methods(LoopbackHosts) == public_methods(NetworkHosts)


def test_all_processes_of_a_host_end_when_it_is_switched_off(loopback_hosts, tmp_path):
    hosts = loopback_hosts(2)
    one, two = (hosts.start(host, [sys.executable, '-I', '-S', '-c', LASTING],
                            tmp_path / str(host)) for host in range(2))
    for process in (one, two):
        process.wait_for_line('begun')
        wait_until(lambda: len(process.family()) == 2)
    gone = hosts.pids(1)
    hosts.reboot(1)
    wait_until(lambda: not any(map(psutil.pid_exists, gone)))
    assert two.exit_code() is not None and hosts.pids(1) == []
    assert len(hosts.pids(0)) == 2 and one.exit_code() is None


@pytest.mark.parametrize('change', [
    lambda hosts: hosts.set_rate(100), lambda hosts: hosts.set_loss(0.01),
    lambda hosts: hosts.cut(0), lambda hosts: hosts.restore(0)])
def test_links_that_there_are_not_cannot_be_changed(loopback_hosts, change):
    with pytest.raises(UnavailableError, match='there is no link to .*, the hosts are on loop'):
        change(loopback_hosts(1))


def test_hosts_have_a_domain_of_their_own_on_this_machine_only(loopback_hosts):
    one, other = (loopback_hosts(1).environment(0) for _ in range(2))
    assert one['ROS_AUTOMATIC_DISCOVERY_RANGE'] == 'LOCALHOST'
    assert one['ROS_DOMAIN_ID'] != other['ROS_DOMAIN_ID']


@pytest.mark.parametrize('reason, kind', [('', NetworkHosts), ('no root', LoopbackHosts)])
def test_some_hosts_can_always_be_had(monkeypatch, reason, kind):
    monkeypatch.setattr('loopback_hosts.why_no_hosts', lambda: reason)
    assert type(some_hosts(1)) is kind
