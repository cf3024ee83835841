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

# A stick is paced from the switch temperature on, and held so far above it (C): the cluster gives
# the most that the limit permits, and a stick just below the limit works at full speed.
HOLD_ABOVE_CELSIUS = 0.5
# In which time a paced stick is brought to that temperature: as far apart as its readings are.
HORIZON_SEC = 1.0
# Nor is it slower than this share of what it can sustain, or of full speed: it cools while it
# works on, for detection never stops below the critical temperature.
LEAST_SHARE_OF_SUSTAINABLE = 0.5
LEAST_SHARE = 0.05


def share_of_full_speed(number, heat, settings):
    """
    Return the share of full speed at which an active stick may work now, above 0 to 1.

    Sticks below the switch temperature work at full speed. One whose temperature is unknown counts
    as what it likely has: it may be the only one that there is.

    :param number: the number of the stick.
    :param heat: the ClusterHeat.
    :param settings: the Settings in force.
    """
    celsius = heat.estimate(number)
    # With a small critical_margin the stick must be held below what is critical.
    target = settings.switch_temperature + min(
        HOLD_ABOVE_CELSIUS, settings.critical_margin - HOLD_ABOVE_CELSIUS)
    if celsius < min(settings.switch_temperature, target):
        return 1.0
    stick = heat.sticks[number].constants
    least = LEAST_SHARE_OF_SUSTAINABLE * stick.sustainable_share(target)
    return max(stick.share_towards(celsius, target, HORIZON_SEC), least, LEAST_SHARE)


class Pacing:
    """When each paced stick is due its next frame, evenly spaced."""

    def __init__(self):
        """Start with no stick paced."""
        self._from = {}    # stick number -> when its last frame was due
        self.shares = {}   # stick number -> share of full speed, of the paced ones

    def update(self, active, heat, settings):
        """Take note of which sticks are active and how hot they are."""
        shares = {number: share_of_full_speed(number, heat, settings) for number in active}
        self.shares = {number: share for number, share in shares.items() if share < 1.0}

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
