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
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.messages import Outcome
from ncs_cluster_detector.wire.messages import Unreadable
import numpy as np
import numpy.typing as npt

LONGEST_ERROR = 1000   # characters that travel


def frame_of(ticket: Ticket, data: npt.NDArray[np.uint8], number: int, now: float) -> Frame:
    """
    Return the frame of a ticket, which becomes its ``header``.

    :param data: the bytes of its picture, in one dimension.
    :param number: of the frame at this server.
    :raises ValueError: the picture does not have the size that the ticket says.
    """
    region = Region(*ticket.region)
    if ticket.size is None:
        return EncodedFrame(number, data, ticket, now, 0, region)
    height, width = ticket.size
    if not height * width * 3 == data.size > 0:
        raise ValueError(f'{data.size} bytes of pixels, expected {width}x{height}x3')
    return Frame(number, data.reshape(height, width, 3), ticket, now, 0, region)


def lost(ticket: Ticket) -> Answer:
    """Return the answer that there will be no result."""
    return Answer(ticket.server, ticket.session, ticket.stick, ticket.sequence, lost=True)


def answer_of(ticket: Ticket, outcome: Outcome, now: float) -> Answer:
    """Return the answer with what a worker says about a frame; ages are those at ``now``."""
    about = ticket.server, ticket.session, ticket.stick, ticket.sequence
    if isinstance(outcome, Unreadable):
        return Answer(*about, unreadable=outcome.text)
    return Answer(
        *about, False, '', outcome.detections, outcome.unusable_boxes, outcome.unlabelled_class,
        outcome.inference_sec, now - outcome.finished_at, now - outcome.on_stick_at,
        outcome.picture_size)


def report_of(stick: StickSnapshot, held: tuple[int, ...], now: float) -> StickReport:
    """Return the report of a stick, which holds frames with these numbers of the detector."""
    status = stick.status
    return StickReport(
        status.number, stick.device_name, status.state,
        status.celsius if status.has_reading else None,
        round((status.measured_at or 0.0) * 1000),
        None if status.measured_at is None else now - status.measured_at,
        status.throttle_level, stick.restarts, stick.last_error[:LONGEST_ERROR], stick.pid,
        status.doubt_sec,
        status.trials_left, stick.in_use,
        None if stick.dead_since is None else now - stick.dead_since,
        None if stick.start_at is None else max(stick.start_at - now, 0.0), held)
