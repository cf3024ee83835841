# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A device of OpenVINO as a stick: a processor, or a Neural Compute Stick 2."""

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.sticks.machine_lock import MachineLock
from ncs_cluster_detector.sticks.openvino import devices
from ncs_cluster_detector.sticks.openvino.loaded_network import LoadedNetwork
from ncs_cluster_detector.sticks.openvino.reasons import reason_of
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.stick import ThermalState
import numpy as np
import numpy.typing as npt


# In the texts of errors that concern a stick, not a network, which is compiled before the stick is
# opened: it is absent or another process has it; it did not boot; it was lost; it is full. Source:
# myriad_executor.cpp of OpenVINO 2022.3.
_OF_STICKS = ('not found', 'not opened', 'NC_ERROR', 'Maximum number of networks')


def real_core() -> Any:
    """Return a ``Core`` of OpenVINO; SdkMissingError if that cannot be loaded."""
    return import_openvino().Core()


class OpenVinoStick(Stick):
    """One of the devices that the user has named; OpenVINO is loaded when it is needed."""

    def __init__(self, graphs: Sequence[bytes], names: Sequence[str], cpu_threads: int,
                 make_core: Callable[[], Any] = real_core) -> None:
        """
        Prepare; nothing is loaded or opened yet.

        :param graphs: networks as :mod:`network_file` packs them, in the order of the outputs.
        :param names: the devices, see :func:`devices.check_devices`.
        :param cpu_threads: how many threads a processor may take for its inferences.
        :param make_core: returns OpenVINO's ``Core``.
        """
        self._graphs = graphs
        self._names = names
        self._cpu_threads = cpu_threads
        self._make_core = make_core
        self._core_or_none: Any = None
        self._networks: list[LoadedNetwork] = []
        self._name = self._device = ''
        self._sent = self._received = 0   # each is written by one thread only
        self.has_failed = False

    @property
    def _core(self) -> Any:
        if self._core_or_none is None:
            self._core_or_none = self._make_core()
            devices.check_present(self._core_or_none, self._names)
        return self._core_or_none

    @property
    def has_thermometer(self) -> bool:   # type: ignore[override]
        """Tell whether it is a stick: OpenVINO tells no temperature of a processor."""
        return self._device.partition('.')[0] == devices.STICKS

    @property
    def inputs(self) -> Sequence[NetworkInput]:
        """Return the form of each network's input."""
        return [network.network_input for network in self._networks]

    @property
    def input_sizes(self) -> list[tuple[int, int]]:
        """Return (width, height) of each network's input."""
        return [form.size for form in self.inputs]

    def device_names(self) -> list[str]:
        """Return the names of all members; a stick that a process has open is not listed."""
        return [*self._devices()]

    def _devices(self) -> dict[str, str]:
        """Return OpenVINO's names of the devices, by the names of members."""
        found = devices.others_of(self._names)
        if {*self._names} - {devices.PROCESSOR}:
            self._call('looking for devices', lambda: self._core)   # which checks them
        if devices.STICKS in self._names:
            found |= self._call('looking for sticks', lambda: devices.sticks_of(self._core))
        return found

    def open_stick(
            self, wanted: str, other_ports: Iterable[str] = (),
            tell: Callable[[OpeningStep], object] = lambda step: None) -> None:
        """Load the networks on a device, which opens it."""
        found = {port_of(name): device for name, device in self._devices().items()}
        if port_of(wanted) not in found:
            raise StickNotFoundError(
                f'opening {wanted}: OpenVINO lists {", ".join(found.values()) or "no stick"}, '
                f'expected it at port {port_of(wanted)}; plug it in, or end the program that has '
                'it open')
        self._name, self._device = wanted, found[port_of(wanted)]
        # A stick's boot fails when another one comes or goes meanwhile (ncDeviceOpen of
        # mvnc_api.c, which has a lock of its own, but with all the waiting in it).
        with MachineLock() if self.has_thermometer else nullcontext():
            tell(OpeningStep.OPENING)
            config = self._call('preparing the device', self._config)
            for index, graph in enumerate(self._graphs):
                self._load(index, graph, config)
                if not index:
                    tell(OpeningStep.OPENED)

    def send(self, tensors: Sequence[npt.NDArray[Any]]) -> None:
        """Start the inferences of a frame."""
        for network, tensor in zip(self._networks, tensors, strict=True):
            self._call('starting an inference', network.start, tensor)
        self._sent += 1

    def receive(self) -> list[npt.NDArray[np.float32]]:
        """Return the oldest vectors, one per network; see networks/ssd.py."""
        vectors = [self._call('reading a result', network.result) for network in self._networks]
        self._received += 1
        return vectors

    def thermal_state(self) -> ThermalState:
        """Return the temperature of a stick; its throttling level is not told, so 0."""
        if not self.has_thermometer:
            return ThermalState(None, 0)
        celsius = self._call('reading the temperature', lambda: float(
            self._networks[0].compiled.get_property('DEVICE_THERMAL')))
        return ThermalState.checked(celsius, 0)

    def close(self) -> None:
        """Release the networks; OpenVINO closes a device that none is on."""
        while self._received < self._sent and not self.has_failed:
            self.receive()
        if not self.has_failed:
            self._networks.clear()
            self._core_or_none = None

    def _config(self) -> Mapping[str, object]:
        """Return the properties with which the device takes networks."""
        if self._device != devices.PROCESSOR:
            return {}
        return devices.cpu_properties(self._core, self._cpu_threads)

    def _load(self, index: int, graph: bytes, config: Mapping[str, object]) -> None:
        try:
            self._networks.append(LoadedNetwork(self._core, graph, self._device, config))
        except Exception as error:   # RuntimeError, and others when memory is short
            self.has_failed = True
            attempt = (f'loading graph {index} ({len(graph)} bytes) on {self._name}: '
                       f'{reason_of(error)}')
            if any(words in str(error) for words in _OF_STICKS):
                raise StickOpenError(
                    f'{attempt}, expected a stick that starts; another program may hold it, or '
                    'its power is too weak: plug it into a hub with its own power supply'
                ) from error
            raise GraphRejectedError(
                f'{attempt}, expected a network that {self._device} runs; take another one, or '
                'another device in openvino.devices') from error

    def _call(self, attempt: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except RuntimeError as error:
            self.has_failed = True
            raise StickLostError(
                f'{attempt} on {self._name or "any device"}: {reason_of(error)}, expected an '
                'answer; if it happens again, plug a stick into a hub with its own power supply, '
                'or name another device') from error
