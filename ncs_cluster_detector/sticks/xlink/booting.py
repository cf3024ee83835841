# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bring a stick from whatever state it is in to a claimed one that has just booted."""

from collections.abc import Callable
from collections.abc import Iterable
import time

from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import PortNotUniqueError
from ncs_cluster_detector.sticks.stick import StickDeadError
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbAccessError
from ncs_cluster_detector.sticks.usb_claim import UsbBusyError
from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_reset import ask_to_reset
from ncs_cluster_detector.sticks.usb_reset import reset_port
from ncs_cluster_detector.sticks.usb_reset import revive
from ncs_cluster_detector.sticks.xlink.firmware import Firmware

LOOK_SEC = 0.02        # libusb does not report new devices here, so the bus is listed
# For so long somebody else may look at a stick, and the system may set a new one's permissions.
CLAIM_SEC = 1.0
ROM_WRITE_SEC = 2.0    # as the vendor's library (usb_boot.c:45)
# A real stick is back some 0.3 s after its firmware. The vendor's library waits 5 s; nobody else
# waits for this one.
BOOT_SEC = 8.0
# A stick that is another program's is claimed sooner after its boot.
STRANGE_PORT_SEC = 0.3
ASKED_RESET_SEC = 0.7  # for a stick that was left booted to leave the bus; see ask_to_reset
# A stick is back in its ROM 0.8 s after it was told to reset.
ROM_SEC = 3.0
_POWER = 'plug it into a hub with its own power supply'


