# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
An open stick: its options, graphs and FIFOs, as NCSDK 2 knows them, but with deadlines.

It says to the stick what the vendor's library says (mvnc_api.c), in the same order.
"""

from dataclasses import dataclass
import threading

from ncs_cluster_detector.sticks.input_layout import LARGEST_BYTES
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.xlink import commands
from ncs_cluster_detector.sticks.xlink.commands import Tensor
from ncs_cluster_detector.sticks.xlink.link import Link
from ncs_cluster_detector.sticks.xlink.monitors import checked
from ncs_cluster_detector.sticks.xlink.monitors import Command
from ncs_cluster_detector.sticks.xlink.monitors import DeviceMonitor
from ncs_cluster_detector.sticks.xlink.monitors import GraphMonitor
from ncs_cluster_detector.sticks.xlink.monitors import packets
from ncs_cluster_detector.sticks.xlink.monitors import RefusedError
from ncs_cluster_detector.sticks.xlink.protocol.streams import Stream

# After the ping the stick opens its own streams. Both sides would number streams differently if
# both opened some at once, so it gets time to open them and to take note of the answers. The
# vendor's library sleeps a second, whatever the stick does (mvnc_api.c:585).
_OWN_STREAMS_SEC = 1.0
_SETTLE_SEC = 0.2
_LOAD_SEC = 10.0        # for a stick to take a graph apart, once it has it
# For a result, or room for the next input: longer than a stick pauses at throttling level 2.
INFERENCE_SEC = 15.0
_QUIET_SEC = 0.25       # of a stick that computes, until it is asked whether it answers
_RESET_SEC = 0.5        # for a stick to leave the bus once it has said that it resets
WRONG_FORMAT = 1       # NC_GRAPH_WRONG_INPUT_FORMAT
_NO_WRITER_BYTES = 8    # size of a stream that the host only reads (mvnc_api.c:2448)


@dataclass(frozen=True, eq=False)
class DeviceGraph:
    """A graph on a stick: the form of its input and output, its stages, the file's version."""

    number: int
    stream: Stream
    input: Tensor   # noqa: A003
    output: Tensor
    stages: int
    version: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class DeviceFifo:
    """A queue of ``places`` tensors on a stick; ``lock`` is for those that write or read it."""

    number: int
    stream: Stream
    tensor: Tensor
    places: int
    host_reads: bool
    lock: threading.Lock


