# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The connection of a process to a simulated stick, from its boot to its reset."""

import threading
import time

from ncs_cluster_detector.simulation import library
from ncs_cluster_detector.simulation.compute_unit import ComputeUnit
from ncs_cluster_detector.simulation.fault_watch import FaultWatch
from ncs_cluster_detector.simulation.mvnc_enums import Status
from ncs_cluster_detector.simulation.stick_model import SimulatedStick

# The vendor's library looks for a stick that it is to boot again and again, every 100 ms of 2.1 s.
_TRIES = 21


class LostInBoot(Exception):
    """The stick has taken its firmware but has not come back to the bus."""


class StickConnection:
    """A stick that is open; other processes see it and cannot have it."""

    def __init__(self, shared_bus, port, name):
        """
        Boot a stick; the caller holds the library's lock.

        :param shared_bus: the :class:`SharedBus`.
        :param port: the stick's :class:`StickPort`.
        :param name: its name when it was listed.
        :raises Exception: status ERROR (it is in use or gone), or the one set by a fault.
        :raises LostInBoot: the stick does not come back.
        """
        _apply_faults(port, 'open')
        if name.endswith('-'):   # the library has no firmware for a stick without a chip
            raise Exception(Status.ERROR)
        self._port = port
        self._claim, self._plugs = _claim_in_rom(port)
        self._watch = None
        try:
            self._watch = FaultWatch(shared_bus.memory.own_path())
            library.count_connection(port.bus)
            self._boot()
        except BaseException as error:
            if not isinstance(error, Exception):   # the program is interrupted meanwhile
                port.reset(self._plugs, 0.0)
            self._let_go()
            raise
        self.stick = SimulatedStick(shared_bus, port)
        self.unit = ComputeUnit(self.stick)
        self._look()   # for what was done before the watch began
        self._watch.start(self._look, f'stick {port.path} watch')

    def close(self):
        """
        Reset the stick and end its threads; calls that wait for it fail with ERROR.

        :raises Exception: the status set by a fault.
        """
        with self.unit.calls.changed:
            self.unit.calls.apply_faults('close')
        self.unit.stop()
        self._port.reset(self._plugs, self._port.bus.close_sec)
        self._let_go()

    def _boot(self):
        bus = self._port.bus
        self._port.boot(self._plugs)
        time.sleep(bus.open_sec)
        if self._port.holds(self._plugs) and not self._port.state().faults.fail_open:
            _apply_faults(self._port, 'open')   # one that was set meanwhile; it stays booted then
            return
        time.sleep(bus.lost_boot_sec - bus.open_sec)
        self._port.reset(self._plugs, 0.0)
        raise LostInBoot(self._port.path)

    def _look(self):
        """Take over what was done to the stick from outside."""
        if self._port.holds(self._plugs):
            self.unit.calls.set_faults(self._port.state().faults)
        else:
            self.unit.calls.lose()

    def _let_go(self):
        if self._watch is not None:
            self._watch.close()
        self._claim.close()


def list_ports(shared_bus):
    """
    Return the ports with a stick that the library finds, in their order.

    A stick with an error in ``enumerate`` ends the list, for the vendor's module takes any error
    for its end.
    """
    ports = []
    for port in shared_bus.ports() if shared_bus is not None else ():
        if port.is_visible():
            try:
                _apply_faults(port, 'enumerate')
            except Exception:
                break
            ports.append(port)
    return ports


def _apply_faults(port, call):
    """Fail with the status that is set for a call, or do not return."""
    faults = port.state().faults
    if call in faults.hang:
        while True:
            threading.Event().wait()
    status = faults.status_of(call)
    if status is not None:
        raise Exception(status)


def _claim_in_rom(port):
    """
    Return the claim of a stick in ROM state and its ``plugs``, looked for again and again.

    :raises Exception: status ERROR: there is none that is free.
    """
    for _ in range(_TRIES):
        plugs = port.state().plugs
        claim = port.claim(plugs) if port.in_rom() else None
        if claim is not None:
            if port.in_rom():
                return claim, plugs
            claim.close()
        time.sleep(port.bus.failed_open_sec / _TRIES)
    raise Exception(Status.ERROR)
