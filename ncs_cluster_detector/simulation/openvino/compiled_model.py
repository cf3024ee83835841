# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A network that was compiled for a simulated NCS 2."""

from typing import Any
import weakref

from ncs_cluster_detector.simulation.openvino.config import PluginConfig
from ncs_cluster_detector.simulation.openvino.host_model import HostModel
from ncs_cluster_detector.simulation.openvino.infer_request import InferRequest
from ncs_cluster_detector.simulation.openvino.plugin import MyriadPlugin
from ncs_cluster_detector.simulation.openvino.plugin import unload


class CompiledModel:
    """
    A network on a stick, with the methods of OpenVINO's class that a driver needs.

    It stays on the stick until nothing refers to this object or its requests any more. The stick
    stays booted even then; see :class:`MyriadPlugin`.
    """

    def __init__(self, plugin: MyriadPlugin, network: HostModel, device_id: str,
                 config: PluginConfig) -> None:
        """
        Bring a network to a stick.

        :raises RuntimeError: see :meth:`MyriadPlugin.load`.
        """
        self._plugin = plugin   # which must not end before
        self._network = network
        self._config = config
        self._stick, self._traffic = plugin.load(network, device_id, config)
        weakref.finalize(self, _unload, self._stick, self._traffic).atexit = False

    @property
    def inputs(self) -> Any:
        """Return the ports of the inputs."""
        return self._network.compiled.inputs

    @property
    def outputs(self) -> Any:
        """Return the ports of the outputs."""
        return self._network.compiled.outputs

    def create_infer_request(self) -> InferRequest:
        """Return a new request."""
        return InferRequest(self._traffic, self)

    def get_property(self, name: str) -> Any:
        """
        Return a property (myriad_executable_network.cpp, GetMetric).

        :raises RuntimeError: there is no such property, or the stick does not give it.
        """
        if name == 'DEVICE_THERMAL':
            return self._stick.thermal()
        if name == 'OPTIMAL_NUMBER_OF_INFER_REQUESTS':
            return self._config.optimal_requests
        if name == 'NETWORK_NAME':
            return self._network.name
        raise RuntimeError(f'getting the property {name} of a network on MYRIAD: Not Implemented')


def _unload(stick, traffic):
    stick.networks -= 1
    unload(stick, traffic)
