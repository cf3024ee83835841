# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick as a USB device: its power, what it enumerates as, who holds it, how it is reset."""

from dataclasses import dataclass
import time
from typing import Callable

from fake_usb.chip import Chip
from fake_usb.chip import later
from fake_usb.firmware import Firmware
from fake_usb.protocol import Status

USB_RESET_SEC = 0.2   # how long a call for a reset takes
REPLUG_SEC = 0.3


class Stick:
    """
    A stick in a port: absent, rom, booted, or gone (between two enumerations).

    Each enumeration has a session and an address of its own; a handle belongs to one session, and
    the interface to one handle.
    """

    def __init__(self, chip: Chip, new_session: Callable[[], tuple[int, int]]) -> None:
        """Start unplugged; ``new_session`` returns a session and an address."""
        self.chip = chip
        self.port = chip.port
        self.changed = chip.changed
        self.state = 'absent'
        self.session: int | None = None
        self.address = 0
        self.holder: Handle | None = None
        self.firmware: Firmware | None = None
        self.rom_received = 0
        self.rom_expected: int | None = None
        self.boots = self.resets = self.usb_resets = 0
        self._new_session = new_session
        self._departures = 0

    # ---- power

    def plug(self) -> None:
        """Give it power."""
        with self.changed:
            if self.state == 'absent':
                self.chip.wire_faults.end_spells(self.chip.faults)
                self._enumerate('rom')

    def unplug(self) -> None:
        """Take its power."""
        with self.changed:
            self._leave('absent')

    def replug(self) -> None:
        """Take its power, and give it back after a while."""
        self.unplug()
        later(REPLUG_SEC, self.plug)

    def boot(self) -> None:
        """Be a booted stick at once, as one that another program has left behind."""
        with self.changed:
            if self.state != 'booted':
                self._leave('gone')
                self._enumerate('booted')

    def start_firmware(self) -> None:
        """Boot: the ROM has got all of the firmware."""
        with self.changed:
            if self.state == 'rom':
                self._come_back('booted', 'no-boot-return',
                                self.chip.faults.get('slow-boot', self.chip.options.boot_sec))

    def restart(self) -> None:
        """Return to the ROM."""
        with self.changed:
            if self.state == 'booted':
                self.resets += 1
                self.chip.wire_faults.end_spells(self.chip.faults)
                self._come_back('rom', 'no-reset-return', self.chip.options.reset_sec)

    def record(self, what: str, status: Status = Status.SUCCESS) -> Status:
        """Record what was asked of it, or what it became; return the status."""
        if self.chip.recorder:
            self.chip.recorder.usb(self.port, what, status)
        return status

    # ---- what handles ask for

    def claim(self, handle: 'Handle') -> Status:
        """Give the interface to a handle."""
        with self.changed:
            return self.record('claim', self._claim(handle))

    def _claim(self, handle: 'Handle') -> Status:
        if handle.session != self.session or handle.is_closed:
            return Status.NO_DEVICE
        if self.holder not in (None, handle):
            return Status.BUSY
        if self.holder is None and self.firmware and self.chip.options.stale == 'flush':
            self.firmware.forget()
        self.holder = handle
        return Status.SUCCESS

    def release(self, handle: 'Handle') -> Status:
        """Take the interface from a handle."""
        with self.changed:
            return self.record('release', self._release(handle))

    def _release(self, handle: 'Handle') -> Status:
        if handle.session != self.session:
            return Status.NO_DEVICE
        if self.holder is not handle:
            return Status.NOT_FOUND
        self.holder = None
        return Status.SUCCESS

    def closed(self, handle: 'Handle') -> None:
        """Take note that a handle was closed, or that its process ended."""
        with self.changed:
            handle.is_closed = True
            self.record('close')
            if self.holder is handle:
                self.holder = None
                self.record('let go')
                self.chip.log(f'process {handle.pid} let go of the interface, state {self.state}')

    def configure(self, handle: 'Handle') -> Status:
        """Set the configuration, which Linux refuses while an interface is claimed."""
        with self.changed:
            return self.record('set_configuration', (
                Status.NO_DEVICE if handle.session != self.session else
                Status.SUCCESS if self.holder is None else Status.BUSY))

    def is_there(self, handle: 'Handle') -> Status:
        """Answer what only needs the device."""
        return Status.SUCCESS if handle.session == self.session else Status.NO_DEVICE

    def reset_by_usb(self, handle: 'Handle') -> Status:
        """
        Reset the port, whoever holds the interface.

        A booted stick comes back as another device, the ROM, so that libusb has lost it.
        """
        self.chip.log(f'USB reset by process {handle.pid}, state {self.state}')
        self.record('reset')
        faults = self.chip.faults
        time.sleep(faults.get('hang-usb-reset', faults.get('slow-usb-reset', USB_RESET_SEC)))
        with self.changed:
            if handle.session != self.session:
                return Status.NOT_FOUND
            self.usb_resets += 1
            if 'no-usb-reset' in faults:
                return Status.SUCCESS
            if 'hang-usb-reset' in faults:   # the hub gives up on a device that does not answer
                self._leave('gone')
                return Status.NOT_FOUND
            if self.state == 'rom':
                self.rom_received, self.rom_expected = 0, None
                self.chip.wire_faults.end_spells(faults)
                return Status.SUCCESS
            self.restart()
            return Status.NOT_FOUND

    def _enumerate(self, state: str) -> None:
        self.state = state
        self.session, self.address = self._new_session()
        self.holder = None
        self.rom_received, self.rom_expected = 0, None
        if state == 'booted':
            self.boots += 1
            self.firmware = Firmware(self.chip, self._reset_soon)
        self.changed.notify_all()
        self.chip.log(f'enumerated as {state}, address {self.address}')
        self.record(state)

    def _leave(self, state: str) -> None:
        self._departures += 1
        self.state, self.session, self.holder = state, None, None
        if self.firmware:
            self.firmware.alive = False
        self.firmware = None
        self.changed.notify_all()
        self.chip.log('left the bus,', state)
        self.record(state)

    def _come_back(self, state: str, unless: str, seconds: float) -> None:
        """Leave, and enumerate again after a while if nothing else happens."""
        self._leave('gone')
        departure = self._departures

        def enumerate_again() -> None:
            with self.changed:
                if self.state == 'gone' and self._departures == departure:
                    self._enumerate(state)
        if unless not in self.chip.faults:
            later(seconds, enumerate_again)

    def _reset_soon(self) -> None:
        later(self.chip.options.reset_lag_sec, self.restart)


@dataclass(eq=False)
class Handle:
    """What libusb_open has returned to a process."""

    stick: Stick
    session: int
    pid: int
    is_closed: bool = False
