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


"""How fast a hot stick may work that no rested one can relieve."""

# A stick is held so far above the switch temperature (C): the cluster gives the most that the
# limit permits, and a stick just below the limit works at full speed.
HOLD_ABOVE_CELSIUS = 0.5
HORIZON_SEC = 1.0
HORIZON_SHARE = 0.05
TRIM_PER_KELVIN_SEC = 0.01
MOST_TRIM = 1.0
UP_TRIM = 0.0
LAST_RESORT_CELSIUS = 2.0
# Detection never stops below the critical temperature.
LEAST_SHARE = 0.05

import os
for _word in os.environ.get('TUNE','').split():
    _n,_v=_word.split('='); globals()[_n]=float(_v)


class Pacing:
    """When each paced stick is due its next frame, evenly spaced."""

    def __init__(self):
        """Start with no stick paced."""
        self._from = {}    # stick number -> when its last frame was due
        self.shares = {}   # stick number -> share of full speed, of the paced ones
        self._trims = {}
        self._seen = {}    # stick number -> time of the reading

    def update(self, active, heat, settings):
        """Take note of which sticks are active and how hot they are."""
        shares = {number: self._share(number, heat, settings) for number in active}
        self.shares = {number: share for number, share in shares.items() if share < 1.0}

    def _share(self, number, heat, settings):
        last = self.shares.get(number)
        target = settings.switch_temperature + min(
            HOLD_ABOVE_CELSIUS, settings.critical_margin - HOLD_ABOVE_CELSIUS)
        self._learn(number, heat, target, last)
        celsius = heat.pacing_celsius(number)
        if celsius < min(settings.switch_temperature, target):
            share = 1.0
        elif celsius >= target + LAST_RESORT_CELSIUS:
            share = LEAST_SHARE
        else:
            stick = heat.sticks[number]
            horizon = max(HORIZON_SEC, HORIZON_SHARE * stick.constants.time_constant_sec)
            share = heat.share_towards(number, target, horizon)
            share = max(LEAST_SHARE, min(share + self._trims.get(number, 0.0), 1.0))
        if heat.now(number) is None and last is not None:
            share = min(share, last)
        return share

    def _learn(self, number, heat, target, last):
        reading = heat.reading(number)
        at = heat.told_at(number)
        before, self._seen[number] = self._seen.get(number), at
        if last is None or reading is None or before is None or at == before:
            return
        error = target - reading
        if last <= LEAST_SHARE and error < 0:
            return
        trim = self._trims.get(number, 0.0) + TRIM_PER_KELVIN_SEC * error * min(at - before, 3.0)
        self._trims[number] = max(-MOST_TRIM, min(trim, UP_TRIM))

    def due_at(self, stick):
        """Return from when on a stick, a StickStatus, may have its next frame."""
        share = self.shares.get(stick.number)
        if share is None or stick.inference_sec is None:
            return float('-inf')
        return self._from.get(stick.number, float('-inf')) + stick.inference_sec / share

    def given(self, stick, now):
        """Take note that a stick, a StickStatus from before it, is given a frame."""
        # From when it was due, not from when it got it, so that a camera out of step takes no
        # speed; but no more than one frame is made up for.
        self._from[stick.number] = max(self.due_at(stick), now - (stick.inference_sec or 0.0))
