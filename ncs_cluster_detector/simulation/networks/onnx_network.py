# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""An ONNX network that OpenCV runs on the host in place of a stick."""

import cv2
from ncs_cluster_detector.simulation.networks.formats import onnx_shape
from ncs_cluster_detector.simulation.networks.host_network import HostNetwork
from ncs_cluster_detector.simulation.networks.host_network import picture_size
import numpy as np


class OnnxNetwork(HostNetwork):
    """A network that was exported to ONNX."""

    detections_remedy = 'export this one with a detection output of that form, and no other'

    def __init__(self, data: bytes) -> None:
        """
        Load the network from the bytes of an ONNX file, and compute once.

        :raises ValueError: it is not an ONNX network with one input of 1 x 3 x height x width,
            OpenCV cannot run it, or it has several outputs.
        """
        super().__init__(
            _input_size(data),
            lambda: cv2.dnn.readNetFromONNX(np.frombuffer(data, dtype=np.uint8)),
            'the text of a built-in graph or an ONNX network of layers that OpenCV knows')


def _input_size(data):
    """Return height and width of a model's only input."""
    try:
        shapes = onnx_shape.input_shapes(data)
    except ValueError as error:   # or UnicodeDecodeError
        raise ValueError(f'it is no ONNX network: {error}; expected one, or a text with a line '
                         '"detector: NAME"') from error
    return picture_size(shapes, 'export the network with a fixed input of 1x3xHEIGHTxWIDTH')
