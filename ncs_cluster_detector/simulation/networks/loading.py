# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Load the networks in the graph files of simulated sticks, and OpenCV, which runs them."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.preprocessing import image_of_network_input
from ncs_cluster_detector.simulation.networks.caffe_network import caffe_network
from ncs_cluster_detector.simulation.networks.faces import FaceDetector
from ncs_cluster_detector.simulation.networks.formats import caffe_files
from ncs_cluster_detector.simulation.networks.graphs import built_in_detector
from ncs_cluster_detector.simulation.networks.host_network import HostNetwork
from ncs_cluster_detector.simulation.networks.onnx_network import onnx_network
from ncs_cluster_detector.simulation.networks.openvino_network import OpenVinoNetwork
from ncs_cluster_detector.simulation.networks.people import PeopleDetector
from ncs_cluster_detector.simulation.networks.shapes import detect_shapes
from ncs_cluster_detector.sticks.openvino import network_file
import numpy as np
import numpy.typing as npt

# The built-in graphs: each value makes a function that takes a picture (uint8, height x width x 3,
# blue-green-red) and returns a list of :data:`ssd.Box`.
HOST_DETECTORS = {
    'people': PeopleDetector,
    'faces': FaceDetector,
    'shapes': lambda: detect_shapes,
}


def load_network(graph_bytes: bytes) -> 'HostNetwork | DetectorNetwork | OpenVinoNetwork':
    """
    Return the network in the bytes of a graph file, which need not be a detector.

    :return: object with ``input_shape`` and ``output_shape`` (height, width, channels) and
        ``run(tensor)``, which takes a float array of the input's size and returns a flat
        float32 array of the output's.
    :raises FileNotFoundError: the detector's own files are not installed.
    :raises ValueError: the bytes are of none of the kinds of :func:`graphs.read_graph`.
    """
    detector = built_in_detector(graph_bytes)
    if detector is not None:
        return DetectorNetwork(*detector)
    if network_file.is_packed(graph_bytes):
        return OpenVinoNetwork(graph_bytes)
    is_caffe = caffe_files.is_packed(graph_bytes)
    return caffe_network(graph_bytes) if is_caffe else onnx_network(graph_bytes)


class DetectorNetwork:
    """A detector on the host, with the input and output of an SSD network."""

    output_shape = (ssd.MOST_BOXES + 1, ssd.VALUES_PER_BOX, 1)

    def __init__(self, name: str, size: tuple[int, int], order: str) -> None:
        """
        Load the detector with this built-in name.

        :param size: (width, height) of the input in pixels.
        :param order: of the colours in the input, ``bgr`` or ``rgb``.
        """
        self.input_shape = size[1], size[0], 3
        self._size = size
        self._order = order
        self._detect = HOST_DETECTORS[name]()

    def check_detector(self) -> None:
        """Do nothing: this is a detector."""

    def run(self, tensor: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the output vector for an input tensor of the default mean and scale."""
        return ssd.encode(self._detect(
            image_of_network_input(tensor, self._size, self._order)))
