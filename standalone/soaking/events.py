# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Carries out the events of a plan on the running node."""

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from soaking import plan
from soaking.camera import Camera
from soaking.gaps import Trouble
from soaking.node import SoakedNode
from soaking.plan import Event
from soaking.station import Station


class Events:
    """
    Does what each event says.

    ``done`` are pairs (seconds, event) with whether it could be done, ``troubles`` the faults of
    the double with their times.
    """

    def __init__(self, node: SoakedNode, station: Station, camera: Camera,
                 clock: Callable[[], float]) -> None:
        self.done: list[tuple[float, Event, bool]] = []
        self.troubles: list[Trouble] = []
        self._begun: dict[str, float] = {}   # port -> since when it has a fault
        self._node, self._station, self._camera, self._clock = node, station, camera, clock
        self._actions: dict[str, Callable[[str, Any], Any]] = {
            plan.FAULT: self._fault,
            plan.HEAL: self._heal,
            plan.KILL: self._kill,
            plan.SET: lambda name, value: station.set_parameters({name: value}),
            plan.REFUSE: lambda name, value: station.set_parameters(
                {name: value}, accepted=False),
            plan.SHOW: lambda kind, _: camera.show(kind),
            plan.CAMERA: lambda _, silence_sec: camera.change(silence_sec),
            plan.LISTEN: lambda topic, _: station.listen(topic),
            plan.LEAVE: lambda topic, _: station.leave(topic),
            plan.SWITCH: lambda *_: station.switch_cluster(),
        }

    def do(self, event: Event) -> None:
        """Carry out an event other than a restart."""
        self._camera.look_after_changes()
        was_done = self._actions[event.kind](event.on, event.value) is not False
        self.done.append((self._clock(), event, was_done))

    def unplug(self, ports: Iterable[str]) -> bool:
        """Unplug the sticks in these ports; return whether there is one."""
        plugged = [port for port in ports if self._node.bus.port(port).state().plugged]
        for port in plugged:
            self._node.bus.inject(port, 'unplug')
        return bool(plugged)

    def heal_all(self) -> None:
        """End all faults, and plug all sticks in."""
        for port in plan.PORTS:
            self._heal(port)

    def end_of_life(self) -> None:
        """Note that all faults end with the node and its bus."""
        for port in tuple(self._begun):
            self._end_trouble(port)

    def _fault(self, port, words):
        if words[0] == 'unplug' and not self._node.bus.port(port).state().plugged:
            return False
        self._begun.setdefault(port, self._clock())
        self._node.bus.inject(port, *words)
        return True

    def _heal(self, port, _=None):
        if not self._node.bus.port(port).state().plugged:
            self._node.bus.inject(port, 'plug')
        self._node.bus.inject(port, 'clear')
        self._end_trouble(port)

    def _end_trouble(self, port):
        begun = self._begun.pop(port, None)
        if begun is not None:
            self.troubles.append(Trouble(port, begun, self._clock()))

    def _kill(self, port, number):
        """Send a signal to the worker that has the stick open."""
        pid = self._node.bus.port(port).holder()
        # The double names the holder; only a process of this node is meant.
        return (pid is not None and pid != self._node.pid
                and self._node.process.signal_worker(pid, number))
