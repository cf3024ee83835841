# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver ``openvino`` with simulated NCS 2, for tests with real worker processes."""

from dataclasses import dataclass

from ncs_cluster_detector.drivers.openvino import OpenVinoDriver
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.sticks.openvino.openvino_stick import OpenVinoStick


@dataclass(frozen=True)
class MyriadDriver(OpenVinoDriver):
    """The sticks of a ``bus``, behind the double of OpenVINO."""

    bus: SimulatedBus | None = None

    def make_stick(self, graphs):
        """Return a stick of the bus that is not open yet."""
        from ncs_cluster_detector.simulation.openvino import runtime

        def make_core():
            """Return a Core that sees the bus."""
            runtime.plug_in(self.bus)
            return runtime.Core()

        return OpenVinoStick(graphs, self.devices, self.cpu_threads, make_core)
