# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Turns what a stick server receives into frames, and what its pool knows into messages."""

from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import LONGEST_AGE_SEC
from ncs_cluster_detector.wire.host_messages import MOST_CELSIUS
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.json_form import LONGEST_TEXT
from ncs_cluster_detector.wire.messages import Outcome
from ncs_cluster_detector.wire.messages import Unreadable
import numpy as np
import numpy.typing as npt


def frame_of(ticket: Ticket, data: npt.NDArray[np.uint8], number: int, now: float) -> Frame:
    """
    Return the frame of a ticket, which becomes its ``header``.

    :param data: the bytes of its picture, in one dimension.
    :param number: of the frame at this server.
    :raises ValueError: the picture is empty, or does not have the size that the ticket says.
    """
    region = Region(*ticket.region)
    if not data.size:
        raise ValueError('an empty picture')
    if ticket.size is None:
        return EncodedFrame(number, data, ticket, now, 0, region)
    height, width = ticket.size
    if height * width * 3 != data.size:
        raise ValueError(f'{data.size} bytes of pixels, expected {width}x{height}x3')
    return Frame(number, data.reshape(height, width, 3), ticket, now, 0, region)


def lost(ticket: Ticket) -> Answer:
    """Return the answer that there will be no result."""
    return Answer(ticket.server, ticket.session, ticket.stick, ticket.sequence, lost=True)


def answer_of(ticket: Ticket, outcome: Outcome, now: float) -> Answer:
    """
    Return the answer with what a worker says about a frame; ages are those at ``now``.

    If a broken worker says what cannot be, the frame is lost.
    """
    about = ticket.server, ticket.session, ticket.stick, ticket.sequence
    if isinstance(outcome, Unreadable):
        return Answer(*about, unreadable=_text(outcome.text))
    try:
        return Answer(
            *about, False, '', outcome.detections, outcome.unusable_boxes,
            outcome.unlabelled_class, outcome.inference_sec, _age(outcome.finished_at, now),
            _age(outcome.on_stick_at, now), outcome.picture_size)
    except ValueError:
        return lost(ticket)


def report_of(stick: StickSnapshot, held: tuple[int, ...], now: float) -> StickReport:
    """Return the report of a stick, which holds frames with these numbers of the detector."""
    status = stick.status
    celsius, measured_at = status.celsius, status.measured_at
    if (abs(celsius or 0.0) > MOST_CELSIUS
            or not 0.0 <= (measured_at or 0.0) <= LONGEST_AGE_SEC):
        celsius = measured_at = None   # of a broken worker
    return StickReport(
        status.number, stick.device_name, status.state, celsius,
        round((measured_at or 0.0) * 1000),
        None if measured_at is None else _age(measured_at, now),
        status.throttle_level, stick.restarts, _text(stick.last_error), stick.pid,
        status.doubt_sec, status.trials_left, stick.in_use,
        None if stick.dead_since is None else _age(stick.dead_since, now),
        None if stick.start_at is None else _age(now, stick.start_at), held,
        status.has_thermometer)


def _age(moment: float, now: float) -> float:
    """Return the age of a moment, 0 if it is later: what came since ``now`` was looked up."""
    return min(max(now - moment, 0.0), LONGEST_AGE_SEC)


def _text(text: str) -> str:
    """Return a text as a message may hold it."""
    return shown(text)[:LONGEST_TEXT]
