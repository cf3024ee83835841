# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The headers of XLink, the vendor's protocol between stick and host on USB.

Source: XLinkPrivateDefines.h, xLinkEventHeader_t and xLinkEventType_t; little endian.
"""

import struct

# Message number, type, stream name, stream number, size of the data that follow, and flags.
HEADER = struct.Struct('<ii16sIII')
WRITE_REQ = 0
READ_REL_REQ = 2
RESET_REQ = 6
# All others are unknown: XLink.c:216 aborts the host, and the firmware has the same code.
KNOWN_TYPES = frozenset(range(15)) - {7}
ACKNOWLEDGED = 1

# For an inference a stick sends: that the input's place is free again, a header that announces the
# result, and the result.
TRANSFERS_PER_INFERENCE = 3
_INPUT_STREAM = 4
_OUTPUT_STREAM = 5
_INPUT_BYTES = 540000   # of an input of 300 x 300; only used in a header
# Of the SSD networks: 101 rows of 7 values in FP16.
_RESULT_BYTES = 1414
# The stick's message numbers; the host's begin at 10 in each process (XLinkDispatcher.c:563).
_FIRST_ID = 0x1000


def unread_transfer(left: int) -> bytes:
    """
    Return the bytes of the oldest transfer that a stick has for a host process that is gone.

    :param left: number of transfers left, with this one; 1 or more.
    """
    kind = left % TRANSFERS_PER_INFERENCE
    if kind == 0:
        return HEADER.pack(_FIRST_ID + left, READ_REL_REQ, b'', _INPUT_STREAM, _INPUT_BYTES,
                           ACKNOWLEDGED)
    if kind == 2:
        return HEADER.pack(_FIRST_ID + left, WRITE_REQ, b'', _OUTPUT_STREAM, _RESULT_BYTES,
                           ACKNOWLEDGED)
    return bytes(_RESULT_BYTES)
