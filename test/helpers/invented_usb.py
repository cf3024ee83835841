# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A UsbBus in invented time: sticks that boot, are reset, are refused and leave."""

from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbBusyError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
from ncs_cluster_detector.sticks.usb_reset import RESET_REQUEST

FIRMWARE = bytes(range(250)) * 6
LEAVING_SEC = 0.05
USB_RESET_SEC = 0.2


class Clock:
    """Invented time, in the place of the module ``time``."""

    def __init__(self):
        """Begin at some time."""
        self.now = 1000.0

    def monotonic(self):
        """Return the time."""
        return self.now

    def sleep(self, seconds):
        """Let time pass."""
        assert seconds > 0.0
        self.now += seconds


class InventedUsb:
    """The bus; ``at`` plans what happens to it."""

    def __init__(self):
        """Be empty."""
        self.clock = Clock()
        self.devices = []
        self.looks = 0
        self.claimed = []   # (port, is booted) of all claims that were made
        self._addresses = 4
        self._planned = []

    def plug(self, port, **properties):
        """Return a new Device on the bus."""
        device = Device(self, port, **properties)
        device.enumerate(device.booted)
        return device

    def at(self, seconds, action):
        """Do something when so much time has passed."""
        self._planned.append((self.clock.now + seconds, action))

    def go_on(self):
        """Do what is due."""
        for entry in sorted(self._planned, key=lambda entry: entry[0]):
            if entry[0] <= self.clock.now:
                self._planned.remove(entry)
                entry[1]()

    def next_address(self):
        """Return the address of a device that has just come."""
        self._addresses += 1
        return 1, self._addresses

    def open_claims(self):
        """Return the devices that this process has claimed."""
        return [device for device in self.devices if device.claim]

    # ---- UsbBus

    def sticks(self):
        """Return what is there now."""
        self.go_on()
        self.looks += 1
        return [UsbStick(device.port, device.address, device.booted, device,
                         '' if device.booted else device.kind, device.packet_bytes)
                for device in self.devices]

    def claim(self, stick, configure=False):
        """Claim a device that is still there."""
        self.go_on()
        device = stick.device
        if device not in self.devices or device.address != stick.address:
            raise UsbGoneError('[Errno 19] No such device')
        error = device.refusal(self.clock.now)
        if error is not None:
            raise type(error)(*error.args)   # a new one, as its traceback grows
        if device.is_others or device.claim:
            raise UsbBusyError('[Errno 16] Resource busy')
        self.claimed.append((device.port, device.booted))
        device.is_configured = configure
        device.claim = InventedClaim(device)
        return device.claim

    def is_claimed(self, stick):
        """Return whether anybody has claimed it."""
        try:
            self.claim(stick).close()
        except UsbBusyError:
            return True
        return False


class Device:
    """A stick; its properties are what it does."""

    def __init__(self, usb, port, booted=False, kind='ma2450', packet_bytes=512, boot_sec=0.3,
                 reset_sec=0.8, booted_port=None, is_others=False, is_dead=False,
                 usb_reset_error=UsbGoneError('reset'), refuses=(), refuses_booted=(),
                 write_error=None):
        """
        Take its properties.

        :param refuses: (seconds from when it comes, error) of claims; the same once it is booted.
        :param usb_reset_error: of a reset by USB, None if that changes nothing.
        """
        self.usb, self.port, self.booted, self.kind = usb, port, booted, kind
        self.packet_bytes, self.boot_sec, self.reset_sec = packet_bytes, boot_sec, reset_sec
        self.booted_port, self.is_others, self.is_dead = booted_port, is_others, is_dead
        self.usb_reset_error, self.write_error = usb_reset_error, write_error
        self.refuses, self.refuses_booted = refuses, refuses_booted
        self.address = self.claim = None
        self.is_configured = False
        self.asked_resets = self.usb_resets = 0
        self.loaded = []      # transfers to the ROM

    def enumerate(self, booted):  # noqa: A003 - what it does
        """Come onto the bus."""
        self.booted = booted
        self.address = self.usb.next_address()
        self.here_since = self.usb.clock.now
        self.claim = None
        if booted and self.booted_port:
            self.port = self.booted_port
        self.usb.devices.append(self)

    def leave(self, back_after_sec=None, booted=False):
        """Leave the bus, and come back after a while."""
        if self in self.usb.devices:
            self.usb.devices.remove(self)
            self.claim = None
        if back_after_sec is not None:
            self.usb.at(back_after_sec, lambda: self.enumerate(booted))

    def refusal(self, now):
        """Return the error with which it may not be claimed, or None."""
        for seconds, error in (self.refuses_booted if self.booted else self.refuses):
            if now < self.here_since + seconds:
                return error
        return None

    def take(self, data):
        """Take what was written."""
        if self.write_error is not None:
            raise self.write_error
        if not self.booted:
            self.loaded.append(bytes(data))
            if sum(map(len, self.loaded)) >= len(FIRMWARE):
                self.leave(self.boot_sec, booted=True)
        elif bytes(data) == RESET_REQUEST and not self.is_dead:
            self.asked_resets += 1
            self.usb.at(LEAVING_SEC, lambda: self.leave(self.reset_sec))

    def reset(self):
        """Be reset by USB."""
        self.usb.clock.now += USB_RESET_SEC
        self.usb_resets += 1
        if self.usb_reset_error is None:
            return
        if isinstance(self.usb_reset_error, UsbGoneError):
            self.is_dead = False
            self.leave(self.reset_sec)
        raise self.usb_reset_error


class InventedClaim:
    """The claim of a Device."""

    def __init__(self, device):
        """Belong to the device as it is now."""
        self.device = device
        self.packet_bytes = device.packet_bytes
        self._address = device.address

    def read(self, timeout_sec):
        """Wait in vain, or until the stick leaves."""
        clock, usb = self.device.usb.clock, self.device.usb
        until = clock.now + timeout_sec
        while clock.now < until:
            self._check()
            clock.now = min(clock.now + 0.01, until)
            usb.go_on()
        self._check()
        raise UsbTimeoutError('[Errno 110] Operation timed out')

    def write(self, data, timeout_sec):
        """Let the stick take it."""
        self._check()
        self.device.usb.clock.now += 0.0001
        self.device.take(data)

    def reset(self):
        """Reset the stick."""
        self._check()
        self.device.reset()

    def close(self):
        """Let others claim it."""
        if self.device.claim is self:
            self.device.claim = None

    def _check(self):
        self.device.usb.go_on()
        if self.device.claim is not self or self.device.address != self._address:
            raise UsbGoneError('[Errno 19] No such device')
