# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The detector node on the vendor's own library, over a bus on which everything goes wrong.

The vendor's library lists, opens and resets sticks in ways that no double has by itself.
"""

import signal
import time

import pytest

PORTS = ('1.1', '1.2', '1.3')
ALL_SEC = 20.0        # until three sticks are running
GAP_SEC = 1.0         # the longest time without a result while a stick works


def all_running(vendor_bus, **parameters):
    """Return a node whose three sticks are running, and since when."""
    node = vendor_bus.start_node(**parameters)
    node.wait_for_running(*PORTS, timeout=ALL_SEC)
    node.wait_for(lambda: {1, 2, 3} <= {result.last_port for result in node.results}, 5.0,
                  'a result of every stick')
    return node, time.monotonic()


def test_results_belong_to_their_frames_and_the_end_is_clean(start_bus):
    vendor_bus = start_bus()
    node, _ = all_running(vendor_bus)
    count = len(node.results)
    node.wait_for(lambda: len(node.results) > count + 50, 10.0, '50 results')
    node.process.signal(signal.SIGINT)
    assert node.process.wait() == 0
    assert node.wait_for_nobody(5.0) == []
    vendor_bus.bus.wait_for(
        lambda sticks: all(stick.state == 'rom' for stick in sticks.values()))


@pytest.mark.parametrize('form', [
    b'INPUT 512x512', b'INPUT 224x192 planes', b'INPUT 224x192 padded',
    b'INPUT 225x187 planes padded'])
def test_an_input_of_any_size_and_layout_reaches_the_stick(start_bus, form):
    vendor_bus = start_bus('--ports', '1.1')
    node = vendor_bus.start_node(graph_head=form)
    node.wait_for(lambda: len(node.results) > 20, ALL_SEC, '20 results')
    # That all of them tell the colour of their images is looked at in the end.
    node.process.signal(signal.SIGINT)
    assert node.process.wait() == 0
    assert 'tensor of' not in vendor_bus.bus.log


@pytest.mark.parametrize('fault', ['mute', 'nak', 'eproto', 'dead'])
def test_a_stick_that_is_dead_at_the_start_holds_up_nobody(start_bus, fault):
    vendor_bus = start_bus()
    vendor_bus.bus.tell('1.1 boot', '1.1 no-usb-reset', f'1.1 {fault}')
    node = vendor_bus.start_node()
    node.wait_for_result(10.0)
    node.wait_for_running('1.2', '1.3', timeout=14.0, since=node.started_at)
    node.wait_for(lambda: node.state('1.1') == 'DEAD', 30.0, '1.1 DEAD', node.started_at)
    assert 'unplug it and plug it in again' in node.status('1.1').message


def test_a_dead_stick_lives_again_after_a_usb_reset(start_bus):
    vendor_bus = start_bus()
    vendor_bus.bus.tell('1.1 dead')
    node = vendor_bus.start_node()
    node.wait_for_result(10.0)
    node.wait_for_running(*PORTS, timeout=30.0, since=node.started_at)
    assert vendor_bus.bus.sticks()['1.1'].usb_resets


def test_a_stick_that_falls_mute_does_not_keep_its_killed_neighbour_away(start_bus):
    vendor_bus = start_bus()
    node, since = all_running(vendor_bus)
    vendor_bus.bus.tell('1.2 mute', '1.2 no-usb-reset')
    node.wait_for(lambda: node.state('1.2') != 'RUNNING', 10.0, '1.2 given up')
    pid, killed_at = vendor_bus.kill_while_inferring(node, '1.3')
    node.wait_for_new_worker('1.3', pid, 10.0, killed_at)
    node.wait_for_running('1.1', '1.3', timeout=0.5)
    assert node.longest_gap(since) < GAP_SEC


@pytest.mark.parametrize('stale, partial, overflow', [
    ('keep', 'timeout', 'drop'), ('keep', 'swallow', 'resend'),
    ('flush', 'timeout', 'resend'), ('flush', 'swallow', 'drop')])
def test_a_killed_worker_is_back_soon_each_time(start_bus, stale, partial, overflow):
    vendor_bus = start_bus('--stale', stale, '--partial', partial, '--overflow', overflow)
    node, since = all_running(vendor_bus)
    for port in PORTS:
        pid, killed_at = vendor_bus.kill_while_inferring(node, port)
        node.wait_for_new_worker(port, pid, 8.0, killed_at)
        node.wait_for_running(*PORTS, timeout=8.0, since=killed_at)
    assert node.longest_gap(since) < GAP_SEC
    assert node.process.output.count('SIGABRT') <= 1


def test_a_killed_node_can_be_started_again_at_once(start_bus):
    vendor_bus = start_bus()
    first, _ = all_running(vendor_bus)
    first.process.signal(signal.SIGKILL)
    second = vendor_bus.start_node('two')
    second.wait_for_result(8.0)
    second.wait_for_running(*PORTS, timeout=ALL_SEC)
    assert first.wait_for_nobody(1.0) == []


def test_sticks_without_power_come_back(start_bus):
    vendor_bus = start_bus()
    node, since = all_running(vendor_bus)
    old = node.status('1.2').pid
    vendor_bus.bus.wait_for(lambda sticks: sticks['1.2'].jobs)
    vendor_bus.bus.tell('1.2 unplug')
    node.wait_for(lambda: node.state('1.2') == 'ABSENT', 10.0, '1.2 ABSENT')
    vendor_bus.bus.tell('1.2 plug')
    node.wait_for_new_worker('1.2', old, 12.0)
    node.wait_for_running(*PORTS, timeout=1.0)
    assert node.longest_gap(since) < GAP_SEC
    vendor_bus.bus.tell('all unplug')
    time.sleep(2.0)   # as long as the power is away
    vendor_bus.bus.tell('all plug')
    plugged_at = time.monotonic()
    node.wait_for_result(10.0, plugged_at)
    node.wait_for(lambda: all(node.status(port).pid and node.status(port).at > plugged_at
                              and node.state(port) == 'RUNNING' for port in PORTS),
                  ALL_SEC, 'all RUNNING', plugged_at)


def test_nodes_and_programs_on_one_bus_do_not_disturb_each_other(start_bus):
    vendor_bus = start_bus('--ports', '1.1,1.2,1.3,1.4')
    foreign = vendor_bus.start_foreign('1.4')
    one = vendor_bus.start_node('one', max_sticks=1)
    one.wait_for_result(15.0)
    two = vendor_bus.start_node('two', max_sticks=2)

    def running(node):
        return [status.port for status in map(node.status, PORTS)
                if status and status.state == 'RUNNING']
    one.wait_for(lambda: len(running(one)) == 1, ALL_SEC, 'a stick')
    two.wait_for(lambda: len(running(two)) == 2, ALL_SEC, 'two sticks')
    foreign_since = since = time.monotonic()
    for killed, other in ((one, two), (two, one), (one, two)):
        port = running(killed)[0]
        pid, killed_at = vendor_bus.kill_while_inferring(killed, port)
        killed.wait_for_new_worker(port, pid, 10.0, killed_at)
        assert other.longest_gap(since) < GAP_SEC
        since = time.monotonic()
    assert foreign.is_running()
    assert foreign.longest_gap(foreign_since) < GAP_SEC
    assert vendor_bus.bus.sticks()['1.4'].boots == 1


@pytest.mark.parametrize('apart_sec', [0.0, 0.5, 1.0, 2.0])
def test_nodes_that_are_started_together_share_the_sticks_out(start_bus, apart_sec):
    vendor_bus = start_bus('--ports', '1.1,1.2,1.3,1.4')
    nodes = [vendor_bus.start_node('one', max_sticks=2)]
    time.sleep(apart_sec)
    nodes.append(vendor_bus.start_node('two', max_sticks=2))

    def running(node):
        return {port for port in ('1.1', '1.2', '1.3', '1.4') if node.state(port) == 'RUNNING'}
    for node in nodes:
        node.wait_for(lambda node=node: len(running(node)) == 2, ALL_SEC, 'two sticks',
                      nodes[0].started_at)
    assert running(nodes[0]).isdisjoint(running(nodes[1]))
    assert [node.process.output for node in nodes if 'ERROR' in node.process.output] == []


def test_no_stick_is_taken_for_another(start_bus):
    vendor_bus = start_bus('--ports', '1.1,1.2')
    vendor_bus.bus.tell('1.2 boot', '1.1 slow-boot 6', '1.1 temp 31', '1.2 temp 38')
    node = vendor_bus.start_node()
    node.wait_for_running('1.1', '1.2', timeout=30.0)
    node.wait_for(lambda: {1, 2} <= {result.last_port for result in node.results}, 10.0,
                  'a result of every stick')
    # While 1.1 boots slowly once more, 1.2 is booted and nobody's: the library would take it.
    first_pid, _ = vendor_bus.kill_while_inferring(node, '1.1')
    vendor_bus.bus.wait_for(lambda sticks: sticks['1.1'].state == 'gone')
    vendor_bus.bus.wait_for(lambda sticks: sticks['1.1'].state == 'rom')
    vendor_bus.bus.wait_for(lambda sticks: sticks['1.1'].state == 'gone')   # it boots
    second_pid, killed_at = vendor_bus.kill_while_inferring(node, '1.2')
    node.wait_for_new_worker('1.2', second_pid, 20.0, killed_at)
    vendor_bus.bus.tell('1.1 clear slow-boot')
    node.wait_for_new_worker('1.1', first_pid, 40.0, killed_at)
    node.wait_for(lambda: {1, 2} <= {result.last_port for result in node.results
                                     if result.at > killed_at}, 20.0, 'results of both again')
    node.process.signal(signal.SIGINT)
    assert node.process.wait() == 0
    for port, celsius in (('1.1', '31.0'), ('1.2', '38.0')):
        told = {status.values['temperature_celsius'] for status in node.statuses
                if status.port == port}
        assert told <= {celsius, 'unknown'}, port
        counted = max(int(status.values['inferences']) for status in node.statuses
                      if status.port == port)
        assert 0 < counted <= vendor_bus.bus.sticks()[port].inferences
