# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The model of what becomes of frames: each has one fate, and they are published in order."""

from collections import Counter

from ncs_cluster_detector.policy.reliability.promptness import LEAST_LATE_SEC

REPLACED, TOO_OLD, LOST, LATE, PUBLISHED = 'replaced', 'too_old', 'lost', 'late', 'published'
UNREADABLE = 'unreadable'
NO_PICTURE = object()   # the answer to a frame that holds none


class FollowedFrame:
    """
    A frame that is still under way, with its ``holders`` and the first ``answers`` to it.

    Any of the answers that are heard in one step may be the one that counts.
    """

    def __init__(self, frame):
        self.frame = frame
        self.holders = set()
        self.was_sent = self.was_too_old = self.is_settled = False
        self.answers, self.answered_at = [], None

    def in_whole(self, wants):
        """Return what may be published: detections in the whole picture, as the settings want."""
        return [tuple(found for found in self.frame.region.in_whole(answer, self.frame.size)
                      if wants(found.label, found.score))
                for answer in self.answers if answer is not NO_PICTURE]


class FrameLedger:
    """
    Follows frames from outside: what was offered, sent, answered, given up and published.

    It cannot see how long the supervisor waits for an earlier frame. So it does not always know at
    once whether a frame that was answered is late; it does as soon as the order shows it.
    """

    def __init__(self):
        self.offered = self._newest = self._last_published = 0
        self.fates = Counter()
        self.under_way = {}   # by sequence number

    def offer(self, frame):
        """Note a frame that is offered."""
        self.offered += 1
        self._newest = frame.sequence
        self.under_way[frame.sequence] = FollowedFrame(frame)

    def send(self, sequence, holder, now, limit_sec):
        """Note a frame that a worker got; return whether it is the first that got it."""
        frame = self.under_way[sequence]   # it has no fate yet
        assert not frame.answers or frame.holders, 'a frame was sent that had its answer'
        assert holder not in frame.holders, 'a worker got a frame twice'
        if not frame.was_sent:
            assert all(other < sequence for other, followed in self.under_way.items()
                       if followed.was_sent), 'frames were not sent in their order'
        assert not _is_too_old(frame.frame, now, limit_sec), 'a frame was sent that is too old'
        is_first, frame.was_sent = not frame.was_sent, True
        frame.holders.add(holder)
        return is_first

    def answer(self, sequence, holder, detections, now):
        """Note the answer of a worker that held the frame."""
        frame = self.under_way.get(sequence)   # else another one's answer was published
        if frame is not None:
            frame.holders.discard(holder)
            if not frame.is_settled:
                frame.answers.append(detections)
                frame.answered_at = now

    def give_up(self, holder):
        """Note that a worker answers no more."""
        for frame in self.under_way.values():
            frame.holders.discard(holder)

    def publish(self, frame, detections, wants, now, limit_sec):
        """Note a frame that is published."""
        assert frame.sequence > self._last_published, 'frames are published out of order'
        passed, self._last_published = self._last_published, frame.sequence
        followed = self.under_way[frame.sequence]   # or it has its fate already
        assert followed.frame is frame
        assert detections in followed.in_whole(wants), 'a frame has not got its own detections'
        waits_since = min(other.answered_at for other in self.under_way.values()
                          if other.answers)
        assert now >= waits_since + LEAST_LATE_SEC or not any(
            passed < other < frame.sequence and before.was_sent and before.holders
            and not before.answers
            and not (before.was_too_old or _is_too_old(before.frame, now, limit_sec))
            for other, before in self.under_way.items()), 'an earlier frame was not waited for'
        self._end(frame.sequence, PUBLISHED)

    def note_unreadable(self, frame):
        """Note that a frame is counted as one that holds no picture."""
        assert NO_PICTURE in self.under_way[frame.sequence].answers, 'a good frame is unreadable'
        self._end(frame.sequence, UNREADABLE)

    def settle(self, now, limit_sec, is_enabled=True):
        """Note that all is done that was due at a time."""
        blocked = False   # a frame before waits for its answer
        for sequence, frame in sorted(self.under_way.items()):
            is_too_old = _is_too_old(frame.frame, now, limit_sec)
            frame.is_settled = bool(frame.answers)
            if not frame.was_sent:
                if sequence < self._newest:
                    self._end(sequence, REPLACED)
                elif is_too_old or not is_enabled:
                    self._end(sequence, TOO_OLD)
            elif not frame.answers:
                frame.was_too_old |= is_too_old
                if frame.holders:
                    blocked = True
                else:
                    self._end(sequence, LOST)
            elif sequence < self._last_published:
                self._end(sequence, LATE)
            elif not blocked:
                assert frame.was_too_old, 'a frame was answered in time and not published'
                self._end(sequence, LATE)

    def check(self, fates):
        """Compare with the supervisor's DroppedFrames."""
        counted = sum(number for fate, number in self.fates.items()
                      if fate not in (PUBLISHED, UNREADABLE))
        perhaps_late = sum(bool(frame.answers) and frame.was_too_old
                           for frame in self.under_way.values())
        assert counted <= fates.total <= counted + perhaps_late, (
            f'{fates.total} frames counted as dropped, {counted} to {counted + perhaps_late} '
            f'were: {dict(self.fates)}')
        for fate in (REPLACED, TOO_OLD, LOST):
            assert getattr(fates, fate) == self.fates[fate], (fate, fates, self.fates)
        assert self.offered == sum(self.fates.values()) + len(self.under_way)

    def check_all_done(self):
        """Check that at most the newest frame is still under way, and was never sent."""
        assert not any(frame.was_sent or sequence != self._newest
                       for sequence, frame in self.under_way.items()), 'a frame has no fate'

    def _end(self, sequence, fate):
        del self.under_way[sequence]
        self.fates[fate] += 1


def _is_too_old(frame, now, limit_sec):
    return limit_sec > 0 and now - frame.arrived_at > limit_sec
