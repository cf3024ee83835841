# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver for sticks on our own host side of XLink."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from types import SimpleNamespace
from typing import NamedTuple

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.sticks import failures
from ncs_cluster_detector.sticks.input_layout import InputLayout
from ncs_cluster_detector.sticks.stick import GraphLoadError
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import ThermalState
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.xlink.commands import Tensor
from ncs_cluster_detector.sticks.xlink.device import DeviceFifo
from ncs_cluster_detector.sticks.xlink.device import DeviceGraph
from ncs_cluster_detector.sticks.xlink.device import WRONG_FORMAT
from ncs_cluster_detector.sticks.xlink.device import XlinkDevice
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.listing import Listing
from ncs_cluster_detector.sticks.xlink.monitors import RefusedError
from ncs_cluster_detector.sticks.xlink.opening import open_device
import numpy as np
import numpy.typing as npt

# One inference in work and one on its way keep a stick busy.
FIFO_DEPTH = 2


class _Network(NamedTuple):
    """A graph on the stick, its FIFOs, and the layout of its input."""

    graph: DeviceGraph
    fifo_in: DeviceFifo
    fifo_out: DeviceFifo
    layout: InputLayout


class XlinkStick(Stick):
    """A stick on USB, without a library of the vendor."""

    def __init__(self, usb: UsbBus, graph_buffers: Sequence[bytes], firmware: Firmware) -> None:
        """
        Prepare a driver; nothing is opened yet.

        :param graph_buffers: the graph files' contents (bytes), in the order of the outputs.
        """
        self._usb = usb
        self._graph_buffers = graph_buffers
        self._firmware = firmware
        self._listing = Listing(usb)
        self._device_or_none: XlinkDevice | None = None
        self._networks: list[_Network] = []
        # Each is written by one thread only.
        self._sent = 0
        self._received = 0

    @property
    def has_failed(self) -> bool:   # type: ignore[override]
        """Return whether the link to the stick is down."""
        return self._device_or_none is not None and self._device_or_none.failure is not None

    @property
    def input_sizes(self) -> list[tuple[int, int]]:
        """Return (width, height) of each network's input, as its graph says."""
        return [network.layout.size for network in self._networks]

    def device_names(self) -> list[str]:
        """Return the names of all sticks; see :class:`Listing`."""
        try:
            return self._listing.names()
        except UsbError as error:
            raise StickLostError(f'listing the sticks: {error}, expected success of a USB call; '
                                 'is another program resetting the USB bus?') from error

    def open_stick(
            self, wanted: str, other_ports: Iterable[str] = (),
            tell: Callable[[OpeningStep], object] = lambda step: None) -> None:
        """Open the stick at the port of ``wanted`` and load the networks."""
        self._device_or_none = open_device(
            self._usb, wanted, self._firmware, other_ports, tell, in_background=False)
        tell(OpeningStep.OPENED)
        for index, graph_buffer in enumerate(self._graph_buffers):
            self._networks.append(self._load(index, graph_buffer))

    def send(self, tensors: Sequence[npt.NDArray[np.float16]]) -> None:
        """Write each network's tensor to its input and start the inferences."""
        for network, tensor in zip(self._networks, tensors, strict=True):
            self._device.infer(network.graph, network.fifo_in, network.fifo_out,
                               network.layout.arranged(tensor).data)
        self._sent += 1

    def receive(self) -> list[npt.NDArray[np.float32]]:
        """Return the oldest outputs, a list of flat float32 arrays, one per network."""
        read = self._device.read_fifo
        outputs = [_values(read(network.fifo_out, is_watched=True), network.graph.output)
                   for network in self._networks]
        self._received += 1
        return outputs

    def thermal_state(self) -> ThermalState:
        """Return temperature and throttling level; an impossible value becomes None or 0."""
        level, celsius, *_ = self._device.thermal()
        return ThermalState.checked(celsius, level)

    def close(self) -> None:
        """Wait for the pending results, free all and reset the stick; or only release it."""
        if self._device_or_none is None:
            return
        try:
            while self._received < self._sent and not self.has_failed:
                self.receive()
            for network in reversed(self._networks):
                if not self.has_failed:
                    self._device.destroy_fifo(network.fifo_in)
                    self._device.destroy_fifo(network.fifo_out)
                    self._device.destroy_graph(network.graph)
            self._networks.clear()
        finally:
            self._device.close()
            self._device_or_none = None

    @property
    def _device(self) -> XlinkDevice:
        assert self._device_or_none is not None
        return self._device_or_none

    def _load(self, index: int, graph_buffer: bytes) -> _Network:
        device, size = self._device, len(graph_buffer)
        if size > device.capabilities.memory:
            raise failures.refused_graph(
                device.name, index, size, 'larger than its memory',
                f'at most {device.capabilities.memory} bytes', is_file=True)
        try:
            graph = device.allocate_graph(index, graph_buffer)
        except RefusedError as error:
            raise failures.refused_graph(
                device.name, index, size, f'status {error.status}', '0',
                error.status == WRONG_FORMAT) from error
        layout = self._layout_of(index, graph.input)
        output = graph.output
        if output.n != 1 or not ssd.may_be_output(output.h, output.w, output.c) or (
                _end(output) > output.size):
            raise failures.no_detector(
                device.name, index, (output.n, output.c, output.h, output.w))
        try:
            return _Network(
                graph, device.allocate_fifo(2 * index, graph.input, FIFO_DEPTH, False),
                device.allocate_fifo(2 * index + 1, output, FIFO_DEPTH, True), layout)
        except RefusedError as error:
            raise GraphLoadError(f'loading graph {index} ({size} bytes): {error}; if the stick '
                                 'has too many networks, name fewer in graph_paths') from error

    def _layout_of(self, index: int, tensor: Tensor) -> InputLayout:
        descriptor = SimpleNamespace(
            n=tensor.n, c=tensor.c, h=tensor.h, w=tensor.w, hStride=tensor.h_stride,
            wStride=tensor.w_stride, cStride=tensor.c_stride)
        try:
            layout = InputLayout(descriptor)
            if layout.bytes != tensor.size:
                raise ValueError(f'of {tensor.size} bytes, but has {layout.bytes} by its strides')
        except ValueError as error:
            raise failures.unfit_input(self._device.name, index, error) from error
        return layout


def _end(tensor: Tensor) -> int:
    """Return how many bytes the values of a tensor reach over."""
    return 2 + sum(stride * (count - 1) for stride, count in (
        (tensor.h_stride, tensor.h), (tensor.w_stride, tensor.w), (tensor.c_stride, tensor.c)))


def _values(data: bytes, tensor: Tensor) -> npt.NDArray[np.float32]:
    """Return the values of an output, row by row, in a row pixel by pixel, then by channel."""
    values: npt.NDArray[np.float16] = np.ndarray(
        (tensor.h, tensor.w, tensor.c), '<f2', data,
        strides=(tensor.h_stride, tensor.w_stride, tensor.c_stride))
    return values.astype(np.float32).reshape(-1)
