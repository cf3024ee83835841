# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""An open stick: options, graphs, FIFOs, inferences and its end, on firmware in memory."""

import struct

from blocking_calls import in_thread
from blocking_calls import wait_until
from fake_usb.firmware import Firmware
from fake_usb.firmware import OUTPUT_SHAPE
from firmware_claim import about
from firmware_claim import allocating
from firmware_claim import connect
from firmware_claim import FirmwareClaim
from firmware_claim import INPUT
from firmware_claim import INPUT_SHAPE
from firmware_claim import LONG_SEC
from firmware_claim import NAME
from ncs_cluster_detector.sticks.input_layout import LARGEST_BYTES
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.xlink import commands
from ncs_cluster_detector.sticks.xlink import device as device_module
from ncs_cluster_detector.sticks.xlink.commands import Tensor
from ncs_cluster_detector.sticks.xlink.monitors import RefusedError
import numpy as np
import pytest

MONITORS = {'deviceMonitor', 'graphMonitor'}


@pytest.fixture
def start(monkeypatch):
    """Return a function that opens a stick, whose firmware may have other methods."""
    monkeypatch.setattr(device_module, '_SETTLE_SEC', 0.001)
    claims = []

    def open_stick(**methods):
        claims.append(FirmwareClaim(**methods))
        device = connect(claims[-1])
        devices.append(device)
        return device, claims[-1]
    devices = []
    yield open_stick
    for device, claim in zip(devices, claims, strict=True):
        if not claim.is_closed:
            device.close()
        assert not [line for line in claim.log.lines if 'CRASH' in line or 'MISMATCH' in line]


def ready(device):
    """Return a graph on a stick and its FIFOs."""
    graph = device.allocate_graph(0, INPUT)
    return (graph, device.allocate_fifo(0, graph.input, 2, False),
            device.allocate_fifo(1, graph.output, 2, True))


