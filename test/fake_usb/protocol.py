# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What fake_libusb.c and the server say to each other; the C source has the same numbers."""

import enum
import struct

REQUEST = struct.Struct('<IIIIi')     # op, a, b, length, timeout in ms
REPLY = struct.Struct('<iII')         # status, actual, length of what follows
ENTRY = struct.Struct('<IHHBBB7BH')   # session, vendor, product, bus, address, ports, packet size

MAX_PACKET = 512
VENDOR = 0x03e7
ROM_PRODUCT = 0x2150
BOOTED_PRODUCT = 0xf63b


class Op(enum.IntEnum):
    """What the library asks for."""

    LIST = 1
    OPEN = 2
    ATTACH = 3
    CLAIM = 4
    RELEASE = 5
    SET_CONFIGURATION = 6
    OUT = 7
    IN = 8
    RESET = 9
    GET_CONFIGURATION = 10
    CLEAR_HALT = 11


class Status(enum.IntEnum):
    """The return codes of libusb-1.0 that this bus knows."""

    SUCCESS = 0
    IO = -1
    ACCESS = -3
    NO_DEVICE = -4
    NOT_FOUND = -5
    BUSY = -6
    TIMEOUT = -7
    OVERFLOW = -8
    PIPE = -9
