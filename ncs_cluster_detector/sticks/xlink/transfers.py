# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The USB transfers of an XLink: how many bytes each takes or brings."""

from collections.abc import Sequence

from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError

# A transfer to the stick is cut into pieces of so many packets, 0.56 MB at high speed: the system
# has 16 MB for the transfers of all USB devices (usbfs_memory_mb), and sticks that share a bus
# take turns. A tensor for 300 x 300 pixels is one piece. Whole packets: the stick cannot tell.
_PIECE_PACKETS = 1100
WRITE_SEC = 0.9         # for a header
WRITE_DATA_SEC = 2.0    # for a piece of data, as the vendor's library (XLink.c:55)
# How often the reader is back while the stick is silent, and finds what is overdue.
READ_SEC = 0.2
_LONGEST_READ_BYTES = 65536


class Transfers:
    """Reads and writes a claimed stick."""

    def __init__(self, claim: UsbClaim) -> None:
        """Take over a claim."""
        self._read, self._write = claim.read_data, claim.write
        self._packet_bytes = claim.packet_bytes
        self._piece_bytes = _PIECE_PACKETS * claim.packet_bytes
        self._claim = claim

    def write(self, message: Sequence[bytes | memoryview]) -> None:
        """
        Write a header, and the data behind it, in a transfer each.

        :raises UsbError: it could not be written in time.
        """
        self._write(message[0], WRITE_SEC)
        for data in message[1:]:
            begin, size = 0, len(data)
            while begin < size:
                piece = data[begin:begin + self._piece_bytes]
                try:
                    self._write(piece, WRITE_DATA_SEC)
                    begin += len(piece)
                except UsbTimeoutError as error:
                    # The bus may be so busy; a stick that takes nothing does not take the rest.
                    if not error.written:
                        raise
                    begin += error.written

    def read(self, wanted: int, within_sec: float) -> bytes:
        """
        Return what a transfer brings, nothing if none comes in time.

        A stick ends a transfer with a short packet, or exactly at the end of the data that it has
        announced. So whole packets are asked for until these ``wanted`` bytes are there: a packet
        always fits, and no transfer waits for more than will come.

        :raises UsbError: reading failed, or the stick has left the bus.
        """
        size = packet = self._packet_bytes
        if wanted > packet:
            size = min(-(-wanted // packet) * packet, _LONGEST_READ_BYTES)
        try:
            return self._read(size, within_sec)
        except UsbTimeoutError:
            return b''

    def close(self) -> None:
        """Release the stick; no thread may be in a call."""
        self._claim.close()
