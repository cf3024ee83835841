# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A Caffe network that OpenCV runs on the host in place of a stick."""

import cv2
from ncs_cluster_detector.simulation.networks.formats import caffe_definition
from ncs_cluster_detector.simulation.networks.formats import caffe_files
from ncs_cluster_detector.simulation.networks.host_network import HostNetwork
from ncs_cluster_detector.simulation.networks.host_network import picture_size
import numpy as np


class CaffeNetwork(HostNetwork):
    """A network of a prototxt and a caffemodel."""

    detections_remedy = 'end its prototxt with one DetectionOutput layer'

    def __init__(self, data: bytes) -> None:
        """
        Load the network and compute once.

        :param data: bytes of both files, as :mod:`caffe_files` packs them.
        :raises ValueError: this OpenCV cannot read Caffe networks, or the network does not have
            one input of 1 x 3 x height x width and one output, or its files do not match.
        """
        if not hasattr(cv2.dnn, 'readNetFromCaffe'):
            raise ValueError(f'OpenCV {cv2.__version__} cannot read Caffe networks; expected '
                             'OpenCV 4; install that, or export the network to ONNX')
        prototxt, caffemodel = caffe_files.unpack(data)
        definition = caffe_definition.parse_definition(prototxt)
        size = picture_size(
            caffe_definition.input_shapes(definition),
            'take the prototxt for deployment, with a fixed input of 1x3xHEIGHTxWIDTH')
        caffe_definition.check_weights(definition, caffemodel)
        super().__init__(
            size,
            lambda: cv2.dnn.readNetFromCaffe(
                *(np.frombuffer(part, dtype=np.uint8) for part in (prototxt, caffemodel))),
            'the prototxt and the caffemodel of one Caffe network of layers that OpenCV knows')
