# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The driver for sticks on the ``mvnc.mvncapi`` API of NCSDK 2.

The API module is an argument: the vendor's on a robot, ``simulation.api.mvncapi`` without sticks.
"""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from contextlib import suppress
from itertools import repeat
from typing import Any

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.sticks import failures
from ncs_cluster_detector.sticks import numpy_compatibility
from ncs_cluster_detector.sticks.input_layout import InputLayout
from ncs_cluster_detector.sticks.opening_watch import OpeningWatch
from ncs_cluster_detector.sticks.stick import checked_name
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.stick import ThermalState
from ncs_cluster_detector.sticks.system_facts import SystemFacts
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbError
import numpy as np
import numpy.typing as npt

# Input FIFOs hold FP16, which is what the stick computes with. FP32 input is converted by the
# vendor's library value by value: measured 0.73 ms for the 270,000 values of a 300 x 300 input on
# an x86 core, with gcc -O2 (numpy's astype: 0.64 ms); with the look-up and the copy before it
# 0.86 ms and 2.7 MB an inference. FP16 straight from the look-up table takes 0.11 ms and 1.1 MB.
# The bytes on the bus are the same.
#
# Output FIFOs hold FP32: when layout and type of host and graph are the same (both FP16), the
# library copies all bytes that came from the stick, even beyond the end of a shorter array
# (mvnc_api.c:2730). FP32 makes it convert the 707 values one by one, each to its own place.
# One inference in work and one on its way keep a stick busy; 2 is also the API's default.
FIFO_DEPTH = 2


class NcsdkStick(Stick):
    """A stick behind a module that speaks the mvnc API."""

    def __init__(
            self, mvncapi: Any, graph_buffers: Sequence[bytes], facts: SystemFacts | None = None,
            usb: UsbBus | None = None, known: Sequence[NetworkInput] = ()) -> None:
        """
        Prepare a driver; nothing is opened yet.

        :param graph_buffers: the graph files' contents (bytes), in the order of the outputs.
        :param facts: where to look for the reason of a failed opening; None is this system.
        :param usb: to check which stick was opened; None for no check.
        :param known: what is known of each network's input besides its graph.
        :raises SdkMissingError: the module is that of NCSDK 1.
        """
        if not hasattr(mvncapi, 'enumerate_devices'):
            raise SdkMissingError(
                f'loading {mvncapi.__name__}: it has no enumerate_devices, so it is of NCSDK 1, '
                'expected NCSDK 2; install NCSDK 2')
        numpy_compatibility.adapt(mvncapi)
        self._api = mvncapi
        self._graph_buffers = graph_buffers
        self._facts = facts if facts is not None else SystemFacts()
        self._usb = usb
        self._known = known
        self._device: Any = None
        self._device_name = ''
        # Graph, input FIFO and output FIFO of each.
        self._networks: list[tuple[Any, Any, Any]] = []
        self._layouts: list[InputLayout] = []    # of their inputs
        # Each is written by one thread only.
        self._sent = 0
        self._received = 0
        self.has_failed = False
        # The API prints to stdout by itself; errors reach us as exceptions.
        self._call('setting the log level', mvncapi.global_set_option,
                   mvncapi.GlobalOption.RW_LOG_LEVEL, mvncapi.LogLevel.FATAL)

    @property
    def inputs(self) -> Sequence[NetworkInput]:
        """Return the form of each network's input."""
        known = self._known or repeat(NetworkInput((0, 0)))
        return [form._replace(size=layout.size) for layout, form in zip(self._layouts, known)]

    @property
    def input_sizes(self) -> list[tuple[int, int]]:
        """Return (width, height) of each network's input, as its graph says."""
        return [layout.size for layout in self._layouts]

    def device_names(self) -> list[str]:
        """Return the names of all sticks; the name of an open one has no chip after the dash."""
        names = []
        for device, name in self._listed():
            self._call('releasing a handle', device.destroy)
            names.append(name)
        return names

    def open_stick(
            self, wanted: str, other_ports: Iterable[str] = (),
            tell: Callable[[OpeningStep], object] = lambda step: None) -> None:
        """Open the stick at the port of ``wanted`` and load the networks."""
        self._pick(wanted)
        watch = self._watch_opening(wanted, other_ports)
        if watch is not None:
            tell(OpeningStep.OPENING)
            watch.report_boot(lambda: tell(OpeningStep.BOOTED))
        try:
            self._device.open()
        except Exception as error:   # the API raises plain Exception(Status.X) only
            # No further call of the library: a failed opening can leave its lock held for ever.
            self.has_failed = True
            raise failures.open_failure(self._device_name, error, self._facts) from error
        if watch is not None:
            watch.check()
        tell(OpeningStep.OPENED)
        for index, graph_buffer in enumerate(self._graph_buffers):
            self._load(index, graph_buffer)

    def send(self, tensors: Sequence[npt.NDArray[np.float16]]) -> None:
        """Write each network's tensor to its input and start the inferences."""
        for (graph, fifo_in, fifo_out), layout, tensor in zip(
                self._networks, self._layouts, tensors, strict=True):
            # No user object: when the call fails, the API would keep it for ever.
            self._call('starting an inference', graph.queue_inference_with_fifo_elem,
                       fifo_in, fifo_out,
                       numpy_compatibility.TensorBytes(layout.arranged(tensor)), None)
        self._sent += 1

    def receive(self) -> list[npt.NDArray[np.float32]]:
        """Return the oldest outputs, a list of flat float32 arrays, one per network."""
        outputs = [self._call('reading a result', fifo_out.read_elem)[0]
                   for _, _, fifo_out in self._networks]
        self._received += 1
        return outputs

    def thermal_state(self) -> ThermalState:
        """Return temperature and throttling level; an impossible value becomes None or 0."""
        option = self._api.DeviceOption
        celsius = self._call('reading the temperature', lambda: float(
            self._device.get_option(option.RO_THERMAL_STATS)[0]))
        level = self._call('reading the throttling level', lambda: int(
            self._device.get_option(option.RO_THERMAL_THROTTLING_LEVEL)))
        return ThermalState.checked(celsius, level)

    def close(self) -> None:
        """Release in reverse order: the SDK crashes on a FIFO whose device is closed already."""
        while self._received < self._sent and not self.has_failed:
            self.receive()
        if self.has_failed:
            return
        for graph, fifo_in, fifo_out in reversed(self._networks):
            for part in (fifo_in, fifo_out, graph):
                self._call('releasing a network', part.destroy)
        self._networks.clear()
        if self._device is not None:
            self._call('closing', self._device.close)
            self._call('releasing the handle', self._device.destroy)
            self._device = None

    def _listed(self) -> list[tuple[Any, str]]:
        """Return (device, name) for every stick; the caller must destroy each device."""
        option = self._api.DeviceOption.RO_DEVICE_NAME
        devices = self._call('listing the sticks', lambda: [
            self._api.Device(handle) for handle in self._api.enumerate_devices()])
        return [(device, self._call('reading a device name', lambda device=device: checked_name(
            device.get_option(option)))) for device in devices]

    def _pick(self, wanted: str) -> None:
        """Keep the handle of the stick at a port, release all others."""
        listed = self._listed()
        reason = failures.reason_not_to_open(wanted, [name for _, name in listed])
        for device, name in listed:
            if reason is None and port_of(name) == port_of(wanted):
                self._device, self._device_name = device, name
            else:
                self._call('releasing a handle', device.destroy)
        if reason is not None:
            raise reason

    def _watch_opening(self, wanted: str, other_ports: Iterable[str]) -> OpeningWatch | None:
        """Return an OpeningWatch, or None when the USB bus cannot be watched."""
        if self._usb is not None:
            with suppress(UsbError):
                return OpeningWatch(self._usb, wanted, other_ports)
        return None

    def _load(self, index: int, graph_buffer: bytes) -> None:
        types = self._api.FifoDataType
        graph = self._call('preparing a graph', self._api.Graph, f'graph{index}')
        try:
            fifo_in, fifo_out = graph.allocate_with_fifos(
                self._device, graph_buffer,
                input_fifo_num_elem=FIFO_DEPTH, input_fifo_data_type=types.FP16,
                output_fifo_num_elem=FIFO_DEPTH, output_fifo_data_type=types.FP32)
        except Exception as error:
            failure = failures.load_failure(self._device_name, index, len(graph_buffer), error)
            # A stick that refuses a file goes on answering (mvnc_api.c:1128).
            self.has_failed = not isinstance(failure, GraphRejectedError)
            raise failure from error
        self._networks.append((graph, fifo_in, fifo_out))
        self._layouts.append(self._input_of(index, fifo_in))
        self._check_output(index, fifo_out)

    def _input_of(self, index: int, fifo: Any) -> InputLayout:
        """Return the InputLayout of a network, and set the library to it."""
        option = self._api.FifoOption
        descriptor = self._call('reading the form of an input', fifo.get_option,
                                option.RO_GRAPH_TENSOR_DESCRIPTOR)
        try:
            layout = InputLayout(descriptor)
        except ValueError as error:
            raise failures.unfit_input(self._device_name, index, error) from error
        host = self._call('reading the form of an input', fifo.get_option,
                          option.RW_HOST_TENSOR_DESCRIPTOR)
        if layout.describe_host(host):
            self._call('setting the form of an input', fifo.set_option,
                       option.RW_HOST_TENSOR_DESCRIPTOR, host)
        return layout

    def _check_output(self, index: int, fifo: Any) -> None:
        output = self._call('reading the form of an output', fifo.get_option,
                            self._api.FifoOption.RO_GRAPH_TENSOR_DESCRIPTOR)
        if output.n != 1 or not ssd.may_be_output(output.h, output.w, output.c):
            raise failures.no_detector(
                self._device_name, index, (output.n, output.c, output.h, output.w))

    def _call(self, attempt: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            self.has_failed = True
            raise failures.call_failure(attempt, self._device_name, error) from error
