# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A Traffic of the XLink driver with a stick in memory."""

import sys
import time

from blocking_calls import wait_until
from invented_clock import InventedClock
from invented_stick import event
from invented_stick import InventedStick
from invented_stick import NAME
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.session import Session
from ncs_cluster_detector.sticks.xlink.traffic import Traffic

DRIVER = 'ncs_cluster_detector.sticks.xlink.'
LONG_SEC = 20.0


def invent_time(monkeypatch):
    """Return the clock of all modules of the driver, however they ask for the time."""
    clock = InventedClock()
    for name, module in list(sys.modules.items()):
        if name.startswith(DRIVER):
            if getattr(module, 'time', None) is time:
                monkeypatch.setattr(module, 'time', clock)
            if getattr(module, 'monotonic', None) is time.monotonic:
                monkeypatch.setattr(module, 'monotonic', clock.monotonic)
    return clock


class TrafficBench:
    """A Traffic with an InventedStick, which answers when it is told to."""

    def __init__(self, in_background=False, packet_bytes=512):
        """Connect them."""
        self.stick = InventedStick(packet_bytes=packet_bytes)
        self.stick.ignored.add(Kind.PING_REQ)
        self.session = Session()
        self.waits = set()   # all that were ever begun
        self.traffic = Traffic(self.stick, self.session, NAME, in_background)

    def ping(self):
        """Ask whether the stick is there, without a limit in time that matters."""
        return self.post(self.session.ping, 10 * LONG_SEC)

    def post(self, make, *arguments):
        """Post a request, which a function of the session makes."""
        return self.traffic.post(lambda: make(*arguments))

    def write(self, stream, data, on_answer=None):
        """Write a packet."""
        return self.traffic.write(
            lambda: self.session.write(stream, memoryview(data)), on_answer)

    def wait(self, request, within_sec=LONG_SEC):
        """Wait for an answer."""
        return self.wait_for(request, lambda: request.is_answered, within_sec)

    def wait_for(self, target, condition, within_sec=LONG_SEC):
        """Wait for a condition."""
        wait = object()

        def noted():
            self.waits.add(wait)
            return condition()
        with self.traffic.lock:
            return self.traffic.wait(target, noted, within_sec)

    def await_waits(self, count):
        """Wait until so many threads have ever begun to wait, and somebody has begun to read."""
        wait_until(lambda: len(self.waits) >= count and self.stick.reads)
        with self.traffic.lock:   # which each of them had until it waited
            assert len(self.waits) == count

    def await_reader(self):
        """Wait until a thread reads."""
        wait_until(self.stick.is_read)

    def answer(self, *numbers):
        """Answer pings; the numbers begin with 1."""
        self.stick.send(*(event(number, Kind.PING_RESP) for number in numbers))

    def open(self, name, size=4096):  # noqa: A003 - what it does
        """Open a stream in both directions; return it."""
        self.stick.open(name.encode(), size)
        request = self.post(self.session.create, name, size)
        assert self.wait(request)
        return request.stream
