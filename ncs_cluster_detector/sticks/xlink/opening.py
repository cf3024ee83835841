# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Open a stick, whatever state it is in."""

from collections.abc import Callable
from collections.abc import Iterable

from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import StickDeadError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.xlink.booting import Booting
from ncs_cluster_detector.sticks.xlink.device import XlinkDevice
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.link import Link

# A stick that has just booted answers at once, as far as is known: the vendor's library waits for
# ever. A silent one is reset by USB, and may then take longer, in case that is not true.
_PING_SEC, _PATIENT_PING_SEC = 0.9, 3.0


def open_device(
        usb: UsbBus, wanted: str, firmware: Firmware, other_ports: Iterable[str] = (),
        tell: Callable[[OpeningStep], object] = lambda step: None,
        in_background: bool = True) -> XlinkDevice:
    """
    Open a stick: boot it, and find out whether it answers.

    :param wanted: device name; the port counts, not the kind.
    :param other_ports: USB ports of all other known sticks.
    :param tell: called with the steps OPENING and BOOTED, in this order.
    :param in_background: take what the stick sends also while no call waits for something.
    :raises StickError: of some kind; the stick is released.
    """
    booting = Booting(usb, wanted, other_ports, firmware)
    told: set[OpeningStep] = set()

    def tell_once(step: OpeningStep) -> None:
        if step not in told:
            told.add(step)
            tell(step)

    def attempt(ping_sec: float, is_silent: bool = False) -> XlinkDevice:
        claim, stick = booting.run(tell_once, is_silent)
        return _connect(claim, f'{port_of(wanted)}-{stick.kind}', ping_sec, in_background)
    try:
        return attempt(_PING_SEC)
    except _SilentError:
        is_silent = True
    except StickLostError:   # it is reset, and gets a second chance; one that is gone is not there
        is_silent = False
    try:
        return attempt(_PATIENT_PING_SEC, is_silent)
    except _SilentError as error:
        raise StickDeadError(
            f'opening stick {wanted}: no answer within {_PATIENT_PING_SEC:g} s of its boot, also '
            'after a reset, expected one at once; unplug it and plug it in again') from error


class _SilentError(Exception):
    """A booted stick does not answer."""


def _connect(claim: UsbClaim, name: str, ping_sec: float, in_background: bool) -> XlinkDevice:
    link = Link(claim, name, in_background)
    try:
        if not _answers(link, ping_sec):
            raise _SilentError
        return XlinkDevice(link, name)
    except BaseException:
        link.close()
        raise


def _answers(link: Link, within_sec: float) -> bool:
    """Tell whether a stick answers; one that takes or gives no data does not."""
    try:
        return link.answers(within_sec)
    except StickLostError:
        return False