class Booting:
    """Boots one stick; every wait has a deadline."""

    def __init__(self, usb: UsbBus, wanted: str, other_ports: Iterable[str],
                 firmware: Firmware) -> None:
        """
        Prepare to boot ``wanted``, a device name; its port counts, not the kind.

        :param other_ports: USB ports of the other known sticks.
        """
        self._usb = usb
        self._wanted = wanted
        self._port = port_of(wanted)
        self._other_ports = frozenset(other_ports)
        self._firmware = firmware

    def run(self, tell: Callable[[OpeningStep], object],
            is_silent: bool = False) -> tuple[UsbClaim, UsbStick]:
        """
        Boot the stick; one that was left booted is reset first, by USB if it does not answer.

        :param tell: called with OPENING when the firmware is sent, and with BOOTED.
        :param is_silent: it is known not to answer.
        :return: the claim of the booted stick, and the stick as it was in its ROM.
        :raises StickError: of some kind; the stick is not claimed any more.
        """
        give_up_at = time.monotonic() + ROM_SEC
        while True:
            try:
                return self._boot(tell, is_silent)
            except UsbGoneError as error:
                # It may do what a program has told it that was killed a moment ago.
                if time.monotonic() >= give_up_at or self._await(self._there, ROM_SEC) is None:
                    raise self._failed(error) from error
                time.sleep(LOOK_SEC)
            except UsbError as error:
                raise self._failed(error) from error

    def _boot(self, tell: Callable[[OpeningStep], object],
              is_silent: bool) -> tuple[UsbClaim, UsbStick]:
        stick = self._look()
        if stick.booted:
            stick = self._back_in_rom(stick, is_silent)
        firmware = self._firmware.read(stick.kind, self._wanted)
        tell(OpeningStep.OPENING)
        others = [one for one in self._usb.sticks() if one.port != self._port]
        self._upload(stick, firmware)
        booted = self._await_boot(stick, others)
        if booted is None:
            raise StickOpenError(
                f'opening stick {self._wanted}: not back within {BOOT_SEC:g} s of its boot, '
                f'expected 0.3 s; {_POWER}, or copy the firmware again: '
                "the file may not be this stick's")
        tell(OpeningStep.BOOTED)
        return self._claim(booted), stick

    def _failed(self, error: UsbError) -> StickOpenError:
        return StickOpenError(f'opening stick {self._wanted}: {error}, expected success of a '
                              f'USB call; if it happens again, {_POWER}')

    def _look(self) -> UsbStick:
        self._await(self._there, CLAIM_SEC)   # another program may be just booting it
        sticks = self._usb.sticks()
        there = [stick for stick in sticks if stick.port == self._port]
        if not there:
            found = ', '.join(sorted(stick.port for stick in sticks)) or 'no stick'
            raise StickNotFoundError(
                f'opening stick {self._wanted}: not on the USB bus, found {found}, expected one '
                f'at port {self._port}; plug it in')
        if len(there) > 1:
            raise PortNotUniqueError(
                f'opening stick {self._wanted}: {len(there)} sticks are at port {self._port} of '
                'different USB buses, expected one; plug one into another port')
        return there[0]

    def _back_in_rom(self, stick: UsbStick, is_silent: bool) -> UsbStick:
        """
        Reset a stick that was left booted; return it as it is in its ROM.

        :raises StickDeadError: it does not react, not even to a reset of its USB port.
        """
        claim = self._claim(stick)
        try:
            has_left = (not is_silent and ask_to_reset(claim, ASKED_RESET_SEC)
                        or revive(claim, ASKED_RESET_SEC))
        finally:
            claim.close()
        if not has_left:
            raise StickDeadError(
                f'opening stick {self._wanted}: it has booted and does not answer, not even after '
                'a reset by USB; unplug it and plug it in again')
        found = self._await(self._in_rom, ROM_SEC)
        if found is None:
            raise StickOpenError(f'opening stick {self._wanted}: not back within {ROM_SEC:g} s of '
                                 f'a reset, expected 0.8 s; {_POWER}')
        return found

    def _upload(self, stick: UsbStick, firmware: bytes) -> None:
        """Load the firmware; a ROM that does not take it is reset by USB, and gets it again."""
        try:
            self._send(stick, firmware)
        except UsbGoneError:
            raise
        except UsbError:
            stick_after_reset = self._await(self._in_rom, ROM_SEC)
            if stick_after_reset is None:
                raise
            self._send(stick_after_reset, firmware)

    def _send(self, stick: UsbStick, firmware: bytes) -> None:
        """Send the firmware to the ROM, a packet at a time as the vendor's library does."""
        claim = self._claim(stick, configure=True)
        try:
            for begin in range(0, len(firmware), stick.packet_bytes):
                claim.write(firmware[begin:begin + stick.packet_bytes], ROM_WRITE_SEC)
        except UsbGoneError:
            # After the last byte the ROM may be gone before libusb knows that it has it. One that
            # was unplugged is not back in time.
            pass
        except UsbError:
            reset_port(claim)
            raise
        finally:
            claim.close()

    def _claim(self, stick: UsbStick, configure: bool = False) -> UsbClaim:
        give_up_at = time.monotonic() + CLAIM_SEC
        while True:
            try:
                return self._usb.claim(stick, configure)
            except (UsbBusyError, UsbAccessError) as error:
                if time.monotonic() >= give_up_at:
                    raise self._refused(stick, error) from error
            time.sleep(LOOK_SEC)

    def _refused(self, stick: UsbStick, error: UsbError) -> StickError:
        state = 'booted' if stick.booted else 'in its ROM'
        attempt = f'opening stick {self._wanted}: {error} while it is {state}'
        if isinstance(error, UsbBusyError):
            return StickInUseError(
                f'{attempt}: another program has it, expected a free one; end that program')
        return NoPermissionError(
            f'{attempt}: no permission to use its USB device, expected one for every user; '
            'install the udev rule config/60-neural-compute-sticks.rules of this package in '
            '/etc/udev/rules.d, and replug the stick')

    def _await(self, find: Callable[[], UsbStick | None], within_sec: float) -> UsbStick | None:
        give_up_at = time.monotonic() + within_sec
        while (found := find()) is None and time.monotonic() < give_up_at:
            time.sleep(LOOK_SEC)
        return found

    def _there(self) -> UsbStick | None:
        return next((stick for stick in self._usb.sticks() if stick.port == self._port), None)

    def _in_rom(self) -> UsbStick | None:
        return stick if (stick := self._there()) and not stick.booted else None

    def _await_boot(self, sent: UsbStick, others: list[UsbStick]) -> UsbStick | None:
        """
        Wait until the stick is back.

        On some machines it has another port path after its boot, on the other half of a USB 3
        controller. Then it is the only new stick at a port where no other stick belongs, and
        nobody claims it.

        :param sent: the stick in its ROM, which has got the firmware.
        :param others: the sticks that were at other ports before its boot.
        :raises UsbGoneError: it is in its ROM again, because it had no power for a moment.
        """
        strange_ports: dict[tuple[int, int], float] = {}   # when each was first seen
        known = self._other_ports | {stick.port for stick in others}

        def find() -> UsbStick | None:
            sticks = self._usb.sticks()
            if any(stick.port == self._port and not stick.booted
                   and stick.address != sent.address for stick in sticks):
                raise UsbGoneError('it has lost its power in its boot')
            booted = [stick for stick in sticks if stick.booted]
            right = [stick for stick in booted if stick.port == self._port]
            if right:
                return right[0]
            strange = [stick for stick in booted if stick.port not in known]
            if len(strange) != 1:
                return None
            since = strange_ports.setdefault(strange[0].address, time.monotonic())
            is_ours = (time.monotonic() - since >= STRANGE_PORT_SEC
                       and self._is_free(strange[0]))
            return strange[0] if is_ours else None
        return self._await(find, BOOT_SEC)

    def _is_free(self, stranger: UsbStick) -> bool:
        try:
            return not self._usb.is_claimed(stranger)
        except UsbError:   # it has left again, say: that is no fault of the stick that is booted
            return False
