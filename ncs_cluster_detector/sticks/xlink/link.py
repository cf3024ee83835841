# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
An XLink to one stick: the :class:`Session` with its USB transfers and its waits.

One thread reads. The others write their own requests, in turn. A reader's answer is written by
whoever writes at the moment, so that the reader never waits for a large transfer to the stick.
"""

from collections.abc import Callable
import random
import threading
import time

from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.xlink.events import HIGHEST_EVENT
from ncs_cluster_detector.sticks.xlink.session import ANSWER_SEC
from ncs_cluster_detector.sticks.xlink.session import Session
from ncs_cluster_detector.sticks.xlink.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.streams import Request
from ncs_cluster_detector.sticks.xlink.streams import Stream
from ncs_cluster_detector.sticks.xlink.transfers import READ_SEC
from ncs_cluster_detector.sticks.xlink.transfers import Transfers
from ncs_cluster_detector.sticks.xlink.transfers import WRITE_SEC

_POWER = 'if it happens again, plug the stick into a hub with its own power supply'


class Link:
    """
    The link to a booted stick; after a failure all calls fail.

    ``failure`` says why it is down, or is None. All methods may be called by several threads;
    those about one stream by one thread that writes and one that reads.
    """

    def __init__(self, claim: UsbClaim, stick: str) -> None:
        """Take over a claimed stick, and begin to read; ``stick`` is its name, for texts."""
        self.failure: StickLostError | None = None
        self._transfers = Transfers(claim)
        self._stick = stick
        # A number by chance, so that no answer for a former process fits.
        self._session = Session(random.randint(1, HIGHEST_EVENT))
        self._lock = threading.Lock()      # for the session and the waits
        self._writing = threading.Lock()   # for the order of transfers; taken before the other
        self._waits: dict[Request | Stream | None, threading.Condition] = {}
        self._reader = threading.Thread(target=self._read, name=f'xlink {stick}', daemon=True)
        self._reader.start()

    # ---- requests

    def answers(self, within_sec: float) -> bool:
        """Return whether the stick answers that it is there; StickLostError if it has failed."""
        request = self._ask(lambda: self._session.ping(within_sec))
        with self._lock:
            return self._wait(request, lambda: request.is_answered, within_sec)

    def await_streams(self, names: frozenset[str], within_sec: float) -> None:
        """Wait until the stick has opened all of these streams to the host, or for a time."""
        encoded = {name.encode('ascii') for name in names}
        with self._lock:
            self._wait(None, lambda: encoded <= {
                stream.name for stream in self._session.streams.by_number.values()
                if stream.accepts}, within_sec)

    def open_stream(self, name: str, size: int) -> Stream:
        """Return a stream that takes ``size`` bytes; StickLostError if the stick fails."""
        request = self._ask(lambda: self._session.create(name, size))
        self._finish(request)
        assert request.stream is not None
        return request.stream

    def write(self, stream: Stream, data: bytes | memoryview, within_sec: float = ANSWER_SEC,
              wait: bool = True) -> None:
        """
        Write a packet, and wait until the stick has acknowledged it.

        :param within_sec: how long to wait for room.
        :param wait: not for the acknowledgement of a command, whose answer comes later; that it
            comes in time is checked in any case.
        :raises StickLostError: there is no room in time, or the stick fails.
        """
        view = memoryview(data).cast('B')
        with self._lock:
            if not self._wait(stream, lambda: stream.takes(view.nbytes), within_sec):
                raise self._lost(f'no room for {view.nbytes} bytes in stream {stream} within '
                                 f'{within_sec:g} s')
        request = self._ask(lambda: self._session.write(stream, view))
        if wait:
            self._finish(request)

    def read(self, stream: Stream, within_sec: float = ANSWER_SEC) -> bytes:
        """
        Return the oldest packet of a stream, which must then be released.

        :raises StickLostError: there is none in time, or the stick fails.
        """
        with self._lock:
            if not self._wait(stream, lambda: stream.packets, within_sec):
                raise self._lost(f'nothing in stream {stream} within {within_sec:g} s')
            return stream.packets.popleft()

    def release(self, stream: Stream) -> None:
        """Tell the stick that a packet was read; its answer is checked later."""
        self._ask(lambda: self._session.release(stream))

    def close_stream(self, stream: Stream, within_sec: float = ANSWER_SEC) -> None:
        """Close a stream when the stick has released all; StickLostError if it fails."""
        with self._lock:
            if not self._wait(stream, lambda: not stream.held, within_sec):
                raise self._lost(f'stream {stream} is not emptied within {within_sec:g} s')
        self._finish(self._ask(lambda: self._session.close(stream)))

    def reset(self) -> None:
        """Send the stick back to its ROM, and wait for its answer; StickLostError if it fails."""
        self._finish(self._ask(self._session.reset))

    def levels(self, stream: Stream) -> tuple[int, int]:
        """Return how many bytes of a stream the stick and the host have not released."""
        with self._lock:
            self._check_up()
            return sum(stream.held), sum(stream.unreleased)

    def await_end(self, within_sec: float) -> bool:
        """Wait until the stick has left the bus or has failed; return whether it has."""
        self._reader.join(within_sec)
        return not self._reader.is_alive()

    def close(self) -> bool:
        """Release the stick on USB; return False if a call of the system does not return."""
        with self._lock:
            self._go_down('the link was closed')
        if self.await_end(READ_SEC + WRITE_SEC) and self._writing.acquire(timeout=WRITE_SEC):
            self._transfers.close()
            self._writing.release()
            return True
        return False   # freeing what a call uses would crash; the end of the process releases it

    # ---- waiting

    def _ask(self, make: Callable[[], Request]) -> Request:
        """Make a request and write it."""
        with self._writing:
            with self._lock:
                self._check_up()
                request = make()
            self._write_out()
            request.on_written(time.monotonic())
        self._flush()
        return request

    def _finish(self, request: Request) -> None:
        """Wait for the answer to a request."""
        with self._lock:
            if not self._wait(request, lambda: request.is_answered, request.within_sec):
                raise self._lost(f'no answer to {request} within {request.within_sec:g} s')

    def _wait(self, target: Request | Stream | None, condition: Callable[[], object],
              within_sec: float) -> bool:
        """Wait for a condition on a request, a stream, or any; with the lock held."""
        if condition():
            return True
        self._check_up()
        changed = self._waits.setdefault(target, threading.Condition(self._lock))
        changed.wait_for(lambda: condition() or self.failure, within_sec)
        if isinstance(target, Request):
            del self._waits[target]
        if condition():
            return True
        self._check_up()
        return False

    def _check_up(self) -> None:
        if self.failure is not None:
            raise type(self.failure)(str(self.failure)) from self.failure

    def _lost(self, what: str) -> StickLostError:
        """Take the link down because of what the stick does not do; with the lock held."""
        self._go_down(what)
        assert self.failure is not None
        return self.failure

    def _go_down(self, what: str) -> None:
        if self.failure is None:
            self.failure = StickLostError(f'talking to stick {self._stick}: {what}; {_POWER}')
        for changed in self._waits.values():
            changed.notify_all()

    # ---- transfers

    def _write_out(self) -> None:
        """Write all messages; by whoever has the lock for writing."""
        try:
            while self._session.outgoing and self.failure is None:
                self._transfers.write(self._session.outgoing.popleft())
        except UsbError as error:
            with self._lock:
                self._go_down(f'writing over USB: {error}, expected success')

    def _flush(self) -> None:
        """Write the messages that are there, unless somebody does so already."""
        while self._session.outgoing and self.failure is None and (
                self._writing.acquire(blocking=False)):
            try:
                self._write_out()
            finally:
                self._writing.release()

    def _read(self) -> None:
        """Take what the stick sends until it fails or leaves the bus; the reader's thread."""
        try:
            while self.failure is None:
                self._take(self._transfers.read(self._session.wanted()))
                self._flush()
        except UsbGoneError as error:
            what = f'it has left the USB bus ({error})'
        except UsbError as error:
            what = f'reading over USB: {error}, expected success'
        except ProtocolError as error:
            what = f'{error}'
        else:
            return
        with self._lock:
            self._go_down(what)

    def _take(self, data: bytes) -> None:
        with self._lock:
            now = time.monotonic()
            for changed in self._session.receive(data, now) if data else ():
                self._notify(changed)
            self._session.check(now)

    def _notify(self, changed: Request | Stream) -> None:
        for target in (changed, None):
            if target in self._waits:
                self._waits[target].notify_all()
