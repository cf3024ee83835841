# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The detector node on the driver ``xlink``, over the fake bus: how its sticks start.

It needs nothing of the vendor. States are heard once a second, and the machine may be busy: the
node itself needs 2.5 s for a start, and as long to replace a killed worker.
"""

import contextlib
import os
import signal
import time

from fake_usb.client import build_library
from fake_usb.client import compiler
from fake_usb.client import FakeBus
from ncs_cluster_detector.policy.reliability.restart import DEAD_PERIOD_SEC
import pytest
from vendor_bus import GRAPH_BYTES
from vendor_bus import VendorBus

PORTS = ('1.1', '1.2', '1.3')
FIVE = (*PORTS, '1.4', '1.5')
IMAGES_A_SECOND = 30
# For a busy machine; on a quiet one all run after 2.3 s, and a killed worker is back after 3.3 s.
START_SEC = 20.0    # until all are running, and until a killed worker is back
GAP_SEC = 2.0       # without a result while a stick works: a worker needs more to be back
LOOKS_SEC = 8.0     # two looks and a boot
ALL_SEC = 20.0      # where it does not matter


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Return a folder with the fake libusb, a graph, and a firmware whose length alone counts."""
    if compiler() is None:
        pytest.skip('needs a C compiler')
    made = tmp_path_factory.mktemp('own')
    build_library(made)
    (made / 'MvNCAPI-ma2450.mvcmd').write_bytes(
        b'MVCM' + (64).to_bytes(4, 'little') + bytes(56))
    (made / 'dummy.graph').write_bytes(bytes(GRAPH_BYTES))
    return made


@pytest.fixture
def start(folder):
    """Return a function that starts a bus with options of its server, and a node on it."""
    with contextlib.ExitStack() as started:
        def start_node(*options, before=(), **parameters):
            bus = started.enter_context(FakeBus(*options))
            bus.tell(*before)
            programs = VendorBus(folder, bus, IMAGES_A_SECOND)
            started.callback(programs.close)
            return programs, own_node(programs, folder, 'one', **parameters)
        yield start_node


def own_node(programs, folder, namespace, **parameters):
    return programs.start_node(namespace, driver='xlink', firmware=str(
        folder / 'MvNCAPI-ma2450.mvcmd'), **parameters)


def states_of(node, port):
    return {status.state for status in node.statuses if status.port == port}


def test_five_sticks_run_soon_without_waiting_for_each_other(start):
    programs, node = start('--ports', ','.join(FIVE))
    node.wait_for_running(*FIVE, timeout=START_SEC)
    for port in FIVE:
        assert states_of(node, port) <= {'STARTING', 'RUNNING'}
        assert programs.bus.sticks()[port].boots == 1
    node.process.signal(signal.SIGINT)
    assert node.process.wait() == 0
    programs.bus.wait_for(
        lambda sticks: all(stick.state == 'rom' for stick in sticks.values()))
    assert 'ERROR' not in node.process.output


@pytest.mark.parametrize('fault', ['mute', 'nak', 'eproto', 'dead'])
def test_a_dead_stick_delays_nobody(start, fault):
    _, node = start(before=('1.1 boot', '1.1 no-usb-reset', f'1.1 {fault}'))
    node.wait_for_result(START_SEC)
    node.wait_for_running('1.2', '1.3', timeout=START_SEC, since=node.started_at)
    node.wait_for(lambda: node.state('1.1') == 'DEAD', 10.0, '1.1 DEAD', node.started_at)
    assert 'unplug it and plug it in again' in node.status('1.1').message
    node.wait_for(lambda: 'does not answer on USB' in node.process.output, 5.0, 'its line')
    assert node.process.output.count('ERROR') == 1


def test_a_dead_stick_is_tried_again_and_works_when_a_usb_reset_helps(start):
    programs, node = start(before=('1.1 boot', '1.1 no-usb-reset', '1.1 dead'))
    node.wait_for(lambda: node.state('1.1') == 'DEAD', 10.0, '1.1 DEAD')
    dead_at = node.status('1.1').at
    programs.bus.tell('1.1 clear no-usb-reset')
    node.wait_for_running('1.1', timeout=DEAD_PERIOD_SEC + START_SEC, since=dead_at)
    assert {status.state for status in node.statuses
            if status.port == '1.1' and status.at > dead_at} == {'DEAD', 'RUNNING'}
    assert node.longest_gap(dead_at) < GAP_SEC
    assert programs.bus.sticks()['1.1'].usb_resets


def test_a_dead_stick_that_is_plugged_in_again_is_used_at_once(start):
    programs, node = start(before=('1.1 boot', '1.1 no-usb-reset', '1.1 mute'))
    node.wait_for(lambda: node.state('1.1') == 'DEAD', 10.0, '1.1 DEAD')
    programs.bus.tell('1.1 unplug')
    node.wait_for(lambda: node.state('1.1') == 'ABSENT', LOOKS_SEC, '1.1 ABSENT')
    programs.bus.tell('1.1 clear mute', '1.1 plug')
    node.wait_for_running('1.1', timeout=LOOKS_SEC)


@pytest.mark.parametrize('stale, partial', [('keep', 'timeout'), ('flush', 'swallow')])
def test_a_killed_worker_is_back_soon_each_time(start, stale, partial):
    programs, node = start('--stale', stale, '--partial', partial)
    node.wait_for_running(*PORTS, timeout=ALL_SEC)
    since = time.monotonic()
    for port in PORTS:
        pid, killed_at = programs.kill_while_inferring(node, port)
        node.wait_for_new_worker(port, pid, START_SEC, killed_at)
        assert 'ABSENT' not in states_of(node, port)
    assert node.longest_gap(since) < GAP_SEC


def test_a_stick_may_come_and_go(start):
    programs, node = start()
    node.wait_for_running(*PORTS, timeout=ALL_SEC)
    old, since = node.status('1.2').pid, time.monotonic()
    programs.bus.tell('1.2 unplug')
    node.wait_for(lambda: node.state('1.2') == 'ABSENT', LOOKS_SEC, '1.2 ABSENT')
    programs.bus.tell('1.2 plug')
    node.wait_for_new_worker('1.2', old, LOOKS_SEC)
    assert node.longest_gap(since) < GAP_SEC


def test_one_whose_worker_was_asked_to_end_was_not_unplugged(start):
    programs, node = start()
    old = node.wait_for_running(*PORTS, timeout=ALL_SEC)['1.2']
    os.kill(old, signal.SIGTERM)
    node.wait_for_new_worker('1.2', old, ALL_SEC)
    assert 'ABSENT' not in states_of(node, '1.2')


@pytest.mark.parametrize('apart_sec', [0.0, 0.5])
def test_nodes_that_are_started_together_share_the_sticks_out(start, folder, apart_sec):
    programs, one = start('--ports', ','.join(FIVE[:4]), max_sticks=2)
    time.sleep(apart_sec)
    two = own_node(programs, folder, 'two', max_sticks=2)

    def running(node):
        return {port for port in FIVE if node.state(port) == 'RUNNING'}
    for node in (one, two):
        node.wait_for(lambda node=node: len(running(node)) == 2, ALL_SEC, 'two sticks')
    assert running(one).isdisjoint(running(two))
    holders = {port: stick.holder for port, stick in programs.bus.sticks().items()}
    for node in (one, two):
        assert all(holders[port] == node.status(port).pid for port in running(node))
