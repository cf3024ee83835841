# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver ``simulated``: software doubles of sticks, all on one simulated bus."""

from dataclasses import dataclass
from typing import Any
from typing import Mapping
from typing import Sequence

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.networks.labels import default_labels
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.openvino import network_file
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import without_pyusb

_PREFIX = 'simulated.'   # of the parameters that are fields of the BusSpec


@dataclass(frozen=True)
class SimulatedDriver(Driver):
    """Sticks behind a double of the vendor's API; all processes share the ``bus`` they are on."""

    bus: SimulatedBus

    title = 'simulated sticks'
    description = 'software doubles that heat, cool and really detect'
    default_graph = 'people'
    built_in_graphs = ('people', 'faces', 'shapes')
    graph_description = (
        'also ONNX, TensorFlow Lite and frozen TensorFlow networks, Caffe networks (either file, '
        'the .caffemodel or its .prototxt beside it) and the built-in '
        f'{", ".join(built_in_graphs)} ({default_graph} if none is named)')
    no_stick_found = 'no stick found: start the node with simulated.sticks above 0'
    stick_limits = ('simulated.sticks',)
    preload = ('ncs_cluster_detector.simulation.api.mvncapi',
               'ncs_cluster_detector.simulation.usb.usb_backend')

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Driver:
        """Return the driver with a new bus."""
        return cls(SimulatedBus(BusSpec(library_faults=True, **{
            name.removeprefix(_PREFIX): value for name, value in values.items()
            if name.startswith(_PREFIX)})))

    def read_graph(self, name: str) -> bytes:
        """Return a graph that a host can run, in the form that the double of the API takes."""
        return graphs.read_graph(name)

    def identity(self, graph: bytes) -> bytes:
        """Return the hash of the files that OpenVINO has read, or the graph."""
        facts = _facts_in(graph)
        return graph if facts is None else facts.source.encode()

    def label_counts(self, graph: bytes) -> range | None:
        """Return how many labels fit a built-in graph, or what OpenVINO reads; None for others."""
        facts = _facts_in(graph)
        return graphs.label_counts(graph) if facts is None else facts.label_counts

    def labels(self, graph: bytes, name: str) -> tuple[str, ...]:
        """Return the labels that fit a built-in graph, or those of what OpenVINO reads."""
        facts = _facts_in(graph)
        if facts is not None:
            return facts.labels
        fitting = self.label_counts(graph)
        if fitting is None:
            return default_labels(name)
        return FACE if len(FACE) in fitting else PASCAL_VOC

    def has_background(self, graph: bytes) -> bool:
        """Tell whether class 0 of the network is a background: not of YOLO networks."""
        facts = _facts_in(graph)
        return facts is None or facts.has_background

    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """Return a stick of the bus."""
        from ncs_cluster_detector.simulation.api import mvncapi
        mvncapi.plug_in(self.bus)
        known = [NetworkInput((0, 0)) if facts is None else
                 NetworkInput((0, 0), facts.usual, takes_pixels=facts.takes_pixels)
                 for facts in map(_facts_in, graphs)]
        return NcsdkStick(mvncapi, graphs, usb=self.usb_bus_if_usable(), known=known)

    def usb_bus(self) -> UsbBus:
        """Return the simulated USB bus, as libusb would show it."""
        try:
            from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
        except ImportError as error:   # it has pyusb's interface
            raise without_pyusb(error) from error
        return UsbBus(SimulatedUsbBackend(self.bus))


def _facts_in(graph: bytes) -> network_file.NetworkFacts | None:
    """Return what is known of a network that OpenVINO has read; None for another graph."""
    return network_file.facts_in(graph) if network_file.is_packed(graph) else None
