# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Open a simulated stick as the library in the plugin for NCS 2 does (OpenVINO 2022.3)."""

from collections.abc import Iterator
from contextlib import contextmanager
import math
import threading
import time

from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.openvino.failures import OpeningFailed
from ncs_cluster_detector.simulation.stick import leftovers
from ncs_cluster_detector.simulation.stick.stick_connection import StickConnection
from ncs_cluster_detector.simulation.stick.stick_opening import apply_faults

DEFAULT_CONNECT_TIMEOUT_SEC = 15   # device_connect_timeout.cpp
# For a stick to appear in ROM state (mvnc_api.c, DEVICE_APPEAR_TIMEOUT_ON_OPEN). Both times scale
# with the boot of a simulated stick, as 5 s do in the library of the other API.
_APPEAR_TIMEOUT_SEC = 5
# A ping a second, while the firmware has patience for about 12 (see BusSpec.watchdog_sec).
_PINGS_WITHIN_PATIENCE = 12
_LIBRARY_LOCK = 0   # of the claims of a bus; those of sticks have higher numbers
_TRIES = 21


@contextmanager
def library_lock(shared_bus: SimulatedBus) -> Iterator[None]:
    """
    Keep the libraries of all processes from opening, closing and loading sticks meanwhile.

    The real lock is the file ``/tmp/mvnc.mutex`` (mvnc_api.c, GLOBAL_LOCK), which the system
    releases when a process is killed. A boot holds it to its end, so sticks boot one after another
    on the whole machine. A stick that does not answer when it is opened, loaded or closed holds up
    all processes that do the same, until its process is killed.
    """
    claim = shared_bus.memory.wait_for_claim(_LIBRARY_LOCK)
    try:
        yield
    finally:
        claim.close()


def unbooted(shared_bus: SimulatedBus) -> Iterator[tuple[StickPort, str]]:
    """
    Yield (port, name) of all sticks in ROM state, which alone can be opened.

    Booted ones are not listed, whichever process has them (mvnc_api.c, ncAvailableDevices asks for
    X_LINK_UNBOOTED).
    """
    for port in shared_bus.ports():
        seen = port.visible()
        if seen is None or seen[1].booted:
            continue
        try:
            apply_faults(seen[0].faults, 'enumerate')
        except Exception:   # the words of the fault: the list ends here
            return
        yield port, port.name_of(seen[1])


class WatchedConnection(StickConnection):
    """An open stick, and the thread that gives it signs of life; see :class:`PortWatchdog`."""

    def __init__(self, shared_bus: SimulatedBus, name: str, connect_timeout_sec: float,
                 watchdog: bool) -> None:
        """
        Boot a stick.

        :param name: of the stick; empty for the first one that is in ROM state.
        :param watchdog: whether the stick resets itself when this process is gone.
        :raises OpeningFailed: it is in use or gone, or does not come back from its boot.
        """
        self._enumeration = 0
        self._ended = threading.Event()
        super().__init__(
            shared_bus, lambda: self._open(shared_bus, name, connect_timeout_sec, watchdog),
            wakes_all=True)
        self.name = f'{self._port.path}-{self._port.bus.chip}'   # as before its boot
        if watchdog:
            threading.Thread(target=self._ping, daemon=True,
                             name=f'stick {self._port.path} watchdog').start()

    def close(self) -> None:
        """Reset the stick and end its threads."""
        self._ended.set()
        super().close()

    def _ping(self):
        pause_sec = self._port.bus.watchdog_sec / _PINGS_WITHIN_PATIENCE
        while not self._ended.wait(pause_sec) and self._port.keep_alive(self._enumeration):
            pass

    def _open(self, shared_bus, name, connect_timeout_sec, watchdog):
        with library_lock(shared_bus):
            port, claim, plugs = _claim_unbooted(shared_bus, name)
            try:
                self._boot(port, plugs, connect_timeout_sec, watchdog)
                _connect(port)
            except BaseException as error:
                if not isinstance(error, Exception):   # the program is interrupted meanwhile
                    port.reset(plugs, 0.0)
                claim.close()
                raise
        return port, claim, plugs

    def _boot(self, port, plugs, connect_timeout_sec, watchdog):
        """Boot a stick that is claimed, and wait until it is back on the bus as a new device."""
        give_up_at = time.monotonic() + _scaled(port.bus, connect_timeout_sec)
        faults = port.state().faults
        # An error while the firmware is sent is only logged: the wait begins all the same
        # (mvnc_api.c, ncDeviceOpen, after bootDevice for USB).
        if not (faults.no_access or faults.nak):
            port.boot(plugs, watchdog)
            link = port.look()[1]
            self._enumeration = link.enumeration
            _sleep_until(min(link.visible_at, give_up_at))
            if port.holds(plugs) and port.has_booted():
                return
        _sleep_until(give_up_at)
        if math.isinf(port.look()[1].visible_at):   # it was lost for good
            port.reset(plugs, 0.0)
        raise OpeningFailed('Failed to find booted device after boot')


def _claim_unbooted(shared_bus, name):
    """
    Claim the stick with a name, or any if it is empty; return port, claim and ``plugs``.

    :raises OpeningFailed: none has been in ROM state for a while.
    """
    for _ in range(_TRIES):
        for port, found in unbooted(shared_bus):
            plugs = port.state().plugs
            claim = port.claim(plugs) if name in ('', found) else None
            if claim is None:   # also when a program with another library opens it
                continue
            if port.in_rom() and port.holds(plugs):
                port.note_holder()
                return port, claim, plugs
            claim.close()
        time.sleep(_scaled(shared_bus.bus, _APPEAR_TIMEOUT_SEC) / _TRIES)
    raise OpeningFailed('no such stick in ROM state')


def _connect(port):
    """Connect to a stick; never return when it does not answer (XLinkDevice.c, XLinkConnect)."""
    faults = port.state().faults
    if faults.silent:
        leftovers.wait_for_ever()
    try:
        apply_faults(faults, 'open')
    except Exception as error:
        raise OpeningFailed(str(error)) from error


def _scaled(bus, seconds):
    """Return a time of the library on a bus."""
    return bus.lost_boot_sec * seconds / _APPEAR_TIMEOUT_SEC


def _sleep_until(deadline):
    time.sleep(max(0.0, deadline - time.monotonic()))
