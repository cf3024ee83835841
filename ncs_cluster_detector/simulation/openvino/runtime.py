# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A software double of ``openvino`` with the plugin for NCS 2: the same names and behaviour.

:func:`plug_in` adds the simulated sticks; before it is called there are none, except in a process
whose environment names a bus (see ``SimulatedBus``). All but the sticks is the real OpenVINO, of
whatever version from 2022.1 on: its models, its other devices, and what else this module is asked
for, such as ``Tensor``.

The rules of the sticks are those of OpenVINO 2022.3, the last one with the plugin; a name of a
file with a function stands for its source there, below ``src/plugins/intel_myriad``. Left out are
cached and imported networks, PCIe, callbacks and counters of requests, and what happens when some
other stick comes or goes while one boots: the real library then fails to find the booted one
(mvnc_api.c, ncDeviceOpen counts the devices).
"""

from collections.abc import Mapping
import os
from typing import Any

from ncs_cluster_detector.simulation.api import process_state
from ncs_cluster_detector.simulation.api.process_state import plug_in
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.openvino.compiled_model import CompiledModel
from ncs_cluster_detector.simulation.openvino.config import PluginConfig
from ncs_cluster_detector.simulation.openvino.host_model import HostModel
from ncs_cluster_detector.simulation.openvino.plugin import MyriadPlugin
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino

__all__ = ['BusSpec', 'Core', 'plug_in']

_PLUGIN = 'MYRIAD'


class Core:
    """
    OpenVINO's ``Core`` with the sticks of the bus that is plugged in.

    Making one asks nothing of the sticks: the plugin is loaded when a device is asked for
    (ie_core.cpp, GetCPPPluginByName), and opens none until a network is compiled.
    """

    def __init__(self) -> None:
        """
        Make a core.

        :raises SdkMissingError: OpenVINO is not installed.
        :raises ValueError: the environment does not name a bus.
        """
        self._real = import_openvino().Core()
        bus = process_state.plugged_in_bus()
        self._myriad = None if bus is None else MyriadPlugin(bus)
        self._config = PluginConfig()

    @property
    def available_devices(self) -> list[str]:
        """
        Return the names of all devices.

        Several sticks are ``MYRIAD.1.1-ma2480`` and so on, a single one is ``MYRIAD`` alone
        (ie_core.cpp, GetAvailableDevices); ``get_property('MYRIAD', 'AVAILABLE_DEVICES')`` gives
        the part after the dot in both cases. A stick that another process has booted is not among
        them.
        """
        ids = self._myriad.device_ids() if self._myriad is not None else []
        sticks = [f'{_PLUGIN}.{name}' for name in ids] if len(ids) > 1 else [_PLUGIN] * len(ids)
        return sorted([*self._real.available_devices, *sticks])

    def get_property(self, device_name: str, name: str) -> Any:
        """Return a property of a device; for sticks see :meth:`MyriadPlugin.property_of`."""
        plugin, device_id = self._stick_named(device_name)
        if plugin is None:
            return self._real.get_property(device_name, name)
        return plugin.property_of(device_id, name)

    def get_versions(self, device_name: str) -> dict[str, Any]:
        """Return the versions of a device's plugin; the one for sticks has the core's."""
        plugin, _ = self._stick_named(device_name)
        if plugin is None:
            versions: dict[str, Any] = self._real.get_versions(device_name)
            return versions
        return {device_name: import_openvino().get_version()}

    def set_property(self, *arguments: Any) -> None:
        """
        Set properties, a dictionary, of the device that is named before it, or of all.

        :raises RuntimeError: the device has no such property.
        """
        device_name = arguments[0] if isinstance(arguments[0], str) else ''
        if device_name.partition('.')[0] == _PLUGIN:
            self._config = self._config.with_values(arguments[-1])
        else:
            self._real.set_property(*arguments)

    def read_model(self, *arguments: Any, **options: Any) -> Any:
        """Return a model, as the real core reads it."""
        return self._real.read_model(*arguments, **options)

    def import_model(self, *arguments: Any, **options: Any) -> Any:
        """Return a compiled model that a processor runs; the double compiles none for sticks."""
        return self._real.import_model(*arguments, **options)

    def compile_model(self, model: Any, device_name: str = 'AUTO',
                      config: Mapping[str, Any] | None = None) -> Any:
        """
        Compile a network for a device.

        It is compiled before a stick is opened (myriad_executable_network.cpp), so what is wrong
        with a network is said first.

        :param model: a model, or the path of its file.
        :raises RuntimeError: a stick is in use or gone, does not boot, or takes no network; see
            :meth:`MyriadPlugin.load`.
        """
        plugin, device_id = self._stick_named(device_name)
        if plugin is None:
            return self._real.compile_model(model, device_name, dict(config or {}))
        settings = self._config.with_values(config or {})
        read = self._real.read_model(model) if isinstance(model, (str, os.PathLike)) else model
        return CompiledModel(plugin, HostModel(self._real, read), device_id, settings)

    def _stick_named(self, device_name):
        """Return the plugin, if it is the device's, and the part of the name after the dot."""
        plugin, _, device_id = device_name.partition('.')
        return (self._myriad if plugin == _PLUGIN else None), device_id


def __getattr__(name: str) -> Any:
    """Return anything else of the real module."""
    if name.startswith('__'):
        raise AttributeError(name)
    return getattr(import_openvino(), name)
