# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The cluster of real processes that tests and figures of several hosts are made with."""

from host_cluster import HostCluster
import pytest


def test_a_detector_with_sticks_of_its_own_is_observed(any_hosts, tmp_path):
    cluster = HostCluster(any_hosts(1), tmp_path, local=2, inference_ms=20.0, rate=40.0).start()
    cluster.wait_until_running()
    before = cluster.cpu_sec()
    begin, end = cluster.observe(2.0)
    used = {name: after - before[name] for name, after in cluster.cpu_sec().items()}
    record = cluster.record
    assert record.rate(begin, end) > 10.0   # a busy machine is slower than 40 a second
    assert (record.duplicates(), record.steps_back(), record.wrong()) == (0, 0, [])
    assert 20.0 < record.latencies_ms(begin, end)[0] < 1000.0
    assert list(record.states('').values()) == ['RUNNING', 'RUNNING']
    assert used['detector'] > 0.0 and used['workers'] > 0.0 and used['servers'] == 0.0
    assert cluster.stop() == {'camera': 0, 'detector': 0, 'listener': 0}


def test_sticks_of_two_hosts_are_one_pool(any_hosts, tmp_path):
    cluster = HostCluster(any_hosts(3), tmp_path, sticks=1, inference_ms=20.0, rate=40.0).start()
    cluster.wait_until_running()
    before = cluster.cpu_sec()
    begin, end = cluster.observe(2.0)
    used = {name: after - before[name] for name, after in cluster.cpu_sec().items()}
    record = cluster.record
    assert record.rate(begin, end) > 10.0   # a busy machine is slower than 40 a second
    assert (record.duplicates(), record.steps_back(), record.wrong()) == (0, 0, [])
    assert {name.partition('/')[0] for name in record.states()} == {'h1', 'h2'}
    assert {host for _, host in record.results} == {'h1', 'h2'}
    assert min(used.values()) > 0.0
    assert set(cluster.stop().values()) == {0}


def test_a_profile_that_is_not_there_is_refused_by_name(loopback_hosts, tmp_path):
    with pytest.raises(AssertionError, match='no profile of Fast DDS at /nowhere'):
        HostCluster(loopback_hosts(1), tmp_path, profile='/nowhere')


def test_a_killed_detector_is_named_by_who_waits_for_it(any_hosts, tmp_path):
    cluster = HostCluster(any_hosts(1), tmp_path, local=1)
    cluster.start_listener()
    cluster.start_detector()
    cluster.running['detector'].kill()
    with pytest.raises(AssertionError, match='waiting for news: detector ended .-9'):
        cluster.wait_for(lambda record: False, 'news')
