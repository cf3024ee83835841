# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver's stick: results by their strides, and what is said of graphs that do not fit."""

import struct

from blocking_calls import in_thread
from fake_usb.firmware import Firmware as FakeFirmware
from firmware_claim import about
from firmware_claim import allocating
from firmware_claim import connect
from firmware_claim import FirmwareClaim
from firmware_claim import INPUT
from firmware_claim import LONG_SEC
from firmware_claim import NAME
from invented_usb import InventedUsb
from ncs_cluster_detector.sticks.stick import GraphLoadError
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import ThermalState
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.xlink import device as device_module
from ncs_cluster_detector.sticks.xlink import xlink_stick
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.xlink_stick import XlinkStick
import numpy as np
import pytest

BUFFER = 1   # the group of the commands about FIFOs
WIDE = b'INPUT 20x12 planes padded'


@pytest.fixture
def start(monkeypatch):
    """Return a function that opens a stick with graphs; its firmware may have other methods."""
    monkeypatch.setattr(device_module, '_SETTLE_SEC', 0.001)
    claims = []

    def open_device(usb, wanted, firmware, other_ports, tell, in_background):
        assert (wanted, other_ports, in_background) == (NAME, ['1.3'], False)
        tell(OpeningStep.OPENING)
        tell(OpeningStep.BOOTED)
        return connect(claims[-1])
    monkeypatch.setattr(xlink_stick, 'open_device', open_device)

    def open_stick(*graphs, faults=(), **methods):
        claims.append(FirmwareClaim(**methods))
        claims[-1].faults.update(faults)
        stick = XlinkStick(None, graphs or [INPUT], Firmware())
        sticks.append(stick)
        told = []
        stick.open_stick(NAME, ['1.3'], told.append)
        assert told == [OpeningStep.OPENING, OpeningStep.BOOTED, OpeningStep.OPENED]
        return stick, claims[-1]
    sticks = []
    yield open_stick
    for stick in sticks:
        stick.close()
        stick.close()   # does nothing
    assert all(claim.is_closed for claim in claims)


def tensor(colour, size=(16, 12)):
    """Return an input of one colour, as the worker has it."""
    return np.full((size[1], size[0], 3), colour, np.float16)


def refused(start, kind, *graphs, **methods):
    """Return the line with which the graphs are refused."""
    with pytest.raises(GraphLoadError) as caught:
        start(*graphs, **methods)
    assert type(caught.value) is kind
    assert caught.value.permanent == (kind is GraphRejectedError)
    (line,) = str(caught.value).splitlines()
    assert line.startswith('loading graph 0') and NAME in line
    return line


def test_results_are_flat_arrays_in_the_order_of_the_inputs(start):
    stick, _ = start()
    assert stick.input_sizes == [(16, 12)] and not stick.has_failed
    for colour in (0.25, 0.5):
        stick.send([tensor(colour)])
    for colour in (0.25, 0.5):
        (output,) = stick.receive()
        assert output.shape == (707,) and output.dtype == np.float32
        assert output[10] == pytest.approx((colour + 1) / 4, abs=0.001)


def test_each_network_has_its_input_and_its_result(start):
    stick, _ = start(INPUT, WIDE)
    assert stick.input_sizes == [(16, 12), (20, 12)]
    stick.send([tensor(0.25), tensor(0.75, (20, 12))])   # the second is arranged in planes
    outputs = stick.receive()
    assert [round(float(output[10]) * 4 - 1, 2) for output in outputs] == [0.25, 0.75]


@pytest.mark.parametrize('shape, count', [
    ((1, 1, 7, 3, 42, 2, 14, 2), 3),        # dense rows
    ((1, 1, 7, 3, 96, 2, 32, 2), 3),        # with gaps between rows
    ((1, 1, 7, 3, 84, 4, 28, 2), 3),        # with gaps between columns
    ((1, 21, 1, 1, 42, 42, 42, 2), 3),      # all in channels
    ((1, 21, 1, 1, 336, 2, 2, 16), 3),      # far apart
    ((1, 1, 21, 1, 42, 2, 42, 2), 3),       # all in one row
    ((1, 7, 3, 1, 48, 14, 42, 2), 3)])      # boxes as columns, seven channels each
