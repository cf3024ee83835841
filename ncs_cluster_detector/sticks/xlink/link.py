# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""An XLink to one stick: streams and packets, with deadlines."""

from collections.abc import Callable
import random

from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.usb_claim import UsbClaim
from ncs_cluster_detector.sticks.xlink.protocol.events import HIGHEST_EVENT
from ncs_cluster_detector.sticks.xlink.protocol.requests import ANSWER_SEC
from ncs_cluster_detector.sticks.xlink.protocol.requests import Request
from ncs_cluster_detector.sticks.xlink.protocol.session import Session
from ncs_cluster_detector.sticks.xlink.protocol.streams import Stream
from ncs_cluster_detector.sticks.xlink.traffic import Traffic


class Link:
    """
    The link to a booted stick.

    All methods may be called by several threads; those about one stream by one thread that writes
    and one that reads. All raise StickLostError when the stick does not do in time what it should,
    or has failed before.
    """

    def __init__(self, claim: UsbClaim, stick: str, in_background: bool = False) -> None:
        """Take over a claimed stick; see Traffic."""
        # A number by chance, so that no answer for a former process fits.
        self._session = Session(random.randint(1, HIGHEST_EVENT))
        self._traffic = Traffic(claim, self._session, stick, in_background)
        self.await_end = self._traffic.await_end
        self.close = self._traffic.close

    @property
    def failure(self) -> StickLostError | None:
        """Return why the link is down, or None."""
        return self._traffic.failure

    def lose(self, what: str) -> None:
        """Take the link down because of what the stick has said."""
        with self._traffic.lock:
            self._traffic.lose(what)

    def answers(self, within_sec: float) -> bool:
        """Return whether the stick answers in time that it is there."""
        request = self._traffic.post(self._session.ping, within_sec)
        with self._traffic.lock:
            return self._traffic.wait(request, lambda: request.is_answered, within_sec)

    def await_streams(self, names: frozenset[str], within_sec: float) -> None:
        """Wait until the stick has opened all of these streams to the host, or for a time."""
        encoded = {name.encode('ascii') for name in names}
        with self._traffic.lock:
            self._traffic.wait(None, lambda: encoded <= {
                stream.name for stream in self._session.streams.by_number.values()
                if stream.accepts}, within_sec)

    def open_stream(self, name: str, size: int) -> Stream:
        """Return a stream that takes ``size`` bytes."""
        request = self._traffic.post(self._session.create, name, size)
        self._finish(request)
        assert request.stream is not None
        return request.stream

    def write(self, stream: Stream, data: bytes | memoryview, within_sec: float = ANSWER_SEC,
              on_answer: Callable[[], object] | None = None) -> None:
        """
        Write a packet, and wait until the stick has acknowledged it.

        :param within_sec: how long to wait for room.
        :param on_answer: called instead of waiting for the acknowledgement, in another thread.
        """
        view = memoryview(data).cast('B')
        with self._traffic.lock:
            has_room = stream.takes(view.nbytes)
        if not has_room:
            self.await_change(stream, lambda: stream.takes(view.nbytes), within_sec,
                              f'room for {view.nbytes} bytes')
        request = self._traffic.write(lambda: self._session.write(stream, view), on_answer)
        if on_answer is None:
            self._finish(request)

    def post(self, stream: Stream, data: bytes) -> None:
        """Write a packet for which there is room; that it is acknowledged is checked later."""
        self._traffic.post(self._session.write, stream, data)

    def read(self, stream: Stream, within_sec: float = ANSWER_SEC) -> bytes:
        """Return the oldest packet of a stream, which must then be released."""
        self.await_change(stream, lambda: stream.packets, within_sec, 'a packet')
        return stream.packets.popleft()

    def read_if_there(self, stream: Stream, within_sec: float) -> bytes | None:
        """Return the oldest packet of a stream, to be released; None if none comes in time."""
        traffic = self._traffic
        with traffic.lock:
            is_there = traffic.wait(stream, lambda: stream.packets, within_sec)
        return stream.packets.popleft() if is_there else None

    def take(self, stream: Stream) -> bytes:
        """Return the oldest packet of a stream, which has one, and release it."""
        packet = stream.packets.popleft()
        self.release(stream)
        return packet

    def on_change(self, stream: Stream, callback: Callable[[], object]) -> None:
        """
        Have a function called in the reader's thread whenever a stream has changed.

        It must call :meth:`wake` at its end.
        """
        self._traffic.on_change(stream, callback)

    def wake(self, stream: Stream) -> None:
        """Wake those who wait for a change of a stream."""
        self._traffic.wake(stream)

    def release(self, stream: Stream) -> None:
        """Tell the stick that a packet was read; its answer is checked later."""
        self._traffic.post(self._session.release, stream)

    def close_stream(self, stream: Stream, within_sec: float = ANSWER_SEC) -> None:
        """Close a stream when the stick has released all."""
        self.await_change(
            stream, lambda: not stream.held, within_sec, 'the release of all packets')
        self._finish(self._traffic.post(self._session.close, stream))

    def reset(self) -> None:
        """Send the stick back to its ROM, and wait until it answers or leaves."""
        self._finish(self._traffic.post(self._session.reset), lambda: self._traffic.has_left)

    def levels(self, stream: Stream) -> tuple[int, int]:
        """Return how many bytes of a stream the stick and the host have not released."""
        with self._traffic.lock:
            self._traffic.wait(stream, lambda: self.failure is None, 0.0)
            return sum(stream.held), sum(stream.unreleased)

    def await_change(self, stream: Stream, condition: Callable[[], object], within_sec: float,
                     what: str) -> None:
        """Wait for a condition on a stream; ``what`` must come in time."""
        with self._traffic.lock:
            if not self._traffic.wait(stream, condition, within_sec):
                raise self._traffic.lose(
                    f'{what} in stream {stream} has not come within {within_sec:g} s')

    def _finish(self, request: Request, is_moot: Callable[[], bool] = lambda: False) -> None:
        """Wait for the answer to a request, or until none is needed."""
        def is_over() -> bool:
            return request.is_answered or is_moot()
        with self._traffic.lock:
            is_written = request.is_written
            while not self._traffic.wait(request, is_over, request.within_sec):
                if is_written:
                    raise self._traffic.lose(
                        f'no answer to {request} within {request.within_sec:g} s')
                is_written = request.is_written   # it may have been behind a large graph
