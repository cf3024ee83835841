# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bring the sticks that a killed process left booted back into their ROM."""

import threading
import time

from ncs_cluster_detector.mvnc.xlink.reasons import report
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_reset import ask_to_reset
from ncs_cluster_detector.sticks.xlink.booting import ASKED_RESET_SEC
from ncs_cluster_detector.sticks.xlink.booting import LOOK_SEC
from ncs_cluster_detector.sticks.xlink.booting import ROM_SEC
from ncs_cluster_detector.sticks.xlink.link import Link
from ncs_cluster_detector.sticks.xlink.listing import OWNER_CLAIMS_SEC

# For all sticks together. A reset by USB takes 0.2 s, or seconds when the system cannot bring the
# stick back; then it goes on behind the program's back.
RESETS_SEC = 3.0
_ANSWER_SEC = 0.3    # a stick that is well answers within some milliseconds
_LEAVING_SEC = 0.5   # and leaves the bus 50 ms after it has answered


def bring_back(usb: UsbBus) -> None:
    """
    Reset all booted sticks that nobody has claimed, all at the same time.

    One that does not answer is reset by USB, or is left alone and reported if that takes too long.
    It takes 0.1 s when a stick has booted, about a second when one is reset, and six at most.

    :raises UsbError: the bus cannot be listed.
    """
    found = {stick.address for stick in usb.sticks() if stick.booted}
    if not found:
        return
    # A program that is just booting a stick has it claimed within this time.
    time.sleep(OWNER_CLAIMS_SEC)
    resets = [_Reset(usb, stick) for stick in usb.sticks() if stick.address in found]
    give_up_at = time.monotonic() + RESETS_SEC
    for reset in resets:
        reset.thread.join(max(give_up_at - time.monotonic(), 0.0))
    left = [reset for reset in resets if not reset.is_left_alone]
    give_up_at = time.monotonic() + ROM_SEC
    while time.monotonic() < give_up_at and (left := _not_in_rom(usb, left)):
        time.sleep(LOOK_SEC)
    for reset in left:
        report(f'resetting stick {reset.stick.port}-, which another program left booted: it is '
               f'not back in its ROM, expected so after a reset by USB{reset.error}; unplug it '
               'and plug it in again')


class _Reset:
    """The reset of one stick, in a thread of its own."""

    def __init__(self, usb: UsbBus, stick: UsbStick) -> None:
        self.stick = stick
        self.is_left_alone = False
        self.error = ''   # the reset itself failed so: words for a line that says what has failed
        self._usb = usb
        self.thread = threading.Thread(target=self._run, name=f'reset {stick.port}', daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            claim = self._usb.claim(self.stick)
        except UsbError:
            # The program that has booted it has claimed it, it is gone, or this process may not
            # use it.
            self.is_left_alone = True
            return
        if _resets_when_asked(Link(claim, f'{self.stick.port}-')):
            return
        try:
            claim = self._usb.claim(self.stick)
            try:
                if not ask_to_reset(claim, ASKED_RESET_SEC):
                    claim.reset()
            finally:
                claim.close()
        except UsbGoneError:
            return   # on its way to its ROM
        except UsbError as error:
            self.error = f' ({error})'


def _resets_when_asked(link: Link) -> bool:
    """Ask a stick whether it is there, and then to reset, as the vendor's library does."""
    try:
        if not link.answers(_ANSWER_SEC):
            return False
        link.reset()
        return link.await_end(_LEAVING_SEC)
    except StickError:   # it says something else, for the killed process, or has left already
        return False
    finally:
        link.close()


def _not_in_rom(usb: UsbBus, resets: list[_Reset]) -> list[_Reset]:
    in_rom = {stick.port for stick in usb.sticks() if not stick.booted}
    return [reset for reset in resets if reset.stick.port not in in_rom]