def picture(colour):
    """Return an input of one colour."""
    return np.full(INPUT_SHAPE[4] // 2, colour, np.float16).tobytes()


def colour_of(result):
    """Return the colour of the input that a result is for."""
    return round(float(np.frombuffer(result, np.float16)[10]) * 4 - 1, 2)


def test_what_a_stick_tells_of_itself(start):
    device, claim = start()
    claim.faults.update(temp=41.5, throttle=1.0)
    assert device.name == NAME and device.failure is None
    assert device.capabilities == commands.Capabilities(
        10, 10, 500 << 20, 2, 2, 12, (2, 10, 0x2450, 1), (2, 10))
    assert device.thermal() == (1.0, *[41.5] * 25)
    assert device.memory_used() == 30 << 20


def test_what_a_stick_tells_of_a_graph(start):
    device, _ = start()
    graph = device.allocate_graph(3, INPUT)
    assert (graph.number, graph.stages, graph.version) == (3, 40, (2, 0))
    assert graph.input == Tensor(*INPUT_SHAPE) and graph.output == Tensor(*OUTPUT_SHAPE)


def test_results_come_in_the_order_of_the_inputs(start):
    device, _ = start()
    graph, fifo_in, fifo_out = ready(device)
    assert (fifo_in.places, fifo_in.host_reads, fifo_out.host_reads) == (2, False, True)
    for colour in (0.25, 0.5):
        device.write_fifo(fifo_in, picture(colour))
        device.trigger(graph, fifo_in, fifo_out)
    assert colour_of(device.read_fifo(fifo_out)) == 0.25
    device.infer(graph, fifo_in, fifo_out, memoryview(picture(0.75)))
    assert [colour_of(device.read_fifo(fifo_out)) for _ in range(2)] == [0.5, 0.75]


def test_two_graphs_at_the_same_time(start):
    device, _ = start()
    graphs = []
    for number in range(2):
        graph = device.allocate_graph(number, INPUT)
        graphs.append((graph, device.allocate_fifo(2 * number, graph.input, 2, False),
                       device.allocate_fifo(2 * number + 1, graph.output, 2, True)))
    for number, (graph, fifo_in, fifo_out) in enumerate(graphs):
        device.infer(graph, fifo_in, fifo_out, picture(number))
    assert [colour_of(device.read_fifo(fifo_out)) for _, _, fifo_out in graphs] == [0, 1]


def test_the_levels_of_fifos(start):
    device, claim = start()
    graph, fifo_in, fifo_out = ready(device)
    size = graph.input.size
    claim.faults['hang-compute'] = 1.0
    for level in (size, 2 * size):
        device.write_fifo(fifo_in, picture(0.5))
        assert device.write_level(fifo_in) == level and device.read_level(fifo_out) == 0
        device.trigger(graph, fifo_in, fifo_out)
    with claim.changed:
        claim.faults.clear()
        claim.changed.notify_all()
    wait_until(lambda: device.thermal() and device.read_level(fifo_out) == 2 * OUTPUT_SHAPE[4])
    assert device.write_level(fifo_in) == 0
    device.read_fifo(fifo_out)
    assert device.read_level(fifo_out) == OUTPUT_SHAPE[4]


def test_an_input_waits_for_room(start):
    device, claim = start()
    graph, fifo_in, fifo_out = ready(device)
    claim.faults['hang-compute'] = 1.0
    for _ in range(2):
        device.infer(graph, fifo_in, fifo_out, picture(0.5))
    thread, outcome = in_thread(device.write_fifo, fifo_in, picture(1))
    wait_until(lambda: device.thermal() and device.write_level(fifo_in) == 2 * graph.input.size)
    assert outcome == []
    with claim.changed:
        claim.faults.clear()
        claim.changed.notify_all()
    thread.join(LONG_SEC)
    assert outcome == [None]
    device.trigger(graph, fifo_in, fifo_out)
    assert [colour_of(device.read_fifo(fifo_out)) for _ in range(3)] == [0.5, 0.5, 1.0]


def test_all_that_was_made_is_freed(start):
    device, claim = start()
    graph, fifo_in, fifo_out = ready(device)
    assert claim.streams() == MONITORS | {'graphBuffer0', 'FIFO0', 'FIFO1'}
    device.destroy_fifo(fifo_in)
    device.destroy_fifo(fifo_out)
    device.destroy_graph(graph)
    assert claim.streams() == MONITORS
    ready(device)   # and may be made again


def test_a_graph_of_a_wrong_format(start):
    device, claim = start()
    claim.written.clear()
    with pytest.raises(RefusedError, match=f'loading graph 0 on stick {NAME}: status 1') as caught:
        device.allocate_graph(0, b'BAD graph')
    assert caught.value.status == 1
    assert commands.device_command(commands.MEMORY_USED) not in claim.written
    assert device.thermal()


def test_another_refusal_of_a_graph_asks_for_the_memory_as_the_vendor_does(start):
    device, claim = start(_allocate_graph=allocating(struct.pack('<I', 2), status=5))
    with pytest.raises(RefusedError) as caught:
        device.allocate_graph(0, INPUT)
    assert caught.value.status == 2   # that of the graph, not of the command
    assert commands.device_command(commands.MEMORY_USED) in claim.written


@pytest.mark.parametrize('packets, message', [
    ([struct.pack('<I', 2)], 'status 2 and no error, expected both or neither'),
    ([b'no'], 'an answer of 2 bytes, expected 4'),
    ([*about()[:2], b'x', *about()[3:]], 'an answer of 1 bytes, expected 32'),
    ([*about()[:3], b'', *about()[4:]], 'an answer of 0 bytes, expected 4'),
    ([*about()[:4], bytes(12)], 'an answer of 12 bytes, expected 8'),
    (about((1, 3, 16, 12, 0, 6, 96, 2)), 'it tells Tensor.*expected a size of at most'),
    (about(output_shape=(1, 1, 7, 101, LARGEST_BYTES + 1, 2, 14, 2)), 'it tells Tensor')])
def test_nonsense_about_a_graph_is_the_stick_s_error(start, packets, message):
    device, _ = start(_allocate_graph=allocating(*packets))
    with pytest.raises(StickLostError, match=f'loading graph 0 on stick {NAME}: {message}'):
        device.allocate_graph(0, INPUT)


def test_no_word_about_a_graph_is_the_stick_s_error(start, monkeypatch):
    monkeypatch.setattr(device_module, '_LOAD_SEC', 0.05)
    device, _ = start(_allocate_graph=allocating(*about()[:3]))
    with pytest.raises(StickLostError, match='a packet in stream graphBuffer0 has not come'):
        device.allocate_graph(0, INPUT)


def test_an_option_of_a_graph(start):
    answers = {commands.TIMES: bytes(range(160)), commands.DEBUG_INFO: b'd' * 120}

    def obey(self, command, *others):
        group, option, number = struct.unpack_from('<iiI', command)
        if group != 2 or number != 0:
            return Firmware._obey(self, command, *others)
        self.write(self.stream(b'graphMonitor'), answers[option])
        return 0

    device, _ = start(_obey=obey)
    graph = device.allocate_graph(0, INPUT)
    assert device.graph_option(graph, commands.TIMES, 160) == bytes(range(160))
    assert device.graph_option(graph, commands.DEBUG_INFO, 120) == b'd' * 120
    with pytest.raises(StickLostError, match='reading option 1 of graph 0 .* 120 bytes, expected'):
        device.graph_option(graph, commands.DEBUG_INFO, 8)


def test_what_a_stick_refuses(start):
    device, claim = start(_allocate_fifo=lambda self, command: 9)
    graph = device.allocate_graph(0, INPUT)
    with pytest.raises(RefusedError, match='reading option 9 of graph 0 on stick .*: status 3'):
        device.graph_option(graph, 9, 160)
    fifo = device.allocate_fifo(0, graph.input, 2, False)   # which the stick forgets
    with pytest.raises(RefusedError, match='starting graph 0 on stick .*: status 2'):
        device.trigger(graph, fifo, fifo)
    assert device.failure is None


def test_a_refused_inference_for_which_nobody_waits_takes_the_stick_down(start):
    device, _ = start(_allocate_fifo=lambda self, command: None)
    graph, fifo_in, fifo_out = ready(device)
    device.infer(graph, fifo_in, fifo_out, picture(0.5))
    with pytest.raises(StickLostError, match='starting graph 0 on stick .*: status 2, expected'):
        device.read_fifo(fifo_out)
    assert device.failure is not None


def test_a_result_of_another_size_is_the_stick_s_error(start):
    device, _ = start(_output=lambda self, tensor, shape: bytes(1412))
    graph, fifo_in, fifo_out = ready(device)
    device.infer(graph, fifo_in, fifo_out, picture(0.5))
    with pytest.raises(StickLostError, match=f'reading a result on stick {NAME}: an answer of '
                       '1412 bytes, expected 1414'):
        device.read_fifo(fifo_out)


def test_an_inference_that_does_not_end_is_the_stick_s_error(start, monkeypatch):
    monkeypatch.setattr(device_module, 'INFERENCE_SEC', 0.1)
    device, claim = start()
    graph, fifo_in, fifo_out = ready(device)
    claim.faults['hang-compute'] = 1.0
    device.infer(graph, fifo_in, fifo_out, picture(0.5))
    with pytest.raises(StickLostError, match='a packet in stream FIFO1 has not come within 0.1 s'):
        device.read_fifo(fifo_out)


def test_three_threads_use_a_stick_at_the_same_time(start):
    device, _ = start()
    graph, fifo_in, fifo_out = ready(device)
    colours = [number / 64 for number in range(50)]

    def send():
        for colour in colours:
            device.infer(graph, fifo_in, fifo_out, picture(colour))

    calls = [in_thread(send), in_thread(lambda: [device.thermal()[0] for _ in colours]),
             in_thread(lambda: [colour_of(device.read_fifo(fifo_out)) for _ in colours])]
    for thread, _ in calls:
        thread.join(LONG_SEC)
    assert calls[1][1] == [[0.0] * 50]
    assert calls[2][1] == [[pytest.approx(colour, abs=0.01) for colour in colours]]


def test_a_close_closes_the_streams_and_resets(start):
    device, claim = start()
    ready(device)
    device.close()
    assert claim.is_closed and claim.is_gone
    kinds = [struct.unpack_from('<i', data, 4)[0] for data in claim.written if len(data) == 36]
    assert kinds[-5:] == [4, 4, 4, 4, 6]   # four streams, then the reset


def test_a_close_after_a_failure_only_releases(start):
    device, claim = start()
    claim.leave()
    with pytest.raises(StickLostError):
        while True:
            device.thermal()
    before = len(claim.written)
    device.close()
    assert claim.is_closed and len(claim.written) == before


def test_a_stick_that_goes_while_it_is_closed_is_released(start):
    device, claim = start()
    claim.faults['dead'] = 1.0
    with pytest.raises(StickLostError, match='no answer to CLOSE_STREAM_REQ'):
        device.close()
    assert claim.is_closed
