# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Bring a booted stick back to its ROM state over USB, whatever it was doing."""

import struct
import time

from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind

# What XLinkResetRemote (XLink.c:1287) sends, by which the vendor's library resets a stick when it
# is closed.
RESET_REQUEST = Header(1, Kind.RESET_REQ).pack()

# A stick whose host was killed during a transfer takes the next bytes for the rest of it, and only
# later ones for an event. Each word of this filler is the number of the reset request, so it is
# such a request at whatever word the event begins. A tensor (540,000 bytes for a picture of
# 300 x 300) and its packets are multiples of a word, unless width and height are odd.
_FILLER = struct.pack('<I', Kind.RESET_REQ) * 16384
TENSOR_FILL_BYTES = 4 << 20   # of a picture of 800 x 800 and some more
GRAPH_FILL_BYTES = 32 << 20

SILENCE_SEC = 0.05        # a stick that has data sends it within a millisecond
LONGEST_TALK_SEC = 0.3    # a full queue of results is a few kilobytes
WRITE_SEC = 0.1
LEAVING_SEC = 0.3         # healthy sticks leave the bus some 50 ms after the request
RETRY_SEC = 0.02          # reading fails for a while before the system sees that a stick is gone


def ask_to_reset(claim: UsbClaim, budget_sec: float, fill_bytes: int = TENSOR_FILL_BYTES) -> bool:
    """
    Read all data of a booted stick and ask it to reset itself.

    :param budget_sec: how long this may take, in seconds; 0.5 is enough for a healthy stick.
    :param fill_bytes: the most that an interrupted transfer may still need.
    :return: whether it has left the bus, on its way to its ROM state.
    """
    give_up_at = time.monotonic() + budget_sec
    try:
        listen(claim, min(give_up_at, time.monotonic() + LONGEST_TALK_SEC), SILENCE_SEC)
        claim.write(RESET_REQUEST, WRITE_SEC)
        listen(claim, min(give_up_at, time.monotonic() + LEAVING_SEC))
        for _ in range(fill_bytes // len(_FILLER)):
            if time.monotonic() >= give_up_at:
                return False
            claim.write(_FILLER, WRITE_SEC)
        listen(claim, give_up_at)
    except UsbGoneError:
        return True
    except UsbError:
        return False
    return False


def revive(claim: UsbClaim, budget_sec: float, fill_bytes: int = TENSOR_FILL_BYTES) -> bool:
    """
    Reset a stick that does not answer by its USB port, then by asking.

    :param budget_sec: as in :func:`ask_to_reset`, like ``fill_bytes``.
    :return: whether it has left the bus, on its way to its ROM state.
    """
    return reset_port(claim) or ask_to_reset(claim, budget_sec, fill_bytes)


def reset_port(claim: UsbClaim) -> bool:
    """Reset the USB port of a stick; return whether it has left the bus."""
    try:
        claim.reset()
    except UsbGoneError:
        return True
    except UsbError:
        pass   # some hubs cannot reset a port; the stick may answer now anyway
    return False


def listen(
        claim: UsbClaim, until: float, silence_sec: float | None = None,
        retry_sec: float = RETRY_SEC) -> None:
    """
    Read and drop data until a time, or until the stick was silent for ``silence_sec``.

    :raises UsbGoneError: it has left the bus.
    """
    while (left_sec := until - time.monotonic()) > 0:
        try:
            claim.read(left_sec if silence_sec is None else min(left_sec, silence_sec))
        except UsbTimeoutError:
            if silence_sec is not None:
                return
        except UsbGoneError:
            raise
        except UsbError:   # it fails at once, so do not retry in a tight loop
            time.sleep(min(retry_sec, left_sec))
