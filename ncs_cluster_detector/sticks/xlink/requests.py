# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The requests that a host has made and that a stick has not answered; those of the stick."""

from ncs_cluster_detector.sticks.xlink.events import ACK
from ncs_cluster_detector.sticks.xlink.events import Header
from ncs_cluster_detector.sticks.xlink.events import Kind
from ncs_cluster_detector.sticks.xlink.events import NACK
from ncs_cluster_detector.sticks.xlink.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.streams import Stream

# The stick's own dispatcher answers requests, not its programs, so it answers within a
# millisecond or two, whatever they compute. The vendor's library waits for ever.
ANSWER_SEC = 0.8


class Request:
    """
    A request to the stick.

    Its answer must be there at ``due_at``, ``within_sec`` after it was written.
    """

    def __init__(self, kind: Kind, stream: Stream | None, within_sec: float) -> None:
        """Begin without an answer."""
        self.kind = kind
        self.stream = stream
        self.within_sec = within_sec
        self.due_at = float('inf')
        self.is_answered = False
        self.is_refused = False   # only of CLOSE_STREAM_REQ; other refusals are errors

    @property
    def is_written(self) -> bool:
        """Return whether it was written, so that the stick can answer."""
        return self.due_at < float('inf')

    def on_written(self, now: float) -> None:
        """Take note that it was written; until then the stick cannot answer."""
        self.due_at = now + self.within_sec

    def __str__(self) -> str:
        """Return what it is for texts."""
        return self.kind.name + (f' of stream {self.stream}' if self.stream else '')


class Requests:
    """The requests that wait for their answers, by their numbers."""

    def __init__(self) -> None:
        """Begin with none."""
        self._asked: dict[int, Request] = {}
        self._last_of_stick: int | None = None

    def add(self, event: int, request: Request) -> None:
        """Wait for the answer to a request."""
        self._asked[event] = request

    def take(self, kind: Kind, header: Header) -> Request:
        """
        Return the request that an event answers.

        :raises ProtocolError: there is none, or the stick refuses what it must not.
        """
        request = self._asked.pop(header.event, None)
        if request is None or request.kind + Kind.WRITE_RESP != kind:
            raise ProtocolError(f'the answer {kind.name} to a request that was not made')
        if not header.flags & ACK or header.flags & NACK:
            if kind is not Kind.CLOSE_STREAM_RESP:
                raise ProtocolError(f'a refusal of {request}')
            request.is_refused = True
        return request

    def check(self, now: float) -> None:
        """Raise ProtocolError if an answer has not come in time."""
        for request in self._asked.values():
            if now >= request.due_at:
                raise ProtocolError(f'no answer to {request} within {request.within_sec:g} s')

    def extend_deadlines(self, delay_sec: float, now: float) -> None:
        """Move the deadlines of what was asked before a delay; see :class:`Session`."""
        for request in self._asked.values():
            if request.is_written:
                request.due_at = min(request.due_at + delay_sec, now + request.within_sec)

    def check_new(self, header: Header) -> None:
        """
        Check that the stick does not repeat a request of its own.

        Each has a new number (XLinkDispatcher.c:560).

        :raises ProtocolError: it does; a result would be taken for that of the next input.
        """
        if header.kind < Kind.WRITE_RESP:
            if header.event == self._last_of_stick:
                raise ProtocolError(f'the event {header.event:#x} twice')
            self._last_of_stick = header.event
