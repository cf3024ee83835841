# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The requests that a host has made and that a stick has not answered; those of the stick."""

from ncs_cluster_detector.sticks.xlink.protocol.events import ACK
from ncs_cluster_detector.sticks.xlink.protocol.events import Header
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
from ncs_cluster_detector.sticks.xlink.protocol.events import KINDS
from ncs_cluster_detector.sticks.xlink.protocol.events import NACK
from ncs_cluster_detector.sticks.xlink.protocol.streams import ProtocolError
from ncs_cluster_detector.sticks.xlink.protocol.streams import Stream

# The stick's own dispatcher answers requests, not its programs, so it answers within a
# millisecond or two, whatever they compute. The vendor's library waits for ever.
ANSWER_SEC = 0.7
_WRITE_RESP = int(Kind.WRITE_RESP)


class Request:
    """
    A request to the stick.

    Its answer must be there at ``due_at``, ``within_sec`` after it was written.
    """

    __slots__ = 'kind', 'stream', 'within_sec', 'due_at', 'is_answered', 'is_refused'

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


class Requests(dict[int, Request]):
    """The requests that wait for their answers, by their numbers."""

    def take(self, header: Header) -> Request:
        """
        Return the request that an event answers.

        :raises ProtocolError: there is none, or the stick refuses what it must not.
        """
        event, kind, _, _, _, flags = header
        request = self.pop(event, None)
        if request is None or request.kind + _WRITE_RESP != kind:
            if kind not in KINDS:
                raise ProtocolError(f'an event of the unknown kind {kind}')
            raise ProtocolError(
                f'the answer {KINDS[kind].name} to a request that was not made')
        if not flags & ACK or flags & NACK:
            if request.kind is not Kind.CLOSE_STREAM_REQ:
                raise ProtocolError(f'a refusal of {request}')
            request.is_refused = True
        return request

    def check(self, now: float) -> None:
        """Raise ProtocolError if an answer has not come in time."""
        for request in self.values():
            if now >= request.due_at:
                raise ProtocolError(f'no answer to {request} within {request.within_sec:g} s')

    def extend_deadlines(self, delay_sec: float, now: float) -> None:
        """Move the deadlines of what was asked before a delay; see :class:`Session`."""
        for request in self.values():
            if request.is_written:
                request.due_at = min(request.due_at + delay_sec, now + request.within_sec)
