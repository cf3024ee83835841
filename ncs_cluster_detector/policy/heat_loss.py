# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.


"""How much work heat costs, and how much the sticks deliver at the limit."""

from collections import deque
import math

# Heat is an alarm when it cost this share of the work over the last minute, and until it costs
# less than the second: a person notices one picture in twenty, and a robot near the limit shall
# not warn every other minute.
ALARM_FROM, ALARM_UNTIL = 0.05, 0.02
WINDOW_SEC = 60.0
# It is looked at so often.
_PERIOD_SEC = 1.0
# Sticks that use less than this of what they may are waiting for images.
_USED = 0.85
# What they sustain is the mean of so many seconds in which heat was the limit, at most and at
# least, without a break of so many: turns take a minute or two.
_MOST_SEC, _LEAST_SEC, _BREAK_SEC = 600.0, 120.0, 15.0
# It is told when the thirds of that time agree to this share of it (what is still warming
# delivers less and less), and when heat costs more than this at all.
_AGREE_TO, _LEAST_LOSS = 0.08, 0.03


class HeatLoss:
    """
    Measures what heat takes from the cluster.

    Work is counted in sticks at full speed; a stick that throttles itself takes longer for an
    inference than it did before, so it delivers less. ``in_trouble`` tells whether heat has cost
    more than a moment's work of late, ``share`` the share of the work that it has cost in the last
    minute, ``throttled`` whether throttling took the greater part of that, and ``throttles_at``
    the lowest temperature (C) of those that were seen to throttle last.
    """

    def __init__(self):
        """Start cool."""
        self.in_trouble = False
        self.share = 0.0
        self.throttled = False
        self.throttles_at = math.inf
        self._minute = deque()     # (seconds, asked, lost to heat, of that to throttling)
        self._demand = deque()     # (time, work a second) of seconds that waited for images
        self._limited = deque()    # (seconds, work, asked) while heat is the limit
        self._limited_sec = 0.0    # in all of them
        self._limited_at = -math.inf
        self._unused_sec = 0.0
        self._before = None        # (time, active, shares, held, work by stick)
        self._full_sec = {}        # stick number -> time of an inference when not throttled

    def update(self, now, sticks, active, shares, held):
        """
        Take in what the sticks did.

        :param now: seconds of the monotonic clock.
        :param sticks: list of StickStatus, all sticks.
        :param active: numbers of those that are active from now on.
        :param shares: dictionary of the share of full speed of each active stick that is paced.
        :param held: how many more would be active if they were not too hot.
        """
        if self._before is not None and now < self._before[0] + _PERIOD_SEC:
            return
        for stick in sticks:
            if stick.throttle_level == 0 or stick.number not in self._full_sec:
                self._full_sec[stick.number] = stick.inference_sec
        work = {stick.number: stick.work_sec for stick in sticks}
        if self._before is not None:
            self._count(now, sticks)
        self._before = now, tuple(active), dict(shares), held, work

    def next_due(self):
        """Return when it has to be looked whether trouble is over, or None."""
        return self._before[0] + WINDOW_SEC if self.in_trouble else None

    def _count(self, now, sticks):
        before, active, shares, held, work = self._before
        elapsed_sec = now - before
        delivered, throttling, allowed, hot = 0.0, 0.0, 0.0, []
        for stick in sticks:
            done = max(stick.work_sec - work.get(stick.number, stick.work_sec), 0.0) / elapsed_sec
            full_sec = self._full_sec[stick.number]
            if stick.throttle_level and full_sec and stick.inference_sec:
                done *= min(full_sec / stick.inference_sec, 1.0)
            delivered += done
            if stick.number in active:
                share = shares.get(stick.number, 1.0)
                allowed += share
                if stick.throttle_level:
                    throttling += max(share - done, 0.0)
                    hot.append(stick.celsius)
        self.throttles_at = min(filter(None, hot), default=self.throttles_at)
        asked = len(active) + held
        pacing = asked - allowed
        used = delivered + throttling >= _USED * allowed
        if not used:
            self._demand.append((now, delivered))
        while self._demand and self._demand[0][0] < now - WINDOW_SEC:
            self._demand.popleft()
        lost = pacing + throttling if used else 0.0
        if self._demand:   # more than comes in is not lost
            demand = max(rate for _, rate in self._demand)
            lost = max(0.0, min(lost, demand - delivered))
        self._minute.append((elapsed_sec, asked, lost, min(throttling, lost)))
        self._judge()
        self._measure(now, elapsed_sec, delivered, asked, pacing > 0.0 and used, used)

    def _judge(self):
        total_sec = sum(part[0] for part in self._minute)
        while total_sec - self._minute[0][0] >= WINDOW_SEC:
            total_sec -= self._minute.popleft()[0]
        asked = sum(part[0] * part[1] for part in self._minute)
        if total_sec < WINDOW_SEC:   # nothing was lost before the start
            asked *= WINDOW_SEC / total_sec
        lost, throttled = (sum(part[0] * part[index] for part in self._minute)
                           for index in (2, 3))
        self.share = lost / asked if asked else 0.0
        self.throttled = throttled > lost / 2
        self.in_trouble = self.share >= (ALARM_UNTIL if self.in_trouble else ALARM_FROM)

    def _measure(self, now, elapsed_sec, delivered, asked, is_limited, used):
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

    def sustained(self):
        """Return how much work is delivered at the limit, in sticks at full speed, or None."""
        total_sec = self._limited_sec
        if total_sec < _LEAST_SEC:
            return None
        thirds, passed_sec = [[0.0, 0.0] for _ in range(3)], 0.0
        for elapsed_sec, work, _ in self._limited:
            third = thirds[min(int(3 * passed_sec / total_sec), 2)]
            third[0] += elapsed_sec
            third[1] += work
            passed_sec += elapsed_sec
        work, asked = (sum(part[index] for part in self._limited) for index in (1, 2))
        mean = work / total_sec
        if work > (1.0 - _LEAST_LOSS) * asked or any(
                abs(part / part_sec - mean) > _AGREE_TO * mean for part_sec, part in thirds):
            return None
        return mean
