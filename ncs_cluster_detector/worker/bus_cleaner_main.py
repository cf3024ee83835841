# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The bus cleaner: resets booted sticks that no process has open; runs in a process of its own.

When a process first lists the sticks, the vendor's library connects to each such stick and waits
for its answer without a deadline (mvnc_api.c:235, XLink.c:937): one that does not answer blocks
every start. If a stick has events left for a process that was killed, the library aborts
(XLink.c:137, 262, 667). So before a worker lists the sticks, each such stick is emptied and asked
to reset itself. A stick that then stays on the bus is dead. It stays claimed here, so that the
library skips it as in use, and this process tries again to revive it while the others work.
The supervisor kills this process when it is not needed and has reported no dead stick. So each
stick that may be claimed here is reported.

A stick that any process has claimed is never touched.
"""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence
from multiprocessing.connection import Connection
import os
import sys
import threading
import time
from typing import Any
from typing import TypeAlias

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.sticks import usb_bus
from ncs_cluster_detector.sticks import usb_claim
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.usb_reset import ask_to_reset
from ncs_cluster_detector.sticks.usb_reset import GRAPH_FILL_BYTES
from ncs_cluster_detector.sticks.usb_reset import listen
from ncs_cluster_detector.sticks.usb_reset import revive
from ncs_cluster_detector.sticks.usb_reset import TENSOR_FILL_BYTES
from ncs_cluster_detector.wire import messages

# A dead stick may delay the start of another by these two together.
OWNER_CLAIMS_SEC = 0.1    # a program that boots a stick tries every millisecond to claim it
RESET_SEC = 0.7
# A healthy stick is back in its ROM state about 0.8 s after the request; the next listing finds
# one that takes longer.
RETURN_SEC = 1.0
RETURN_CHECK_SEC = 0.05   # libusb does not report new devices here, so the bus is listed
REVIVE_PERIOD_SEC = 10.0
REVIVE_RESET_SEC = 2.0
REVIVED_RETURN_SEC = 3.0
_FAILED_READ_PAUSE_SEC = 1.0
Address: TypeAlias = tuple[int, int]   # of a stick on the bus, see UsbStick


def main(connection: Connection, driver: Driver) -> None:
    """Clean the bus on request until the supervisor, at the other end of the pipe, has ended."""
    threading.excepthook = _end_with
    try:
        bus, problem = driver.usb_bus(), ''
    except usb_bus.UsbUnavailableError as error:
        bus, problem = None, shown(error)
    if bus is None:
        connection.send(messages.BusReport(problem=problem, usable=False))
        os._exit(0)
    cleaner = _Cleaner(bus, connection.send)
    try:
        while isinstance(message := connection.recv(), messages.Clean):
            cleaner.clean(message.own_ports)
    except (EOFError, OSError):
        pass   # the supervisor has ended; claims end with this process
    os._exit(0)   # a thread may be inside the kernel, resetting a dead stick


def _end_with(error: threading.ExceptHookArgs) -> None:
    """End the process with the exception of a thread; the supervisor quotes it."""
    assert error.exc_value is not None
    sys.excepthook(error.exc_type, error.exc_value, error.exc_traceback)
    os._exit(1)


class _Cleaner:
    """One thread calls :meth:`clean`; each dead stick has a thread that alone holds its claim."""

    def __init__(self, bus: UsbBus, send: Callable[[messages.BusReport], object]) -> None:
        self._bus = bus
        self._send = send
        self._lock = threading.Lock()   # for the attributes below
        self._dead: dict[Address, messages.DeadStick] = {}
        self._pending: dict[Address, messages.DeadStick] = {}   # those that are being reset
        self._problems: set[str] = set()
        self._old: set[Address] = set()   # of the booted sticks at the last cleaning

    def clean(self, own_ports: Collection[str]) -> None:
        """Reset what can be reset, wait for its return, and report; see the module's text."""
        with self._lock:
            self._problems = set()
        try:
            self._wait_for_rom(self._reset(self._strays(own_ports)))
        except usb_claim.UsbError as error:
            self._note_problem(f'listing the USB bus: {error}')
        self._report(cleaned=True)

    def _strays(self, own_ports: Collection[str]) -> list[UsbStick]:
        """Return the booted sticks that may have no owner: not ours, dead or just booting."""
        booted = self._booted(own_ports)
        if booted.keys() - self._old:
            time.sleep(OWNER_CLAIMS_SEC)
            booted = {address: stick for address, stick in self._booted(own_ports).items()
                      if address in booted}
        self._old = set(booted)
        with self._lock:
            return [stick for address, stick in booted.items() if address not in self._dead]

    def _booted(self, own_ports: Collection[str]) -> dict[Address, UsbStick]:
        return {stick.address: stick for stick in self._bus.sticks()
                if stick.booted and stick.port not in own_ports}

    def _reset(self, sticks: Sequence[UsbStick]) -> list[str]:
        """Reset sticks at the same time; return the ports of those that have left the bus."""
        left: list[str] = []
        now = time.monotonic()
        with self._lock:   # before they are claimed, which may take long
            self._pending = {
                stick.address: messages.DeadStick(stick.port, now) for stick in sticks}
        threads = [threading.Thread(target=self._reset_one, args=(stick, left), daemon=True)
                   for stick in sticks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(now + RESET_SEC + OWNER_CLAIMS_SEC - time.monotonic(), 0.0))
        with self._lock:   # sticks that have not left by now are dead
            self._dead.update(self._pending)
            self._pending = {}
        return left

    def _reset_one(self, stick: UsbStick, left: list[str]) -> None:
        claim = self._claim(stick)
        if claim is None:
            self._forget(stick)
        elif ask_to_reset(claim, RESET_SEC):
            claim.close()
            left.append(stick.port)
            self._forget(stick)
        else:
            self._note_dead(stick)
            threading.Thread(target=self._hold_dead, args=(stick, claim), daemon=True).start()

    def _claim(self, stick: UsbStick) -> UsbClaim | None:
        """Return the claim of a stick, or None if it cannot be claimed."""
        try:
            return self._bus.claim(stick)
        except (usb_claim.UsbBusyError, usb_claim.UsbGoneError):
            return None   # another process has it, or it has just left
        except usb_claim.UsbError as error:
            self._note_problem(
                f'claiming the booted stick at USB port {stick.port}: {error}; install the udev '
                "rules of NCSDK 2 (97-usbboot.rules, product f63b), join group 'users', replug it")
            return None

    def _note_problem(self, text: str) -> None:
        with self._lock:
            self._problems.add(shown(text))

    def _note_dead(self, stick: UsbStick) -> None:
        with self._lock:
            pending = self._pending.pop(stick.address, None)
            if pending is not None:   # else it is counted as dead already
                self._dead[stick.address] = pending

    def _forget(self, stick: UsbStick, revived: tuple[str, ...] = ()) -> None:
        """Forget a stick that has left the bus; report it if it counted as dead."""
        with self._lock:
            self._pending.pop(stick.address, None)
            was_dead = self._dead.pop(stick.address, None) is not None
        if was_dead:
            self._report(revived=revived)

    def _wait_for_rom(self, ports: Collection[str], within_sec: float = RETURN_SEC) -> bool:
        """Wait until all ports have a stick in ROM state; return whether they do."""
        missing, give_up_at = set(ports), time.monotonic() + within_sec
        while missing and time.monotonic() < give_up_at:
            time.sleep(RETURN_CHECK_SEC)
            missing -= {stick.port for stick in self._bus.sticks() if not stick.booted}
        return not missing

    def _hold_dead(self, stick: UsbStick, claim: UsbClaim) -> None:
        """Hold a dead stick and try to revive it, until it leaves the bus."""
        fill_bytes = GRAPH_FILL_BYTES
        while not (revived := revive(claim, REVIVE_RESET_SEC, fill_bytes)):
            fill_bytes = TENSOR_FILL_BYTES   # less from now on, because others share the bus
            if _leaves_bus(claim, REVIVE_PERIOD_SEC):
                break
        claim.close()
        try:   # it may have been pulled out at this moment
            revived = revived and self._wait_for_rom([stick.port], REVIVED_RETURN_SEC)
        except usb_claim.UsbError:
            revived = False
        self._forget(stick, (stick.port,) if revived else ())

    def _report(self, **about: Any) -> None:
        with self._lock:
            # One problem is enough, and always the same one.
            self._send(messages.BusReport(
                dead=tuple(self._dead.values()), problem=min(self._problems, default=''), **about))


def _leaves_bus(claim: UsbClaim, within_sec: float) -> bool:
    """Return whether a stick leaves the bus within a time; drop the data that it sends."""
    try:
        listen(claim, time.monotonic() + within_sec, retry_sec=_FAILED_READ_PAUSE_SEC)
    except usb_claim.UsbGoneError:
        return True
    return False
