# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Watch the USB bus while a stick is opened: has it booted, and is it the right one.

When a stick does not come back within five seconds of its boot, the library connects to any booted
stick that nobody has claimed, and goes on under the requested name (mvnc_api.c:545).
"""

from collections.abc import Callable
from collections.abc import Iterable
import threading
import time

from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import WrongStickError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbError

CHECK_SEC = 0.1   # libusb does not report new devices here; the SDK looks every millisecond
# The library looks for the stick half a second longer. When it tries a stick that comes back later
# than this is not known, so such a boot is not reported.
WATCH_SEC = 4.5


class OpeningWatch:
    """Watches the bus during one opening; the caller holds the machine lock all the time."""

    def __init__(self, usb: UsbBus, wanted: str, other_ports: Iterable[str]) -> None:
        """
        Note which sticks have booted before the opening.

        :param wanted: device name of the stick.
        :raises UsbError: the bus cannot be listed, or does not show the stick.
        """
        self._usb = usb
        self._wanted = wanted
        self._other_ports = other_ports
        self._opened = threading.Event()
        self._lock = threading.Lock()   # so that BOOTED is never sent after OPENED
        sticks = usb.sticks()
        if port_of(wanted) not in [stick.port for stick in sticks if not stick.booted]:
            raise UsbError(f'no stick that has not booted at port {port_of(wanted)}')
        self._booted_before = {stick.address for stick in sticks if stick.booted}

    def report_boot(self, report: Callable[[], object]) -> None:
        """Call ``report``, in a thread, if the stick is back from its boot in time."""
        threading.Thread(target=self._wait_for_boot, args=(report,), daemon=True).start()

    def check(self) -> None:
        """
        Check after the opening that the right stick was opened; accept it if the bus is not seen.

        The right stick has booted since the beginning, is claimed and is at the requested port: no
        other program starts a stick meanwhile. On some machines a stick has another port path
        after its boot, on the other half of a USB 3 controller. Then it is the only new stick at a
        port where no other stick belongs.

        :raises WrongStickError: another one was opened.
        """
        with self._lock:
            self._opened.set()
        try:
            candidates = self._candidates()
            if len(candidates) == 1 and self._usb.is_claimed(candidates[0]):
                return
            ports = sorted(stick.port for stick in self._usb.sticks() if stick.booted)
        except UsbError:
            return
        raise WrongStickError(
            f'opening stick {self._wanted}: it was not back from its boot in time, and the SDK '
            f'has opened another one in its place (booted are {", ".join(ports) or "none"}), '
            f'expected port {port_of(self._wanted)}; that one is released. If it happens again, '
            'plug the stick into a hub with a power supply of its own')

    def _candidates(self) -> list[UsbStick]:
        """Return the sticks, usually one, that have booted since and can be the right one."""
        new = [stick for stick in self._usb.sticks()
               if stick.booted and stick.address not in self._booted_before]
        return [stick for stick in new if stick.port == port_of(self._wanted)] or [
            stick for stick in new if stick.port not in self._other_ports]

    def _wait_for_boot(self, report: Callable[[], object]) -> None:
        give_up_at = time.monotonic() + WATCH_SEC
        while not self._opened.wait(CHECK_SEC) and time.monotonic() < give_up_at:
            try:
                is_back = bool(self._candidates())
            except UsbError:
                return
            with self._lock:
                if is_back and not self._opened.is_set():
                    report()
                    return
