# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What runs on a booted stick: the device monitor, the graph monitor, and the inferences."""

import collections
import re
import struct
import time
from typing import Callable

from fake_usb.chip import Chip
from fake_usb.events import Stream
from fake_usb.xlink import XLink
import numpy as np

MONITOR_SIZE = 4096
# As tensorDescriptor_t has them: pictures, channels, width, height, bytes, and steps in bytes from
# column to column, row to row, channel to channel. The output is that of the vendor's compiler.
OUTPUT_SHAPE = (1, 1, 7, 101, 1414, 2, 14, 2)
STAGES = 40
# What a graph tells of itself: milliseconds of each stage, a text, and that it runs.
OPTIONS = 2
GRAPH_OPTIONS = {
    0: struct.pack(f'<{STAGES}f', *[0.25] * STAGES), 1: b'nothing to tell'.ljust(120, b'\0'),
    2: struct.pack('<i', 1)}
ROW_GAP = 64         # bytes behind each row of a padded input
BAD_GRAPH = b'BAD'   # a graph file that begins so is refused
# One that begins so has an input of this width and height in place of 300x300.
INPUT_FORM = re.compile(rb'INPUT (\d+)x(\d+)( planes)?( padded)?')


def input_shape(graph: bytes) -> tuple[int, ...]:
    """Return the descriptor of the input of the network in a graph file."""
    form = INPUT_FORM.match(graph)
    width, height = map(int, form.groups()[:2]) if form else (300, 300)
    planes, padded = form.groups()[2:] if form else (None, None)
    column = 2 if planes else 6
    row = column * width + (ROW_GAP if padded else 0)
    channel = row * height if planes else 2
    return 1, 3, width, height, row * height * (3 if planes else 1), column, row, channel


