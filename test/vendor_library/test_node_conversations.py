# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A node says the same to a stick through the vendor's library and through the driver xlink."""

import itertools
import json
import signal
from types import SimpleNamespace

from conversations.conversation_runs import write_firmware
from conversations.kept_conversations import differences
from conversations.kept_conversations import keep
from conversations.kept_conversations import kept
from conversations.kept_conversations import kept_file
from conversations.node_form import node_form
from fake_usb.client import build_library
from fake_usb.client import compiler
from fake_usb.client import FakeBus
from ncs_cluster_detector.drivers.registry import DRIVERS
import pytest
from vendor_bus import VendorBus

PORTS = ('1.2', '1.3')
GREYS = (0, 85, 255)   # not as many as there are sticks, so that each stick gets each
IMAGES_A_SECOND = 30
RESULTS = 60
GRAPH_BYTES = 100_000
# The kept conversations, and how the graph files of their nodes begin.
NODES = {'node': (b'',), 'node_two_networks': (b'INPUT 224x192', b'INPUT 16x12 planes padded')}
RUNNING_SEC = 20.0


def write_graphs(folder, heads):
    """Write a graph file for each head; return the parameter that names them."""
    paths = [folder / f'{number}.graph' for number in range(len(heads))]
    for path, head in zip(paths, heads):
        path.write_bytes(head.ljust(GRAPH_BYTES, b'\1'))
    return str([str(path) for path in paths])


def recorded_forms(folder, record, **parameters):
    """Run a node for some results; return the forms of what it said to its sticks."""
    with FakeBus('--ports', ','.join(PORTS), '--compute', '0.01', '--record', str(record)) as bus:
        bus.tell('all temp 40')
        vendor_bus = VendorBus(folder, bus, IMAGES_A_SECOND)
        try:
            node = vendor_bus.start_node(**parameters)
            greys = itertools.cycle(GREYS)
            node._random = SimpleNamespace(randrange=lambda end: next(greys))
            node.wait_for_running(*PORTS, timeout=RUNNING_SEC)
            count = len(node.results)
            node.wait_for(lambda: len(node.results) > count + RESULTS, RUNNING_SEC,
                          f'{RESULTS} results')
            node.process.signal(signal.SIGINT)
            assert node.process.wait() == 0
            bus.wait_for(lambda sticks: all(sticks[port].state == 'rom' for port in PORTS))
        finally:
            vendor_bus.close()
    lines = [json.loads(line) for line in record.read_text().splitlines()]
    return [node_form(line for line in lines if line['port'] == port) for port in PORTS]


@pytest.mark.parametrize('name', NODES)
def test_a_node_on_the_vendors_library_says_what_is_kept(name, library_folder, tmp_path):
    write_firmware(library_folder / 'mvnc' / 'MvNCAPI-ma2450.mvcmd')
    forms = recorded_forms(library_folder, tmp_path / 'record.jsonl', driver='mvnc',
                           graph_paths=write_graphs(tmp_path, NODES[name]))
    # To be copied when the node means to say more.
    keep(tmp_path / f'{name}.json', forms[0], [])
    for form in forms:
        assert differences(kept(kept_file(name))[0], form) == []


@pytest.mark.skipif('xlink' not in DRIVERS, reason='needs the driver xlink')
@pytest.mark.skipif(compiler() is None, reason='needs a C compiler')
@pytest.mark.parametrize('name', NODES)
def test_a_node_on_the_driver_xlink_says_the_same(name, tmp_path):
    build_library(tmp_path)
    firmware = tmp_path / 'MvNCAPI-ma2450.mvcmd'
    write_firmware(firmware)
    forms = recorded_forms(tmp_path, tmp_path / 'record.jsonl', driver='xlink', firmware=firmware,
                           graph_paths=write_graphs(tmp_path, NODES[name]))
    for form in forms:
        assert differences(kept(kept_file(name))[0], form) == []