def test_results_are_read_by_their_strides(start, shape, count):
    _, channels, columns, rows, size, column, row, channel = shape
    values = np.arange(1, channels * columns * rows + 1, dtype=np.float16)

    def output(self, data, input_shape):
        memory = np.full(size // 2, np.nan, np.float16)
        np.ndarray((rows, columns, channels), np.float16, memory,
                   strides=(row, column, channel))[...] = values.reshape(rows, columns, channels)
        return memory.tobytes()

    stick, _ = start(_allocate_graph=allocating(*about(output_shape=shape)), _output=output)
    stick.send([tensor(1)])
    assert stick.receive()[0].tolist() == values.tolist()
    assert values.size == 7 * count


@pytest.mark.parametrize('status, kind, remedy', [
    (1, GraphRejectedError, 'compile it with the mvNCCompile'),
    (2, GraphLoadError, 'if the graph file is no good')])
def test_a_refused_graph_is_rejected_for_good_only_if_its_format_is_wrong(
        start, status, kind, remedy):
    line = refused(start, kind, _allocate_graph=allocating(
        struct.pack('<I', status), status=status))
    assert line.startswith(f'loading graph 0 (64 bytes) on stick {NAME}: status {status}, expect')
    assert remedy in line


def test_a_graph_that_is_larger_than_the_memory_is_not_sent(start):
    graph = INPUT.ljust(2001, b'\0')
    line = refused(start, GraphRejectedError, graph, _monitor_device=small_memory)
    assert '(2001 bytes)' in line and 'memory, expected at most 2000 bytes' in line


def small_memory(self):
    """Answer a host's question for the capabilities, as a stick with 2,000 bytes."""
    with self.chip.changed:
        stream = self.open_stream(b'deviceMonitor', 4096)
        self.release(stream, len(self.read(stream)))
        self.write(stream, struct.pack('<12I', 10, 10, 2000, 2, 2, 12, 2, 10, 0x2450, 1, 2, 10))


@pytest.mark.parametrize('shape, what', [
    ((1, 1, 16, 12, 384, 2, 32, 2), '1x1x12x16, expected 1x3xHEIGHTxWIDTH'),
    ((2, 3, 16, 12, 1152, 6, 96, 2), '2x3x12x16, expected'),
    ((1, 3, 0, 12, 1152, 6, 96, 2), '1x3x12x0, expected'),
    ((1, 3, 16, 12, 1152, 2, 96, 2), '1x3x12x16 with values that overlap, in steps of'),
    ((1, 3, 16, 12, 1154, 6, 96, 2), 'of 1154 bytes, but has 1152 by its strides, expected')])
def test_an_input_that_is_no_picture_is_rejected(start, shape, what):
    line = refused(start, GraphRejectedError,
                   _allocate_graph=allocating(*about(shape)))
    assert f'its input is {what}' in line


@pytest.mark.parametrize('shape, what', [
    ((1, 1000, 1, 1, 2000, 2000, 2000, 2), '1x1000x1x1'),
    ((1, 1, 6, 101, 1212, 2, 12, 2), '1x1x101x6'),
    ((2, 1, 7, 101, 2828, 2, 14, 2), '2x1x101x7'),
    ((1, 1, 7, 101, 1412, 2, 14, 2), '1x1x101x7'),             # the last value is outside
    ((1, 1, 7, 101, 1414, 2, 0xfffffffe, 2), '1x1x101x7')])
def test_an_output_that_is_no_detector_s_is_rejected(start, shape, what):
    line = refused(start, GraphRejectedError,
                   _allocate_graph=allocating(*about(output_shape=shape)))
    assert f'its output is {what}, expected that of an SSD network' in line


def test_a_stick_without_room_for_the_queues(start):
    def obey(self, command, *others):
        return 9 if command[0] == BUFFER else FakeFirmware._obey(self, command, *others)

    line = refused(start, GraphLoadError, _obey=obey)
    assert 'making FIFO 0 on stick' in line and 'status 9, expected 0; if the stick has' in line


@pytest.mark.parametrize('faults, expected', [
    ({'tells': 41.5}, ThermalState(41.5, 0)), ({'tells': 50.0, 'throttle': 2.0}, (50.0, 2)),
    ({'nan': 1.0}, (None, 0)), ({'tells': 0.0}, (None, 0)), ({'tells': 1e9}, (None, 0)),
    ({'tells': 40.0, 'throttle': 3.0}, (40.0, 0)), ({'tells': 40.0, 'throttle': -1.0}, (40.0, 0)),
    ({'tells': -10.0, 'throttle': 1.0}, (-10.0, 1))])
def test_temperatures_are_checked(start, faults, expected):
    stick, _ = start(faults=faults)
    assert stick.thermal_state() == expected


def test_a_close_waits_for_the_results_that_are_under_way(start):
    stick, claim = start()
    for colour in (0.25, 0.5):
        stick.send([tensor(colour)])
    stick.close()
    assert claim.firmware.chip.inferences == 2 and claim.is_closed and claim.is_gone
    assert not claim.streams() & {'FIFO0', 'FIFO1', 'graphBuffer0'}


def test_a_stick_that_is_lost_has_failed_and_can_be_closed(start):
    stick, claim = start()
    stick.send([tensor(1)])
    stick.receive()
    thread, outcome = in_thread(stick.receive)
    claim.leave()
    thread.join(LONG_SEC)
    assert type(outcome[0]) is StickLostError and NAME in str(outcome[0])
    assert stick.has_failed
    stick.close()
    assert claim.is_closed


def test_a_bus_that_cannot_be_listed_is_a_line():
    usb = InventedUsb()
    usb.plug('1.2')
    assert XlinkStick(usb, [], Firmware()).device_names() == [NAME]

    def fail():
        raise UsbError('[Errno 5] Input/Output Error')
    usb.sticks = fail
    with pytest.raises(StickLostError, match='^listing the sticks: .*Input/Output Error, expected '
                       'success of a USB call; is another'):
        XlinkStick(usb, [], Firmware()).device_names()