class Firmware(XLink):
    """The NCSDK 2 firmware, as far as the host's library can see."""

    def __init__(self, chip: Chip, reset: Callable[[], None]) -> None:
        """Start; ``reset`` is called when the host asks for the ROM."""
        super().__init__(chip)
        self.jobs: collections.deque[tuple[int, int, int]] = collections.deque()
        self._reset = reset
        self._pinged = False
        self._fifos: dict[int, Stream] = {}
        self._graphs: dict[int, tuple[Stream, tuple[int, ...]]] = {}   # with their inputs
        self.start(self.receive)
        self.start(self._infer)

    def on_ping(self) -> None:
        """Open the monitors' streams once a host is there."""
        if not self._pinged:
            self._pinged = True
            self.start(self._monitor_device)
            self.start(self._monitor_graphs)

    def on_reset(self) -> None:
        """Hand the wish on."""
        self._reset()

    def _monitor_device(self) -> None:
        with self.chip.changed:
            stream = self.open_stream(b'deviceMonitor', MONITOR_SIZE)
            while True:
                command = self.read(stream)
                kind, group, _ = struct.unpack('<III', command)
                self.release(stream, len(command))
                if kind == 1:
                    celsius = self.chip.faults.get('tells', self.chip.temperature())
                    if 'nan' in self.chip.faults:
                        celsius = float('nan')
                    level = self.chip.faults.get('throttle', 0.0)
                    self.write(stream, struct.pack('<26f', level, *[celsius] * 25))
                elif kind == 2:
                    self.write(stream, struct.pack(
                        '<12I', 10, 10, 500 << 20, 2, 2, 12, 2, 10, 0x2450, 1, 2, 10))
                elif kind == 3:
                    self.write(stream, struct.pack('<I', 30 << 20))
                else:
                    self.chip.log('unknown device command', kind, group)

    def _monitor_graphs(self) -> None:
        with self.chip.changed:
            stream = self.open_stream(b'graphMonitor', MONITOR_SIZE)
            while True:
                command = self.read(stream)
                status = self._obey(command, stream)
                self.release(stream, len(command))
                self.write(stream, struct.pack('<i', status))

    def _obey(self, command: bytes, monitor: Stream) -> int:
        group, kind = struct.unpack_from('<ii', command)
        if group == 0 and kind == 0:
            return self._allocate_graph(command)
        if group == 0 and kind == 1:
            number, = struct.unpack_from('<I', command, 8)
            self.close_stream(self._graphs.pop(number)[0])
        elif group == 0:
            return self._trigger(command)
        elif group == 1 and kind == 0:
            self._allocate_fifo(command)
        elif group == 1:
            self._free_fifo(command)
        elif group == OPTIONS and kind in GRAPH_OPTIONS:
            self.write(monitor, GRAPH_OPTIONS[kind])
        else:
            self.chip.log('unknown group of graph commands', group)
            return 3
        return 0

    def _allocate_graph(self, command: bytes) -> int:
        number, name = struct.unpack_from('<I16s', command, 8)
        stream = self.open_stream(name.split(b'\0')[0], MONITOR_SIZE)
        graph = self.read(stream)
        self.release(stream, len(graph))
        if graph.startswith(BAD_GRAPH):
            self.write(stream, struct.pack('<i', 1))
            return 1
        shape = input_shape(graph)
        for answer in (struct.pack('<i', 0), struct.pack('<8I', *shape),
                       struct.pack('<8I', *OUTPUT_SHAPE), struct.pack('<I', STAGES),
                       struct.pack('<2I', 2, 0)):
            self.write(stream, answer)
        self._graphs[number] = stream, shape
        return 0

    def _trigger(self, command: bytes) -> int:
        number, = struct.unpack_from('<I', command, 8)
        fifo_in, fifo_out = struct.unpack_from('<II', command, 28)
        if number not in self._graphs or not {fifo_in, fifo_out} <= self._fifos.keys():
            self.chip.log('trigger of what is not there')
            return 2
        self.jobs.append((number, fifo_in, fifo_out))
        self.chip.changed.notify_all()
        return 0

    def _allocate_fifo(self, command: bytes) -> None:
        name, number, count = struct.unpack_from('<16sII', command, 8)
        total, = struct.unpack_from('<I', command, 48)
        reads, = struct.unpack_from('<B', command, 64)
        name = name.split(b'\0')[0]
        stream = self.stream(name)
        self._fifos[number] = self.open_stream(name, total * count) if reads else stream
        self.chip.trace('fifo', name, number, count, total, 'read' if reads else 'written')

    def _free_fifo(self, command: bytes) -> None:
        number, = struct.unpack_from('<I', command, 24)
        stream = self._fifos.pop(number)
        while stream.packets:
            self.release(stream, len(stream.packets.popleft()))
        if stream.write_size:
            self.close_stream(stream)

    def _infer(self) -> None:
        while True:
            with self.chip.changed:
                self.wait(lambda: self.jobs)
                number, number_in, number_out = self.jobs.popleft()
                shape = self._graphs[number][1]
                fifo_in, fifo_out = self._fifos[number_in], self._fifos[number_out]
                tensor = self.read(fifo_in)
            began = time.monotonic()
            time.sleep(self.chip.options.compute_sec * self.chip.faults.get('slow', 1.0))
            with self.chip.changed:
                self.chip.work(time.monotonic() - began)
                self.wait(lambda: 'hang-compute' not in self.chip.faults)
                self.release(fifo_in, len(tensor))
                self.chip.inferences += 1
                self.write(fifo_out, self._output(tensor, shape))

    def _output(self, tensor: bytes, shape: tuple[int, ...]) -> bytes:
        """Return one box: its score tells the port, its left border the colour of the picture."""
        output = np.zeros(OUTPUT_SHAPE[4] // 2, np.float16)
        score = 0.8 + int(self.chip.port.split('.')[-1]) / 100
        output[0] = 1
        output[7:14] = (0, 15, score, (self._colour(tensor, shape) + 1) / 4, 0.1, 0.75, 0.9)
        if 'garbage' in self.chip.faults:
            output[:] = np.nan
        return output.tobytes()

    def _colour(self, tensor: bytes, shape: tuple[int, ...]) -> float:
        """Return the value that all of a tensor has; if it has several, no number."""
        _, channels, width, height, size, column, row, channel = shape
        if len(tensor) != size:
            self.chip.log('tensor of', len(tensor), 'bytes for an input of', size)
            return float('nan')
        values = np.ndarray((height, width, channels), np.float16, tensor,
                            strides=(row, column, channel))
        return float(values[0, 0, 0]) if (values == values[0, 0, 0]).all() else float('nan')
