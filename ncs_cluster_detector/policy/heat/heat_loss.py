# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How much work heat costs, and how much the sticks deliver at the limit."""

from collections import deque
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
import math
from operator import mul

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# The warning starts when heat has cost the first share of the work over the last minute, and ends
# below the second: a person notices one picture in twenty, and a robot near the limit should not
# warn every other minute.
ALARM_FROM, ALARM_UNTIL = 0.05, 0.03
WINDOW_SEC = 60.0
_PERIOD_SEC = 1.0   # from one count to the next
# Sticks that use less than this share of the work they may do are waiting for images.
_USED = 0.85
# What sticks sustain is the mean over the seconds in which heat was the limit, at most so many,
# and without a longer break than this.
_MOST_SEC, _BREAK_SEC = 600.0, 15.0
# When no stick rests, nothing goes up and down, and so many seconds are enough.
_STEADY_SEC = 12.0
# After a change of the settings the loss of so many seconds tells whether it is over.
_FIRST_SEC = 3.0
# The mean is given when its thirds agree to this share of it (sticks that are still warming
# deliver less and less), and when heat costs more than the second share.
_AGREE_TO, _LEAST_LOSS = 0.08, 0.03


class HeatLoss:
    """
    Measures how much work heat costs the cluster.

    Work is counted in sticks at full speed; a stick that throttles itself takes longer for an
    inference than it did before, so it delivers less. ``in_trouble`` tells whether heat has
    recently cost more than a moment's work, ``share`` the share of the work that it has cost in
    the last minute, ``throttled`` whether throttling took the greater part of that, and
    ``throttles_at`` the lowest temperature (C) at which a stick was seen to throttle.
    ``at_full_speed`` tells whether heat is known to cost next to nothing, which takes some seconds
    after a new start.
    """

    def __init__(self) -> None:
        self.throttles_at = math.inf
        # (time, work a second) of seconds that waited for images.
        self._demand: deque[tuple[float, float]] = deque()
        # Stick number -> time of an inference when not throttled.
        self._full_sec: dict[int, float | None] = {}
        self.start_anew()

    def start_anew(self) -> None:
        """
        Forget what was measured with other settings.

        The knowledge of sticks and camera stays: where sticks throttle, how fast they are when
        they do not, and what images come in.
        """
        self.in_trouble = self.at_full_speed = self.throttled = False
        self.share = 0.0
        # (seconds, asked, lost to heat, and the part of that lost to throttling).
        self._minute: deque[tuple[float, float, float, float]] = deque()
        # (seconds, work, asked) while heat is the limit.
        self._limited: deque[tuple[float, float, float]] = deque()
        self._limited_sec = 0.0    # in all of them
        self._mean: float | None = None   # of them, when asked for since the latest count
        self._mean_is_known = False
        self._limited_at = -math.inf
        self._unused_sec = 0.0
        # (time, what is allowed from then on, what is asked).
        self._in_force: tuple[float, float, float] | None = None
        self._counted_at: float | None = None
        self._allowed_sec = self._asked_sec = 0.0   # since then
        self._work: dict[int, float] = {}   # stick number -> work_sec then
        self._turns = False        # whether others rested then

    def update(self, now: float, sticks: Sequence[StickStatus], active: Collection[int],
               shares: Mapping[int, float], held: int) -> None:
        """
        Take in what the sticks did.

        :param active: numbers of those that are active from now on.
        :param shares: share of full speed of each active stick that is paced.
        :param held: how many more would be active if they were not too hot.
        """
        if self._in_force is not None:
            since, allowed, asked = self._in_force
            self._allowed_sec += allowed * (now - since)
            self._asked_sec += asked * (now - since)
        allowed = len(active) - len(shares) + (sum(shares.values()) if shares else 0.0)
        self._in_force = now, allowed, len(active) + held
        if self._counted_at is not None and now < self._counted_at + _PERIOD_SEC:
            return
        throttles = False
        for stick in sticks:
            if stick.throttle_level == 0 or stick.number not in self._full_sec:
                self._full_sec[stick.number] = stick.inference_sec
            if stick.number in active and stick.celsius is not None:
                throttles |= stick.throttle_level > 0
                self._see_throttling(stick.throttle_level, stick.celsius)
        if self._counted_at is not None:
            self._count(now, now - self._counted_at, sticks, throttles)
        self._turns = any(stick.state is StickState.RUNNING and stick.number not in active
                          for stick in sticks)
        self._counted_at = now
        self._allowed_sec = self._asked_sec = 0.0
        self._work = {stick.number: stick.work_until(now) for stick in sticks}

    def _see_throttling(self, level: int, celsius: float) -> None:
        if level:
            self.throttles_at = min(self.throttles_at, celsius)
        elif celsius > self.throttles_at:   # it does not throttle any more where it did
            self.throttles_at = math.inf

    def next_due(self) -> float | None:
        """Return when to check whether trouble is over, or None."""
        if self._counted_at is None or not self.in_trouble:
            return None
        return self._counted_at + WINDOW_SEC

    def _count(self, now: float, elapsed_sec: float, sticks: Sequence[StickStatus],
               throttles: bool) -> None:
        allowed, asked = self._allowed_sec / elapsed_sec, self._asked_sec / elapsed_sec
        delivered = sum(self._work_of(stick, now) for stick in sticks) / elapsed_sec
        throttling = max(allowed - delivered, 0.0) if throttles else 0.0
        used = delivered + throttling >= _USED * allowed
        is_limited = used and allowed < asked
        lost = asked - allowed + throttling
        if not used:   # the camera is slower than the sticks
            if delivered > allowed / 4:   # not a camera that has paused
                self._demand.append((now, delivered))
            asked, lost = min(asked, delivered), 0.0
        while self._demand and self._demand[0][0] < now - WINDOW_SEC:
            self._demand.popleft()
        if self._demand:   # more than comes in is not lost
            lost = max(0.0, min(lost, max(rate for _, rate in self._demand) - delivered))
        self._minute.append((elapsed_sec, asked, lost, min(throttling, lost)))
        self._judge()
        self._measure(now, elapsed_sec, delivered, asked, used, is_limited)

    def _work_of(self, stick: StickStatus, now: float) -> float:
        """Return what a stick has done since the last count, in seconds at full speed."""
        until = stick.work_until(now)
        work_sec = max(until - self._work.get(stick.number, until), 0.0)
        full_sec = self._full_sec[stick.number]
        if stick.throttle_level and full_sec and stick.inference_sec:
            work_sec *= min(full_sec / stick.inference_sec, 1.0)
        return work_sec

    def _judge(self) -> None:
        total_sec = sum(part[0] for part in self._minute)
        while total_sec - self._minute[0][0] >= WINDOW_SEC:
            total_sec -= self._minute.popleft()[0]
        seconds, *rates = zip(*self._minute)
        asked, lost, throttled = (sum(map(mul, seconds, rate)) for rate in rates)
        is_over = total_sec >= _FIRST_SEC and lost <= ALARM_UNTIL * asked
        if total_sec < WINDOW_SEC:   # nothing was lost before the start
            asked *= WINDOW_SEC / total_sec
        self.share = lost / asked if asked else 0.0
        self.throttled = throttled > lost / 2
        self.in_trouble = self.share >= (ALARM_UNTIL if self.in_trouble else ALARM_FROM)
        self.at_full_speed = is_over and not self.in_trouble

    def _measure(self, now: float, elapsed_sec: float, delivered: float, asked: float, used: bool,
                 is_limited: bool) -> None:
        self._mean_is_known = False
        if is_limited:
            self._limited_at = now
        self._unused_sec = 0.0 if used else self._unused_sec + elapsed_sec
        if now - self._limited_at > _BREAK_SEC or self._unused_sec > _BREAK_SEC:
            self._limited.clear()
            self._limited_sec = 0.0
        elif is_limited or self._limited:
            self._limited.append((elapsed_sec, delivered * elapsed_sec, asked * elapsed_sec))
            self._limited_sec += elapsed_sec
            while self._limited_sec > _MOST_SEC:
                self._limited_sec -= self._limited.popleft()[0]

    def sustained(self, least_sec: float) -> float | None:
        """
        Return how much work is delivered at the limit, in sticks at full speed, or None.

        :param least_sec: for how long heat must have been the limit if sticks take turns.
        """
        total_sec = self._limited_sec
        if total_sec < (least_sec if self._turns else _STEADY_SEC):
            return None
        if not self._mean_is_known:
            self._mean, self._mean_is_known = self._steady_mean(total_sec), True
        return self._mean

    def _steady_mean(self, total_sec: float) -> float | None:
        """Return the work a second in the seconds at the limit, or None if it was not steady."""
        thirds, passed_sec = [[0.0, 0.0] for _ in range(3)], 0.0
        for elapsed_sec, work, _ in self._limited:
            third = thirds[min(int(3 * passed_sec / total_sec), 2)]
            third[0] += elapsed_sec
            third[1] += work
            passed_sec += elapsed_sec
        work, asked = (sum(part[index] for part in self._limited) for index in (1, 2))
        mean = work / total_sec
        # A third without a count lies within a pause of the whole process.
        if work > (1.0 - _LEAST_LOSS) * asked or any(
                not part_sec or abs(part / part_sec - mean) > _AGREE_TO * mean
                for part_sec, part in thirds):
            return None
        return mean
