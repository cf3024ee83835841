# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The plugin for NCS 2: which sticks it lists and has opened, and what it tells of them."""

from dataclasses import dataclass
import threading
import time
from typing import Any
import weakref

from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.openvino import failures
from ncs_cluster_detector.simulation.openvino.config import PluginConfig
from ncs_cluster_detector.simulation.openvino.failures import OpeningFailed
from ncs_cluster_detector.simulation.openvino.host_model import HostModel
from ncs_cluster_detector.simulation.openvino.infer_request import NetworkTraffic
from ncs_cluster_detector.simulation.openvino.opening import library_lock
from ncs_cluster_detector.simulation.openvino.opening import unbooted
from ncs_cluster_detector.simulation.openvino.opening import WatchedConnection
from ncs_cluster_detector.simulation.stick.stick_memory import MOST_GRAPHS
from ncs_cluster_detector.simulation.stick.stick_work import LoadedGraph

# myriad_metrics.cpp, MyriadMetrics; the range is for the default of two executors.
_FULL_NAME = 'Intel Movidius Myriad X VPU'
_FIXED = {
    'FULL_DEVICE_NAME': _FULL_NAME, 'DEVICE_ARCHITECTURE': 'MYRIAD',
    'OPTIMIZATION_CAPABILITIES': ['FP16', 'EXPORT_IMPORT'],
    'RANGE_FOR_ASYNC_INFER_REQUESTS': (3, 6, 1)}


@dataclass(eq=False)
class OpenedStick:
    """A stick in the pool of the plugin, and how many networks it has."""

    name: str
    connection: WatchedConnection
    networks: int = 0

    def thermal(self) -> float:
        """
        Return the temperature in degrees Celsius, the first of the 25 that the stick sends.

        It waits for the stick without a deadline (mvnc_api.c, getThermalStats).

        :raises RuntimeError: the stick was lost, or gives none.
        """
        try:
            self.connection.unit.calls.begin('option')
            return self.connection.stick.thermal_readings()[0]
        except Exception as error:
            raise failures.failure(failures.THERMAL, error) from error


class MyriadPlugin:
    """
    The sticks of one ``Core``.

    A stick that was opened stays in the pool until the process ends or the core and all that it
    has compiled are gone: nothing removes one that was lost (myriad_executor.cpp has only
    closeDevices, which ~Engine calls). So it stays listed, and a network for its name goes to the
    dead link and fails, also when it is plugged in again. Only a new process, or core, opens it.
    """

    def __init__(self, shared_bus: SimulatedBus) -> None:
        """See the sticks of a bus."""
        self.bus = shared_bus
        self._lock = threading.Lock()
        self._pool: list[OpenedStick] = []
        # Also at the end of the program, as a C++ object.
        self._end = weakref.finalize(self, _close, shared_bus, self._pool)

    def device_ids(self) -> list[str]:
        """Return the names of sticks in ROM state and of the pool (myriad_metrics.cpp)."""
        return sorted([*(name for _, name in unbooted(self.bus)),
                       *(stick.name for stick in self._pool)])

    def property_of(self, device_id: str, name: str) -> Any:
        """
        Return a property of a stick (myriad_plugin.cpp, Engine::GetMetric).

        :param device_id: such as ``1.2-ma2480``; empty for the only stick.
        :raises RuntimeError: no or several sticks without a name, or it has no such property.
        :raises TypeError: the temperature of a stick that this core has not opened: the property
            is empty then, which Python cannot take.
        """
        if name == 'AVAILABLE_DEVICES':
            return self.device_ids()
        if name in ('FULL_DEVICE_NAME', 'DEVICE_THERMAL') and not device_id:
            found = self.device_ids()
            if len(found) != 1:
                raise RuntimeError('KEY_DEVICE_ID is undefined.' if found
                                   else 'No devices available.')
            device_id = found[0]
        if name == 'DEVICE_THERMAL':
            for stick in self._pool:
                if stick.name == device_id:
                    return stick.thermal()
            raise TypeError('Failed to convert parameter to Python representation!')
        if name not in _FIXED:
            raise RuntimeError(f'getting the property {name} of MYRIAD: Not Implemented')
        return _FIXED[name]

    def load(self, network: HostModel, device_id: str, config: PluginConfig,
             ) -> tuple[OpenedStick, NetworkTraffic]:
        """
        Bring a network to a stick, which is booted if this core has not done so yet.

        :param device_id: such as ``1.2-ma2480``; empty for any.
        :raises RuntimeError: it is not there or in use, or takes no network.
        """
        stick = self._stick_for(device_id, config)
        unit = stick.connection.unit
        graph = LoadedGraph(network)
        traffic = NetworkTraffic(unit, network, graph, 2 * config.executors, stick.name)
        try:
            # Of all processes only one loads a network at a time, and the other sticks of this
            # one wait meanwhile (mvnc_api.c, lockAllInferences).
            with library_lock(self.bus):
                unit.calls.begin('allocate')
                unit.memory.add_graph(graph, network.size)
                for queue, size in zip(traffic.queues, (network.input_bytes,
                                                        network.output_bytes)):
                    unit.memory.add_fifo(queue, size * queue.capacity)
        except Exception as error:
            stick.networks -= 1
            unload(stick, traffic)
            raise failures.failure(failures.ALLOCATE, error) from error
        return stick, traffic

    def _stick_for(self, device_id, config):
        """Return a stick that counts a further network (myriad_executor.cpp, openDevice)."""
        with self._lock:
            mine = [stick for stick in self._pool if device_id in ('', stick.name)]
            free = [stick for stick in mine if not stick.networks]
            if device_id and mine and not free:
                if mine[0].networks >= MOST_GRAPHS:
                    raise RuntimeError(
                        f'Maximum number of networks reached for device: {device_id}')
                free = mine[:1]
            if not free:
                free = self._opened(device_id, config) or [stick for stick in sorted(
                    mine, key=lambda stick: stick.networks) if stick.networks < MOST_GRAPHS]
            if not free:
                raise RuntimeError(failures.NOT_OPENED)
            free[0].networks += 1
            return free[0]

    def _opened(self, device_id, config):
        """Return a list with the stick, or an empty one when it cannot be opened."""
        if device_id and device_id not in (name for _, name in unbooted(self.bus)):
            raise RuntimeError(f'Myriad device: {device_id} not found.')
        try:
            connection = WatchedConnection(
                self.bus, device_id, config.connect_timeout_sec, config.watchdog)
        except OpeningFailed:
            return []
        self._pool.append(OpenedStick(connection.name, connection))
        return self._pool[-1:]


def unload(stick: OpenedStick, traffic: NetworkTraffic) -> None:
    """Remove a network from a stick."""
    traffic.end()
    unit = stick.connection.unit
    for queue in traffic.queues:
        unit.discard(queue)
        unit.memory.fifos.pop(queue, None)
    unit.memory.graphs.pop(traffic.graph, None)


def _close(shared_bus, pool):
    """Reset all sticks of a plugin, one after another."""
    for stick in pool:
        # The library logs what goes wrong, and goes on (myriad_executor.cpp, closeDevices).
        with library_lock(shared_bus):
            try:
                stick.connection.close()
            except Exception as error:
                print(f'simulated stick {stick.name}: ncDeviceClose failed ({error})', flush=True)
            # Until the stick is back in ROM state (mvnc_api.c, ncDeviceClose).
            time.sleep(shared_bus.bus.close_sec)
