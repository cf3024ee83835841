# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""List the sticks of the machine by their device names, and find out which are in use."""

import time

from ncs_cluster_detector.sticks.usb_bus import ROM_KINDS
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbStick
from ncs_cluster_detector.sticks.usb_claim import UsbAccessError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError

# A program that boots a stick claims it within milliseconds. Before that a look must not claim it:
# the vendor's library would take another stick in its place.
OWNER_CLAIMS_SEC = 0.1
# A booted stick does not tell its kind; most are of the first generation.
_LIKELY_KIND = next(iter(ROM_KINDS.values()))


class Listing:
    """
    Lists the sticks again and again.

    A stick is named ``1.2-ma2450``, its USB port path and its kind; one that some process has
    booted and claimed is ``1.2-``. A booted one that nobody has claimed is free: whoever opens it
    resets it first.
    """

    def __init__(self, usb: UsbBus) -> None:
        """Have seen no stick yet."""
        self._usb = usb
        self._seen: set[tuple[int, int]] = set()   # addresses of booted sticks

    def names(self) -> list[str]:
        """
        Return the device names of all sticks, in no order.

        :raises UsbError: the bus cannot be listed.
        """
        sticks = self._usb.sticks()
        booted = {stick.address for stick in sticks if stick.booted}
        if booted - self._seen:
            time.sleep(OWNER_CLAIMS_SEC)
            sticks = self._usb.sticks()
        self._seen = booted
        return [f'{stick.port}-{self._kind(stick)}' for stick in sticks]

    def _kind(self, stick: UsbStick) -> str:
        if not stick.booted:
            return stick.kind
        return _LIKELY_KIND if stick.address in self._seen and self._is_free(stick) else ''

    def _is_free(self, stick: UsbStick) -> bool:
        try:
            return not self._usb.is_claimed(stick)
        except UsbAccessError:
            return True   # whoever opens it tells what is missing
        except UsbGoneError:
            return False
        except UsbError:
            return True
