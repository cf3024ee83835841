# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The bus cleaner: resets booted sticks that nobody has; runs in a process of its own.

The vendor's library connects to each such stick at the first listing of a process, and waits for
its answer without a deadline (mvnc_api.c:235, XLink.c:937): one that does not answer blocks every
start. Of a stick that has events left for a process that was killed it aborts (XLink.c:137, 262,
667). So before a worker lets it list the sticks, each of them is emptied and asked to reset
itself. One that does not leave the bus then is dead. It stays claimed here, which makes the
library skip it as in use, and further attempts to revive it are made while the others work.

A stick that somebody has claimed is never touched.
"""

import os
import sys
import threading
import time

from ncs_cluster_detector.sticks import usb_bus
from ncs_cluster_detector.sticks.usb_reset import ask_to_reset
from ncs_cluster_detector.sticks.usb_reset import GRAPH_FILL_BYTES
from ncs_cluster_detector.sticks.usb_reset import TENSOR_FILL_BYTES
from ncs_cluster_detector.wire.messages import BusReport
from ncs_cluster_detector.wire.messages import Clean
from ncs_cluster_detector.wire.messages import DeadStick

# What a dead stick may cost the start of another: these two together.
OWNER_CLAIMS_SEC = 0.1    # a program that boots a stick looks for it every millisecond to claim it
RESET_SEC = 0.7
# A healthy stick is back in its ROM state about 0.8 s after the request; one that takes longer is
# found by the next look for sticks.
RETURN_SEC = 1.0
RETURN_CHECK_SEC = 0.05   # libusb tells nobody here what comes; it is looked for this often
REVIVE_PERIOD_SEC = 10.0
REVIVE_RESET_SEC = 2.0
REVIVED_RETURN_SEC = 3.0
_FAILED_READ_PAUSE_SEC = 1.0


def main(connection, config):
    """
    Clean the bus whenever asked to, until the supervisor is gone.

    :param connection: this end of the pipe.
    :param config: :class:`WorkerConfig`.
    """
    threading.excepthook = _end_with
    try:
        bus, problem = config.driver.usb_bus(), ''
    except usb_bus.UsbUnavailableError as error:
        bus, problem = None, str(error)
    if bus is None:
        connection.send(BusReport(problem=problem, usable=False))
        os._exit(0)
    cleaner = _Cleaner(bus, connection.send)
    try:
        while isinstance(message := connection.recv(), Clean):
            cleaner.clean(message.own_ports)
    except (EOFError, OSError):
        pass   # the supervisor is gone; claims end with this process
    os._exit(0)   # a thread may be inside the system, resetting a dead stick


def _end_with(error):
    """End the process with what was raised in a thread of it; the supervisor quotes it."""
    sys.excepthook(error.exc_type, error.exc_value, error.exc_traceback)
    os._exit(1)


class _Cleaner:
    """One thread calls :meth:`clean`; each dead stick has a thread that alone has its claim."""

    def __init__(self, bus, tell):
        self._bus = bus
        self._tell = tell
        self._lock = threading.Lock()   # for what follows
        self._dead = {}                 # address -> DeadStick
        self._pending = {}              # the same of those that are being reset
        self._problems = set()
        self._old = set()               # addresses of the booted sticks at the last cleaning

    def clean(self, own_ports):
        """Reset what can be reset, wait for its return, and report; see the module's text."""
        with self._lock:
            self._problems = set()
        try:
            self._wait_for_rom(self._reset(self._strays(own_ports)))
        except usb_bus.UsbError as error:
            self._note_problem(f'listing the USB bus: {error}')
        self._report(cleaned=True)

    def _strays(self, own_ports):
        """Return the booted sticks that may be nobody's: not ours, nor dead, nor just booting."""
        booted = self._booted(own_ports)
        if booted.keys() - self._old:
            time.sleep(OWNER_CLAIMS_SEC)
            booted = {address: stick for address, stick in self._booted(own_ports).items()
                      if address in booted}
        self._old = set(booted)
        with self._lock:
            return [stick for address, stick in booted.items() if address not in self._dead]

    def _booted(self, own_ports):
        return {stick.address: stick for stick in self._bus.sticks()
                if stick.booted and stick.port not in own_ports}

    def _reset(self, sticks):
        """Reset sticks at the same time; return the ports of those that have left the bus."""
        left, now = [], time.monotonic()
        threads = [threading.Thread(target=self._reset_one, args=(stick, left), daemon=True)
                   for stick in sticks]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(max(now + RESET_SEC + OWNER_CLAIMS_SEC - time.monotonic(), 0.0))
        with self._lock:   # those that have not left by now
            self._dead.update(self._pending)
            self._pending = {}
        return left

    def _reset_one(self, stick, left):
        claim = self._claim(stick)
        if claim is None:
            return
        with self._lock:
            self._pending[stick.address] = DeadStick(stick.port, time.monotonic())
        if ask_to_reset(claim, RESET_SEC):
            claim.close()
            left.append(stick.port)
            self._forget(stick)
        else:
            self._note_dead(stick)
            threading.Thread(target=self._keep, args=(stick, claim), daemon=True).start()

    def _claim(self, stick):
        """Return the claim of a stick, or None when it is not to be had."""
        try:
            return self._bus.claim(stick)
        except (usb_bus.UsbBusyError, usb_bus.UsbGoneError):
            return None   # it is somebody's, or has just left by itself
        except usb_bus.UsbError as error:
            self._note_problem(
                f'claiming the booted stick at USB port {stick.port}: {error}; install the udev '
                "rules of NCSDK 2 (97-usbboot.rules, product f63b), join group 'users', replug it")
            return None

    def _note_problem(self, text):
        with self._lock:
            self._problems.add(text)

    def _note_dead(self, stick):
        with self._lock:
            pending = self._pending.pop(stick.address, None)
            if pending is not None:   # else it is late, and dead already
                self._dead[stick.address] = pending

    def _forget(self, stick, revived=()):
        """Report that a stick, if it was held to be dead, is not any more."""
        with self._lock:
            self._pending.pop(stick.address, None)
            was_dead = self._dead.pop(stick.address, None) is not None
        if was_dead:
            self._report(revived=revived)

    def _wait_for_rom(self, ports, within_sec=RETURN_SEC):
        """Wait until there is a stick in ROM state at all ports; tell whether it came to that."""
        missing, give_up_at = set(ports), time.monotonic() + within_sec
        while missing and time.monotonic() < give_up_at:
            time.sleep(RETURN_CHECK_SEC)
            missing -= {stick.port for stick in self._bus.sticks() if not stick.booted}
        return not missing

    def _keep(self, stick, claim):
        """Hold a dead stick and try to revive it, until it leaves the bus."""
        fill_bytes = GRAPH_FILL_BYTES
        while not (revived := _revive(claim, fill_bytes)):
            fill_bytes = TENSOR_FILL_BYTES   # less from now on, for the others share the bus
            if _leaves(claim, REVIVE_PERIOD_SEC):
                break
        claim.close()
        try:   # or it was pulled out just then
            revived = revived and self._wait_for_rom([stick.port], REVIVED_RETURN_SEC)
        except usb_bus.UsbError:
            revived = False
        self._forget(stick, (stick.port,) if revived else ())

    def _report(self, **about):
        with self._lock:
            # Of several one is enough, and always the same one.
            self._tell(BusReport(dead=tuple(self._dead.values()),
                                 problem=min(self._problems, default=''), **about))


def _revive(claim, fill_bytes):
    """Reset a dead stick by its USB port, then by asking; tell whether it has left the bus."""
    try:
        claim.reset()
    except usb_bus.UsbGoneError:
        return True
    except usb_bus.UsbError:
        pass   # some hubs cannot; perhaps it answers by now all the same
    return ask_to_reset(claim, REVIVE_RESET_SEC, fill_bytes)


def _leaves(claim, within_sec):
    """Tell whether a stick leaves the bus within a time; what it says is dropped."""
    until = time.monotonic() + within_sec
    while (left_sec := until - time.monotonic()) > 0:
        try:
            claim.read(left_sec)
        except usb_bus.UsbGoneError:
            return True
        except usb_bus.UsbTimeoutError:
            return False
        except usb_bus.UsbError:   # at once, as long as it goes on like that
            time.sleep(min(_FAILED_READ_PAUSE_SEC, left_sec))
    return False
