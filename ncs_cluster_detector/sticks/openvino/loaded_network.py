# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""One network on one device: its requests, and its results as vectors of an SSD network."""

from collections.abc import Mapping
import queue
from typing import Any

from ncs_cluster_detector.sticks.openvino.devices import PROCESSOR
from ncs_cluster_detector.sticks.openvino.model_form import form_of
from ncs_cluster_detector.sticks.openvino.network_file import compiled_in
from ncs_cluster_detector.sticks.openvino.network_file import facts_in
from ncs_cluster_detector.sticks.openvino.network_file import structure_and_weights_in
import numpy as np
import numpy.typing as npt

# One frame in work and one that waits keep a device busy, as with the other drivers.
REQUESTS = 2


class LoadedNetwork:
    """
    A network on a device.

    One thread may call :meth:`start` while another calls :meth:`result`. ``network_input`` is the
    form of its input.
    """

    def __init__(self, core: Any, data: bytes, device: str,
                 config: Mapping[str, object]) -> None:
        """
        Load the network in bytes that :mod:`network_file` packed.

        :param core: OpenVINO's ``Core``.
        :param device: its name for the device; ``config`` are properties of that.
        :raises RuntimeError: the device does not take it, or cannot be opened.
        """
        if device == PROCESSOR:
            self.compiled = core.import_model(compiled_in(data), device, dict(config))
        else:
            structure, weights = structure_and_weights_in(data)
            model = core.read_model(model=structure, weights=weights)
            self.compiled = core.compile_model(model, device, dict(config))
        network_input, self._kind = form_of(self.compiled)
        self.network_input = network_input._replace(usual=facts_in(data).usual)
        self._outputs = range(len(self.compiled.outputs))
        self._free: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._started: queue.SimpleQueue[Any] = queue.SimpleQueue()   # oldest first
        for _ in range(REQUESTS):
            self._free.put(self.compiled.create_infer_request())

    def start(self, tensor: npt.NDArray[Any]) -> None:
        """Start an inference; wait while all requests are in use. RuntimeError if it fails."""
        request = self._free.get()
        request.start_async({0: tensor[np.newaxis]})
        self._started.put(request)

    def result(self) -> npt.NDArray[np.float32]:
        """Wait for the oldest inference; return its vector, see OutputKind.vector."""
        request = self._started.get()
        request.wait()
        outputs = [request.get_output_tensor(number).data for number in self._outputs]
        vector: npt.NDArray[np.float32] = self._kind.vector(outputs)
        self._free.put(request)   # only now, as the outputs are views of its memory
        return vector
