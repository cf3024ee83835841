# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver ``openvino``: processors, and Neural Compute Sticks 2, through OpenVINO."""

from dataclasses import dataclass
import importlib.util
import os
from typing import Any
from typing import Mapping
from typing import Sequence

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.sticks.openvino.devices import check_devices
from ncs_cluster_detector.sticks.openvino.devices import STICKS
from ncs_cluster_detector.sticks.openvino.inspection import read_network
from ncs_cluster_detector.sticks.openvino.network_file import facts_in
from ncs_cluster_detector.sticks.openvino.runtime import INSTALL
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.stick import Stick


@dataclass(frozen=True)
class OpenVinoDriver(Driver):
    """The ``devices`` that the user names; each processor takes so many ``cpu_threads``."""

    devices: tuple[str, ...] = ('CPU',)
    cpu_threads: int = 1

    title = 'OpenVINO'
    sdk_module = 'openvino'
    description = ('the processor, a GPU or NPU, and Neural Compute Sticks 2, through OpenVINO; '
                   'see openvino.devices')
    graph_description = ("networks in OpenVINO's own format (.xml), ONNX, TensorFlow Lite or "
                         'frozen TensorFlow graphs')
    no_stick_found = ('no stick found: is one plugged in (lsusb shows 03e7) and not used by '
                      'another program, its udev rule installed, the hub powered?')
    starts_together = True
    reserve_devices = ('CPU', 'GPU')

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Driver:
        """Return the driver; ValueError if a device is none."""
        devices = [name for name in values['openvino.devices'] if name]
        try:
            check_devices(devices)
        except ValueError as error:
            raise ValueError(f'openvino.devices={devices}: {error}') from None
        threads = values['openvino.cpu_threads'] or len(os.sched_getaffinity(0)) // 2
        return cls(tuple(devices), max(threads // max(devices.count('CPU'), 1), 1))

    @classmethod
    def most_sticks(cls, values: Mapping[str, Any]) -> tuple[str, int] | None:
        """Return the devices and their number, unless sticks are among them."""
        named = [name for name in values['openvino.devices'] if name]
        return None if STICKS in named else ('openvino.devices', len(named))

    @classmethod
    def check_installed(cls) -> None:
        """Check that OpenVINO is there."""
        if importlib.util.find_spec(cls.sdk_module) is None:
            raise SdkMissingError(
                f"driver=openvino: the Python module '{cls.sdk_module}' is not installed; "
                f'{INSTALL}, or try -p driver:=simulated')

    def read_graph(self, name: str) -> bytes:
        """Return a network as OpenVINO has read it, with what is known of it."""
        try:
            return read_network(name, self.devices)
        except SdkMissingError as error:
            raise SdkMissingError(f'driver=openvino: {error}') from error

    def identity(self, graph: bytes) -> bytes:
        """Return the hash of the network's files."""
        return facts_in(graph).source.encode()

    def label_counts(self, graph: bytes) -> range | None:
        """Return how many labels there must be, if the network's outputs tell that."""
        return facts_in(graph).label_counts

    def labels(self, graph: bytes, name: str) -> tuple[str, ...]:
        """Return the labels in the network's own file, or those usual for its kind."""
        return facts_in(graph).labels

    def has_background(self, graph: bytes) -> bool:
        """Tell whether class 0 of the network is a background: not of YOLO networks."""
        return facts_in(graph).has_background

    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """Return a device that is not open yet; only here load what runs networks."""
        from ncs_cluster_detector.sticks.openvino.openvino_stick import OpenVinoStick
        return OpenVinoStick(graphs, self.devices, self.cpu_threads)
