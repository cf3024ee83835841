# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A network that the real CPU plugin computes in place of a stick."""

from collections import deque
from typing import Any

import numpy as np
import numpy.typing as npt

# One core is enough for a stick. On some hosts the plugin would compute in bfloat16 by itself.
_ON_CPU = {'INFERENCE_NUM_THREADS': 1, 'NUM_STREAMS': '1', 'INFERENCE_PRECISION_HINT': 'f32'}
_FP16_BYTES = 2


class HostModel:
    """
    A compiled network with the flat input and output of a stick, and the values of FP16.

    The input is one flat array of bytes, as the plugin sends it: the inputs one after another,
    each in its own precision, so that a picture of uint8 is a quarter of one of float32
    (myriad_infer_request.cpp, InferAsync). The output is flat too. Whole numbers above 2048 are
    rounded like all others, which a real stick does not do to outputs of whole numbers.
    """

    def __init__(self, core: Any, model: Any) -> None:
        """
        Compile a network of the real OpenVINO.

        :param core: the real ``Core``.
        :raises RuntimeError: an input has no fixed shape. (A real stick takes some of these: it
            computes for the largest shape.)
        """
        for port in model.inputs:
            if port.partial_shape.is_dynamic:
                raise RuntimeError(
                    f'compiling for simulated NCS 2: input {port.any_name} has the shape '
                    f'{port.partial_shape}; expected a fixed one; reshape the model first')
        self.compiled = core.compile_model(model, 'CPU', _ON_CPU)
        self.name: str = model.get_friendly_name()
        self.size = sum(_FP16_BYTES * int(np.prod(list(node.output(0).shape)))
                        for node in model.get_ops() if node.get_type_name() == 'Constant')
        self.input_bytes = sum(_dtype(port).itemsize * int(np.prod(list(port.shape)))
                               for port in self.compiled.inputs)
        self.output_bytes = sum(
            _FP16_BYTES * int(np.prod(list(port.partial_shape.get_max_shape())))
            for port in self.compiled.outputs if not port.partial_shape.is_dynamic)
        self._request = self.compiled.create_infer_request()
        self._shapes: deque[list[tuple[int, ...]]] = deque()

    def run(self, packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Compute once; :meth:`unpack` takes the results in the same order."""
        inputs, begins_at = {}, 0
        for index, port in enumerate(self.compiled.inputs):
            dtype, shape = _dtype(port), tuple(port.shape)
            ends_at = begins_at + dtype.itemsize * int(np.prod(shape))
            value = packed[begins_at:ends_at].view(dtype).reshape(shape)
            if dtype == np.float32:
                value = value.astype(np.float16).astype(dtype)
            inputs[index] = value
            begins_at = ends_at
        self._request.infer(inputs)
        outputs = [np.array(self._request.get_output_tensor(index).data)
                   for index in range(len(self.compiled.outputs))]
        self._shapes.append([output.shape for output in outputs])
        return np.concatenate([output.reshape(-1).astype(np.float32) for output in outputs])

    def unpack(self, flat: npt.NDArray[np.float16]) -> list[npt.NDArray[Any]]:
        """Return the outputs of the oldest inference, each in its shape and precision."""
        outputs, begins_at = [], 0
        for port, shape in zip(self.compiled.outputs, self._shapes.popleft()):
            ends_at = begins_at + int(np.prod(shape))
            with np.errstate(invalid='ignore'):   # a faulty stick says nan for whole numbers
                outputs.append(flat[begins_at:ends_at].astype(_dtype(port)).reshape(shape))
            begins_at = ends_at
        return outputs


def _dtype(port):
    return np.dtype(port.get_element_type().to_dtype())
