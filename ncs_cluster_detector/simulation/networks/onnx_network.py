# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Networks that were exported to ONNX; OpenCV runs them on the host in place of a stick."""

import cv2
from ncs_cluster_detector.networks.formats import protobuf
from ncs_cluster_detector.simulation.networks.host_network import HostNetwork
from ncs_cluster_detector.simulation.networks.host_network import picture_size
import numpy as np

# The numbers of the fields in onnx.proto.
_GRAPH_OF_MODEL = 7
_INPUT_OF_GRAPH = 11
_INITIALIZER_OF_GRAPH = 5
_NAME_OF_INITIALIZER = 8
_NAME_OF_INPUT = 1
_TYPE_OF_INPUT = 2
_TENSOR_OF_TYPE = 1
_SHAPE_OF_TENSOR = 2
_DIMENSION_OF_SHAPE = 1
_VALUE_OF_DIMENSION = 1
_NAME_OF_DIMENSION = 2


def onnx_network(data: bytes) -> HostNetwork:
    """
    Load the network in the bytes of an ONNX file, and compute once.

    :raises ValueError: it is not an ONNX network with one input of 1 x 3 x height x width,
        OpenCV cannot run it, or it has several outputs.
    """
    return HostNetwork(
        _input_size(data),
        lambda: cv2.dnn.readNetFromONNX(np.frombuffer(data, dtype=np.uint8)),
        'the text of a built-in graph or an ONNX network of layers that OpenCV knows',
        'export this one with a detection output of that form, and no other')


def _input_size(data):
    """Return height and width of a model's only input."""
    try:
        shapes = input_shapes(data)
    except ValueError as error:   # or UnicodeDecodeError
        raise ValueError(f'it is no ONNX network: {error}; expected one, or a text with a line '
                         '"detector: NAME"') from error
    return picture_size(shapes, 'export the network with a fixed input of 1x3xHEIGHTxWIDTH')


def input_shapes(model: bytes) -> dict[str, tuple[int | str, ...]]:
    """
    Return the dimensions of a model's inputs by name, which OpenCV does not report.

    :return: for each input a tuple of numbers; a dimension without one is its name or '?'.
    :raises ValueError: the bytes are not an ONNX file.
    """
    graph = protobuf.only(model, _GRAPH_OF_MODEL)
    # Old files list their weights among the inputs.
    weights = {protobuf.text(protobuf.only(weight, _NAME_OF_INITIALIZER))
               for weight in protobuf.every(graph, _INITIALIZER_OF_GRAPH)}
    shapes = {}
    for value in protobuf.every(graph, _INPUT_OF_GRAPH):
        name = protobuf.text(protobuf.only(value, _NAME_OF_INPUT))
        if name not in weights:
            tensor = protobuf.only(protobuf.only(value, _TYPE_OF_INPUT), _TENSOR_OF_TYPE)
            shape = protobuf.only(tensor, _SHAPE_OF_TENSOR)
            shapes[name] = tuple(map(_dimension, protobuf.every(shape, _DIMENSION_OF_SHAPE)))
    return shapes


def _dimension(message):
    value = protobuf.only(message, _VALUE_OF_DIMENSION, 0)
    if not isinstance(value, int):
        raise ValueError(f'it has {len(value)} bytes where a dimension belongs')
    return value if value > 0 else protobuf.text(protobuf.only(message, _NAME_OF_DIMENSION)) or '?'
