# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The requests of a network on a simulated NCS 2, computed in the order of their start."""

from collections import deque
from collections.abc import Mapping
from collections.abc import Sequence
import threading
import time
from typing import Any

from ncs_cluster_detector.simulation.openvino import failures
from ncs_cluster_detector.simulation.openvino.host_model import HostModel
from ncs_cluster_detector.simulation.stick.compute_unit import ComputeUnit
from ncs_cluster_detector.simulation.stick.stick_work import LoadedGraph
from ncs_cluster_detector.simulation.stick.stick_work import TensorQueue
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
import numpy as np
import numpy.typing as npt


class InferRequest:
    """
    One inference at a time, with the methods of OpenVINO's class that a driver needs.

    Inputs and outputs are in the tensors of a real request, which does not compute.
    """

    def __init__(self, traffic: 'NetworkTraffic', compiled: object) -> None:
        """Belong to a network on a stick, which stays there as long as its request exists."""
        self._traffic = traffic
        self._compiled = compiled
        self._real = traffic.network.compiled.create_infer_request()
        self._ended = threading.Event()
        self._ended.set()
        self._error = ''

    def start_async(self, inputs: Any = None, userdata: Any = None,
                    share_inputs: bool = False) -> None:
        """
        Begin an inference and return at once.

        :param inputs: a dictionary of arrays by index, name or port, a list of them, or an array;
            None when they are in the tensors already.
        :raises RuntimeError: it is still computing, or an input does not fit.
        """
        self._check_idle()
        for key, value in _by_key(inputs):
            self._set_input(key, value)
        self._ended.clear()
        self._error = ''
        self._traffic.start(self)

    def infer(self, inputs: Any = None, share_inputs: bool = False,
              share_outputs: bool = False) -> Any:
        """Compute once; return the results and raise the errors of :meth:`wait`."""
        self.start_async(inputs)
        self.wait()
        return self.results

    def wait(self) -> None:
        """
        Wait for the end of the inference, for ever if the stick hangs.

        Nothing in the plugin ends such a wait: reads and writes have no deadline (XLinkData.c,
        XLINK_NO_RW_TIMEOUT; PlatformData.c, XLINK_USB_DATA_TIMEOUT), and the watchdog of the host
        gets its answers, or waits for one itself (xlink_device.cpp, sendPingMessage).

        :raises RuntimeError: the stick was lost: it failed to queue the inference, or to read its
            output.
        """
        self._ended.wait()
        if self._error:
            raise RuntimeError(self._error)

    def wait_for(self, timeout: int) -> bool:
        """Return whether the inference ends within ``timeout`` ms, or raise its error."""
        if not self._ended.wait(timeout / 1000.0):
            return False
        self.wait()
        return True

    @property
    def results(self) -> Any:
        """Return the outputs, a dictionary of arrays by port, name or index."""
        self._check_idle()
        return self._real.results

    def get_output_tensor(self, index: int = 0) -> Any:
        """Return the tensor of an output."""
        self._check_idle()
        return self._real.get_output_tensor(index)

    def get_input_tensor(self, index: int = 0) -> Any:
        """Return the tensor of an input, which may be filled before the start."""
        self._check_idle()
        return self._real.get_input_tensor(index)

    def packed(self) -> npt.NDArray[np.uint8]:
        """Return the inputs as the stick gets them."""
        return np.concatenate([
            np.array(self._real.get_input_tensor(index).data).reshape(-1).view(np.uint8)
            for index in range(len(self._traffic.network.compiled.inputs))])

    def end(self, outputs: list[npt.NDArray[Any]], error: str = '') -> None:
        """
        End the inference with outputs, or with the text of an error.

        The error itself would keep this request, and with it the stick, by its traceback.
        """
        for index, output in enumerate(outputs):
            self._real.set_output_tensor(index, import_openvino().Tensor(output))
        self._error = error
        self._ended.set()

    def _set_input(self, key, value):
        tensor = self._real.get_input_tensor(key) if isinstance(key, int) else (
            self._real.get_tensor(key))
        array = value if isinstance(value, np.ndarray) else np.asarray(
            getattr(value, 'data', value))   # of a Tensor
        if array.shape != tensor.data.shape:
            raise RuntimeError(f'starting an inference: input {key} has the shape {array.shape}, '
                               f'expected {tensor.data.shape}')
        tensor.data[...] = array

    def _check_idle(self):
        if not self._ended.is_set():   # the text is that of 2022.3.2
            raise RuntimeError('[ REQUEST_BUSY ] ')


class NetworkTraffic:
    """
    Brings the inputs of one network to the stick, and the outputs back.

    As in the plugin one thread sends, and another reads (myriad_executable_network.h,
    _taskExecutor and _maxTaskExecutorGetResultCount). So a request waits only for those that were
    started before, and a full queue on the stick holds up nobody but the sender.
    """

    def __init__(self, unit: ComputeUnit, network: HostModel, graph: LoadedGraph, places: int,
                 stick: str) -> None:
        """Start the threads; each queue on the stick has room for so many ``places``."""
        self.network = network
        self.graph = graph
        self.queues = TensorQueue(places), TensorQueue(places)
        self._unit = unit
        self._changed = threading.Condition()
        self._to_send: deque[tuple[InferRequest, float]] = deque()
        self._to_read: deque[InferRequest] = deque()
        self._ended = False
        for work in (self._send, self._read):
            threading.Thread(target=work, daemon=True,
                             name=f'stick {stick} {work.__name__.strip("_")}').start()

    def start(self, request: InferRequest) -> None:
        """Compute a request after all that were started before."""
        with self._changed:
            self._to_send.append((request, time.monotonic()))
            self._changed.notify_all()

    def end(self) -> None:
        """End the threads when they have nothing more to do."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _send(self):
        while self._send_one():
            pass

    def _read(self):
        while self._read_one():
            pass

    # In methods of their own, so that a thread that waits keeps no request.

    def _send_one(self):
        order = self._next(self._to_send)
        if order is None:
            return False
        request, began_at = order
        source, target = self.queues
        try:
            self._unit.write(source, request.packed(), 0, began_at)
            self._unit.trigger(self.graph, source, target, at_arrival=True)
        except Exception as error:
            request.end([], str(failures.failure(failures.QUEUE, error)))
            return True
        with self._changed:
            self._to_read.append(request)
            self._changed.notify_all()
        return True

    def _read_one(self):
        request = self._next(self._to_read)
        if request is None:
            return False
        try:
            outputs = self.network.unpack(self._unit.read(self.queues[1])[0])
        except Exception as error:
            request.end([], str(failures.failure(failures.READ, error)))
        else:
            request.end(outputs)
        return True

    def _next(self, orders):
        with self._changed:
            self._changed.wait_for(lambda: orders or self._ended)
            return orders.popleft() if orders else None


def _by_key(inputs):
    """Return (key, value) of all inputs, whatever form they have."""
    if inputs is None:
        return ()
    if isinstance(inputs, Mapping):
        return inputs.items()
    if isinstance(inputs, Sequence):
        return enumerate(inputs)
    return ((0, inputs),)
