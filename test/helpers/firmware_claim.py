# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A booted stick in memory: the firmware of the fake USB bus, as the claim of its stick."""

import struct
import threading

from fake_usb.bus import Bus
from fake_usb.firmware import Firmware
from fake_usb.firmware import input_shape
from fake_usb.firmware import OUTPUT_SHAPE
from fake_usb.options import parse
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
from ncs_cluster_detector.sticks.xlink.device import XlinkDevice
from ncs_cluster_detector.sticks.xlink.link import Link

NAME = '1.2-ma2450'
INPUT = b'INPUT 16x12'.ljust(64, b'\0')   # a graph file for a small picture
INPUT_SHAPE = input_shape(INPUT)
LONG_SEC = 20.0


class Log:
    """Takes lines in place of a file."""

    def __init__(self):
        """Begin without any."""
        self.lines = []

    def write(self, *words):
        """Take a line."""
        self.lines.append(' '.join(map(str, words)))


class FirmwareClaim:
    """
    The claim of a stick with the firmware.

    ``faults`` are those of the fake bus, ``log`` is what it would write there.
    """

    def __init__(self, **methods):
        """Boot it with other methods of the firmware, by name."""
        self.packet_bytes = 512
        self.is_closed = self.is_gone = False
        self.written = []    # transfers
        self.log = Log()
        bus = Bus(parse(['--ports', '1.2', '--compute', '0.001'], ''), self.log)
        chip = bus.sticks['1.2'].chip
        self.faults, self.changed = chip.faults, chip.changed
        self.firmware = type('OddFirmware', (Firmware,), methods)(chip, self.leave)

    def leave(self):
        """Leave the bus, as after a reset."""
        def gone():
            with self.changed:
                self.is_gone = True
                self.firmware.alive = False
                self.changed.notify_all()
        threading.Thread(target=gone, daemon=True).start()

    def streams(self):
        """Return the names of all streams that are open in some direction."""
        with self.changed:
            return {stream.name.decode() for stream in self.firmware.streams.values()}

    def read_data(self, size, timeout_sec):
        """Return a transfer, or a part of it that has ``size`` bytes."""
        assert not self.is_closed
        with self.changed:
            messages = self.firmware.to_host
            self.changed.wait_for(lambda: messages or self.is_gone, timeout_sec)
            if not messages:
                raise UsbGoneError('gone') if self.is_gone else UsbTimeoutError('silent')
            message = messages.popleft()
            if len(message) > size:
                messages.appendleft(message[size:])
            return message[:size]

    def write(self, data, timeout_sec):
        """Take a transfer."""
        assert not self.is_closed
        with self.changed:
            if self.is_gone:
                raise UsbGoneError('gone')
            self.written.append(bytes(data))
            self.firmware.received += data
            self.changed.notify_all()

    def close(self):
        """End the firmware's threads, too."""
        assert not self.is_closed
        self.is_closed = True
        self.leave()


def connect(claim, in_background=False):
    """Return the XlinkDevice of a claim."""
    link = Link(claim, NAME, in_background)
    try:
        assert link.answers(LONG_SEC)
        return XlinkDevice(link, NAME)
    except BaseException:
        link.close()
        raise


def allocating(*packets, status=0):
    """Return a method for a firmware that answers a graph file by packets, then by a status."""
    def allocate(self, command):
        number, name = struct.unpack_from('<I16s', command, 8)
        stream = self.open_stream(name.split(b'\0')[0], 4096)
        graph = self.read(stream)
        self.release(stream, len(graph))
        for packet in packets:
            self.write(stream, packet)
        self._graphs[number] = stream, INPUT_SHAPE
        return status
    return allocate


def about(input_shape=INPUT_SHAPE, output_shape=OUTPUT_SHAPE):
    """Return the packets with which a stick tells of a graph."""
    return [struct.pack('<I', 0), struct.pack('<8I', *input_shape),
            struct.pack('<8I', *output_shape), struct.pack('<I', 40), struct.pack('<2I', 2, 0)]
