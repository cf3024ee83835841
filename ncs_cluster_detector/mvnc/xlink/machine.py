# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The sticks of the machine, as the vendor's library lists, opens and closes them."""

from collections.abc import Callable
import os
import threading
import time

from ncs_cluster_detector.mvnc.api.enums import DeviceState
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.sticks import ListedStick
from ncs_cluster_detector.mvnc.xlink.leftovers import bring_back
from ncs_cluster_detector.mvnc.xlink.open_stick import XlinkOpenStick
from ncs_cluster_detector.mvnc.xlink.reasons import fail
from ncs_cluster_detector.mvnc.xlink.reasons import stick_errors_as_status
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.usb_bus import load_backend
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.xlink.booting import LOOK_SEC
from ncs_cluster_detector.sticks.xlink.booting import ROM_SEC
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.listing import Listing
from ncs_cluster_detector.sticks.xlink.listing import OWNER_CLAIMS_SEC
from ncs_cluster_detector.sticks.xlink.opening import open_device

# Path of the firmware file, for a program and all of its processes; empty: where NCSDK 2 puts it.
FIRMWARE_VARIABLE = 'NCS_FIRMWARE'


def _load_bus() -> UsbBus:
    backend = load_backend()
    # At the end of a program pyusb ends libusb, whatever threads are in its calls: it may crash.
    # The system releases all that a process has.
    finalizer = getattr(backend, '_finalizer', None)
    if finalizer is not None:
        finalizer.detach()
    return UsbBus(backend)


class Machine:
    """The USB bus of the machine, in this process."""

    def __init__(self, load: Callable[[], UsbBus] = _load_bus) -> None:
        """Look at nothing yet; ``load`` returns the bus when it is needed."""
        self._load = load
        self._lock = threading.Lock()
        self._used: tuple[UsbBus, Listing] | None = None
        # In a forked process another thread of the old one may have had the lock.
        os.register_at_fork(after_in_child=self._renew_lock)

    def sticks(self) -> list['XlinkListedStick']:
        """
        Return all sticks in the order of the bus.

        As in the vendor's library the first call in a process resets the sticks that a killed
        process left booted.

        :raises UsbUnavailableError: there is no USB library.
        :raises UsbError: the bus cannot be listed.
        """
        with self._lock:
            if self._used is None:
                usb = self._load()
                bring_back(usb)
                self._used = usb, Listing(usb)
            usb, listing = self._used
            names = listing.names()
        return [XlinkListedStick(usb, name) for name in names]

    def _renew_lock(self) -> None:
        self._lock = threading.Lock()


class XlinkListedStick(ListedStick):
    """A stick on USB."""

    def __init__(self, usb: UsbBus, name: str) -> None:
        """Belong to a bus; ``name`` is the stick's when it was listed."""
        super().__init__(name)
        self._port = port_of(name)
        self._usb = usb
        self._lock = threading.Lock()   # for state and opened

    def open(self) -> None:   # noqa: A003 - the API's name
        """Boot this stick and no other; others of this process may be opened meanwhile."""
        if is_in_use(self.name) or self._is_taken():
            fail(f'opening stick {self.name}: in use by another program, expected a free one; end '
                 'that program, and list the sticks again')
        firmware = Firmware(os.environ.get(FIRMWARE_VARIABLE, ''), '--firmware /path/to/it')
        with stick_errors_as_status():
            opened = XlinkOpenStick(
                open_device(self._usb, self.name, firmware, self._other_ports()))
        with self._lock:
            self.opened, self.state = opened, DeviceState.OPENED

    def close(self) -> None:
        """Reset the stick; return when it is back in its ROM, or has not come back in time."""
        with self._lock:
            opened = self.opened
            if not isinstance(opened, XlinkOpenStick):
                raise Exception(Status.INVALID_HANDLE)
            self.opened, self.state = None, DeviceState.CLOSED
        if opened.close():
            self._await_rom()

    def _is_taken(self) -> bool:
        """Return whether somebody has booted the stick since it was listed."""
        try:
            booted = {stick.address for stick in self._sticks() if stick.booted}
            if booted:
                time.sleep(OWNER_CLAIMS_SEC)
            return any(stick.address in booted and self._usb.is_claimed(stick)
                       for stick in self._sticks())
        except UsbError:
            return False   # the opening tells why

    def _sticks(self) -> list[UsbStick]:
        return [stick for stick in self._usb.sticks() if stick.port == self._port]

    def _other_ports(self) -> list[str]:
        try:
            return [stick.port for stick in self._usb.sticks() if stick.port != self._port]
        except UsbError:
            return []   # which the opening finds too

    def _await_rom(self) -> None:
        give_up_at = time.monotonic() + ROM_SEC
        while not self._is_in_rom() and time.monotonic() < give_up_at:
            time.sleep(LOOK_SEC)

    def _is_in_rom(self) -> bool:
        try:
            return any(not stick.booted for stick in self._sticks())
        except UsbError:
            return False
