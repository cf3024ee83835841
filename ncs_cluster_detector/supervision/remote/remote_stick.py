# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector's record of one stick of another host."""

from collections.abc import Collection

from ncs_cluster_detector.policy.reliability.trust import Trust
from ncs_cluster_detector.policy.stick_reason import Condition
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.records.stick_figures import StickFigures
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.messages import Outcome
from ncs_cluster_detector.wire.messages import Reading
from ncs_cluster_detector.wire.messages import Result
from ncs_cluster_detector.wire.messages import Unreadable

# A frame that its server does not have so long after it was sent is lost, unless its result is
# under way: longer than a message is sent again and again on a bad link (its lifespan).
LOST_SEC = 0.6


class RemoteStick:
    """
    One stick of another host: what its server reports, and what is measured here.

    ``state`` is what the server says; ABSENT while the host is not heard.
    """

    def __init__(self, number: int, host: str, report: StickReport, now: float) -> None:
        """Start with the first report; ``number`` is that in the detector."""
        self.number = number
        self.host = host
        self.report = report
        self.state = StickState.ABSENT
        self.absent_because = ''
        self.figures = StickFigures(now)
        self._trust = Trust()          # only of late answers; the server knows the rest
        self._held: dict[int, tuple[Frame, float]] = {}   # by sequence: a frame, when it was sent
        self._missed: set[int] = set()   # frames that were not in the latest report
        self._busy_since: float | None = None
        self._reading: int | None = None
        self._shown: tuple[object, ...] = ()   # what was reported, as last shown

    @property
    def device_name(self) -> str:
        """Return host and device name, such as ``pi2/1.2-ma2450``."""
        return f'{self.host}/{self.report.device_name}'

    @property
    def port(self) -> str:
        """Return the USB port path at its host."""
        return port_of(self.report.device_name)

    @property
    def frames(self) -> dict[int, Frame]:
        """Return the frames that it holds as a dictionary by sequence, oldest first."""
        return {sequence: frame for sequence, (frame, _) in self._held.items()}

    def on_report(self, report: StickReport, now: float) -> list[Frame]:
        """Take in a report of its server; return the frames that are lost."""
        self.state, self.absent_because = report.state, ''
        self.report = report
        if report.state is not StickState.RUNNING:
            return self._stop(now)
        if report.reading != self._reading and report.reading_age_sec is not None:
            self._reading = report.reading
            self.figures.has_thermometer = report.has_thermometer
            self.figures.on_reading(
                Reading(report.celsius, report.throttle_level, now - report.reading_age_sec),
                bool(self._held))
        return self._lose_missed(report.held, now)

    def take_news(self) -> bool:
        """Return whether it has changed since the last call, apart from its frames here."""
        report = self.report
        before, self._shown = self._shown, (
            self.state, self.absent_because, self._reading, self.device_name, report.restarts,
            report.last_error, report.pid, report.throttle_level, report.doubt_sec,
            report.trials_left, report.in_use, report.dead_sec is None, len(self._held))
        return self._shown != before

    def on_absence(self, why: str, now: float) -> list[Frame]:
        """Note that its server cannot be used, and why; return the frames that it had."""
        self.state, self.absent_because = StickState.ABSENT, why
        self._shown = ()   # whatever comes next is news
        return self._stop(now)

    def on_return(self) -> None:
        """Join as a new stick, when the host is heard again."""
        self._trust.forget()

    def on_frame_sent(self, frame: Frame, now: float) -> None:
        """Record a frame that is sent to it."""
        if not self._held:
            self._busy_since = now
        self._held[frame.sequence] = (frame, now)
        self.figures.on_frame_sent(now)

    def settle(self, answer: Answer, now: float) -> tuple[Outcome | None, Frame] | None:
        """
        Take in what has become of a frame.

        :return: its Result, the Unreadable or, if it is lost, None, and the frame; None if the
            stick does not have the frame any more, or the answer does not fit it.
        """
        if answer.sequence not in self._held:
            return None
        frame, _ = self._held[answer.sequence]
        if isinstance(frame, EncodedFrame) and not answer.lost and not answer.unreadable:
            if answer.picture_size is None:
                return None
            frame.on_decoded(answer.picture_size)
        self._forget_frame(answer.sequence, now)
        if answer.lost or answer.unreadable:
            self.figures.on_unreadable(now, bool(self._held))
            return None if answer.lost else Unreadable(answer.sequence, answer.unreadable), frame
        result = Result(
            answer.sequence, answer.detections, answer.unusable_boxes, answer.inference_sec,
            now - answer.result_age_sec, answer.unlabelled_class, now - answer.on_stick_age_sec,
            answer.picture_size)
        self.figures.on_result(result, now, bool(self._held))
        self._trust.served(now)
        return result, frame

    def on_late(self) -> None:
        """Record that a result takes several times the usual time."""
        self._trust.late()

    def _stop(self, now: float) -> list[Frame]:
        """Give up the reading, and the frames that it has; return them."""
        self.figures.on_stop(now)
        self._reading = None
        lost = list(self.frames.values())
        self._held.clear()
        self._missed.clear()
        self._busy_since = None
        return lost

    def extend_deadlines(self, delay_sec: float) -> None:
        """Move all moments, because this process itself was suspended for that time."""
        self._held = {sequence: (frame, sent_at + delay_sec)
                      for sequence, (frame, sent_at) in self._held.items()}
        if self._busy_since is not None:
            self._busy_since += delay_sec

    def _lose_missed(self, held: Collection[int], now: float) -> list[Frame]:
        """Give up frames that the server does not have, in two reports: the first may cross."""
        missed = {sequence for sequence, (_, sent_at) in self._held.items()
                  if sequence not in held and now >= sent_at + LOST_SEC}
        lost = [self._held[sequence][0] for sequence in sorted(missed & self._missed)]
        for frame in lost:
            self._forget_frame(frame.sequence, now)
            self.figures.on_unreadable(now, bool(self._held))
        self._missed = missed & self._held.keys()
        return lost

    def _forget_frame(self, sequence: int, now: float) -> None:
        del self._held[sequence]
        self._missed.discard(sequence)
        self._busy_since = now if self._held else None

    def status(self, now: float) -> StickStatus:
        """Return the StickStatus for the policies."""
        return self.figures.status(
            self.number, self.state, len(self._held), self._busy_since,
            max(self.report.doubt_sec, self._trust.doubt_sec), self.report.trials_left)

    def snapshot(self, now: float, active: bool, status: StickStatus | None = None,
                 condition: Condition = Condition()) -> StickSnapshot:
        """Return the StickSnapshot for other threads, with ``status`` or the status at ``now``."""
        figures, report = self.figures, self.report
        is_there = self.state is not StickState.ABSENT
        return StickSnapshot(
            status=status or self.status(now), device_name=self.device_name, active=active,
            duty_60s=figures.duty.share(now), inferences=figures.inferences,
            unusable_boxes=figures.unusable_boxes, frames_lost=figures.frames_lost,
            inference_p50_sec=figures.inference_times.percentile(50), restarts=report.restarts,
            last_error=self.absent_because or report.last_error,
            pid=report.pid if is_there else None,
            dead_since=None if report.dead_sec is None else now - report.dead_sec,
            start_at=None if report.start_in_sec is None else now + report.start_in_sec,
            condition=condition, in_use=report.in_use, away=self.absent_because)
