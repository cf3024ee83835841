# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Networks that OpenVINO runs on the host in place of a stick."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.sticks.openvino.devices import cpu_properties
from ncs_cluster_detector.sticks.openvino.loaded_network import LoadedNetwork
from ncs_cluster_detector.sticks.openvino.openvino_stick import real_core
import numpy as np
import numpy.typing as npt


class OpenVinoNetwork:
    """A network with the input and output that an SSD network has on a stick."""

    output_shape = (ssd.MOST_BOXES + 1, ssd.VALUES_PER_BOX, 1)

    def __init__(self, data: bytes) -> None:
        """
        Load the network in bytes that :mod:`network_file` packed.

        It takes one core, as the simulated sticks are the parallel part.
        """
        core = real_core()
        self._network = LoadedNetwork(core, data, 'CPU', cpu_properties(core, threads=1))
        width, height = self._network.network_input.size
        self.input_shape = height, width, 3

    def check_detector(self) -> None:
        """Do nothing: it was found to be one when it was read."""

    def run(self, tensor: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the output vector for an input tensor of the values that the network wants."""
        form = self._network.network_input
        values = np.asarray(tensor).reshape(self.input_shape)
        if form.element == 'uint8':
            values = np.clip(np.rint(values), 0, 255)
        values = values.astype(form.element)
        self._network.start(values.transpose(2, 0, 1) if form.planar else values)
        return self._network.result()