class XlinkDevice:
    """A stick that this process has open; any thread may call any method."""

    def __init__(self, link: Link, name: str) -> None:
        """Open the monitors of a stick that answers; StickLostError if it fails."""
        self.name = name
        self._link = link
        link.await_streams(
            frozenset((commands.DEVICE_MONITOR, commands.GRAPH_MONITOR)), _OWN_STREAMS_SEC)
        link.await_end(_SETTLE_SEC)
        self._device = DeviceMonitor(link, name)
        self.capabilities = commands.Capabilities.unpack(
            self._device.ask(commands.CAPABILITIES, commands.CAPABILITIES_ANSWER))
        self._graphs = GraphMonitor(link, name)
        self._fifos: list[DeviceFifo] = []

    @property
    def failure(self) -> StickError | None:
        """Return why the stick cannot be used any more, or None."""
        return self._link.failure

    # ---- options

    def thermal(self) -> tuple[float, ...]:
        """Return the throttling level, then 25 temperatures in degrees Celsius."""
        return commands.THERMAL_ANSWER.unpack(
            self._device.ask(commands.THERMAL, commands.THERMAL_ANSWER))

    def memory_used(self) -> int:
        """Return the bytes of its memory that are used."""
        return int.from_bytes(self._device.ask(commands.MEMORY_USED, commands.NUMBER), 'little')

    def graph_option(self, graph: DeviceGraph, option: int, size: int) -> bytes:
        """Return an option of a graph, one of ``commands``, of ``size`` bytes."""
        what = f'reading option {option} of graph {graph.number}'
        return self._graphs.obey(commands.graph_option(graph.number, option), what, size)

    # ---- graphs

    def allocate_graph(self, number: int, data: bytes, executors: int = 1) -> DeviceGraph:
        """
        Load a graph file.

        :raises RefusedError: the stick does not take it; status 1: it has a wrong format.
        :raises StickLostError: the stick fails.
        """
        what = f'loading graph {number}'
        name = f'graphBuffer{number}'
        stream = self._link.open_stream(name, len(data))
        command = Command(commands.allocate_graph(number, name, executors), what)
        self._graphs.submit(command)
        self._link.write(stream, data)
        answer, = packets(self._link, stream, 1, _LOAD_SEC)
        status, = commands.NUMBER.unpack(checked(answer, commands.NUMBER.size, what, self.name))
        about = [] if status else packets(self._link, stream, 4, _LOAD_SEC)
        try:
            self._graphs.finish(command)
        except RefusedError as error:
            if status != WRONG_FORMAT:
                self.memory_used()   # as the vendor's library, for its log (mvnc_api.c:1139)
            raise RefusedError(str(error), status) from error
        if status:
            raise StickLostError(f'{what} on stick {self.name}: status {status} and no error, '
                                 'expected both or neither; restart the stick')
        forms = (commands.TENSOR, commands.TENSOR, commands.NUMBER, commands.VERSION)
        tensor_in, tensor_out, stages, version = (
            form.unpack(checked(packet, form.size, what, self.name))
            for form, packet in zip(forms, about))
        tensors = Tensor(*tensor_in), Tensor(*tensor_out)
        for tensor in tensors:
            if not 0 < tensor.size <= LARGEST_BYTES:
                raise StickLostError(
                    f'{what} on stick {self.name}: it tells {tensor}, expected a size of at most '
                    f'{LARGEST_BYTES} bytes; restart the stick')
        return DeviceGraph(number, stream, *tensors, stages[0], version)

    def destroy_graph(self, graph: DeviceGraph) -> None:
        """Unload a graph; RefusedError or StickLostError if the stick does not do it."""
        self._graphs.obey(commands.free_graph(graph.number), f'freeing graph {graph.number}')
        self._link.close_stream(graph.stream)

    # ---- FIFOs

    def allocate_fifo(self, number: int, tensor: Tensor, places: int, host_reads: bool,
                      ) -> DeviceFifo:
        """
        Make a FIFO that the host reads, or else writes.

        :raises RefusedError: the stick does not make it.
        :raises StickLostError: the stick fails.
        """
        name = f'FIFO{number}'
        stream = self._link.open_stream(
            name, _NO_WRITER_BYTES if host_reads else tensor.size * places)
        fifo = DeviceFifo(number, stream, tensor, places, host_reads, threading.Lock())
        self._fifos.append(fifo)
        self._graphs.obey(commands.allocate_fifo(number, name, tensor, places, host_reads),
                          f'making FIFO {number}')
        return fifo

    def destroy_fifo(self, fifo: DeviceFifo) -> None:
        """Free a FIFO; RefusedError or StickLostError if the stick does not do it."""
        if not fifo.host_reads:
            self._link.write(fifo.stream, commands.FIFO_END, INFERENCE_SEC)
        self._graphs.obey(commands.free_fifo(fifo.number), f'freeing FIFO {fifo.number}')
        self._fifos.remove(fifo)
        self._link.close_stream(fifo.stream)

    def write_fifo(self, fifo: DeviceFifo, data: bytes | memoryview) -> None:
        """Put a tensor into a FIFO that the host writes; wait until there is room."""
        with fifo.lock:
            self._link.write(fifo.stream, data, INFERENCE_SEC)

    def read_fifo(self, fifo: DeviceFifo, is_watched: bool = False) -> bytes:
        """
        Return the oldest tensor of a FIFO that the host reads, waiting for it.

        :param is_watched: look meanwhile whether the stick still answers: while it computes, it
            need not send anything.
        """
        looks = INFERENCE_SEC // _QUIET_SEC if is_watched else 0
        data = None
        with fifo.lock:
            while looks and (data := self._link.read_if_there(fifo.stream, _QUIET_SEC)) is None:
                self.thermal()
                looks -= 1
            if data is None:
                data = self._link.read(fifo.stream, INFERENCE_SEC)
            self._link.release(fifo.stream)
        try:
            return checked(data, fifo.tensor.size, 'reading a result', self.name)
        except StickLostError as error:
            self._link.lose(str(error))   # what comes next would be taken for something else
            raise

    def trigger(self, graph: DeviceGraph, fifo_in: DeviceFifo, fifo_out: DeviceFifo) -> None:
        """Run a graph on the next tensor; RefusedError or StickLostError if the stick does not."""
        self._graphs.obey(commands.trigger(graph.number, fifo_in.number, fifo_out.number),
                          f'starting graph {graph.number}')

    def infer(self, graph: DeviceGraph, fifo_in: DeviceFifo, fifo_out: DeviceFifo,
              data: bytes | memoryview) -> None:
        """
        Write a tensor, and run a graph on it as soon as the stick has acknowledged it.

        It returns before that; the stick is lost if it refuses.
        """
        command = Command(commands.trigger(graph.number, fifo_in.number, fifo_out.number),
                          f'starting graph {graph.number}', is_awaited=False)
        with fifo_in.lock:
            self._link.write(fifo_in.stream, data, INFERENCE_SEC,
                             lambda: self._graphs.submit(command))

    def write_level(self, fifo: DeviceFifo) -> int:
        """Return the bytes in a FIFO that the stick has not released."""
        return self._link.levels(fifo.stream)[0]

    def read_level(self, fifo: DeviceFifo) -> int:
        """Return the bytes in a FIFO that have come and were not read."""
        return self._link.levels(fifo.stream)[1]

    def close(self) -> None:
        """Reset the stick and release it on USB; if it fails, only release it."""
        try:
            if self._link.failure is None:
                for stream in (*(fifo.stream for fifo in reversed(self._fifos)),
                               self._device.stream, self._graphs.stream):
                    self._link.close_stream(stream)
                self._link.reset()
                self._link.await_end(_RESET_SEC)
        finally:
            self._link.close()
