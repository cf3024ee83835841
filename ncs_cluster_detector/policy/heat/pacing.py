# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How fast a hot stick may work when no rested one can relieve it."""

from collections.abc import Collection
import math

from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC
from ncs_cluster_detector.policy.stick_status import StickStatus

# A stick is paced from the switch temperature on, and held so far above it (C): the cluster gives
# the most that the limit permits, and a stick just below the limit works at full speed.
HOLD_ABOVE_CELSIUS = 0.5
# The time in which a paced stick is brought to that temperature: this share of its time constant,
# and at least the time between readings. If it were shorter, a reading that is wrong by a degree
# (of a coarse, noisy or slow sensor) would take a stick from rest to full speed and back.
HORIZON_SHARE, LEAST_HORIZON_SEC = 0.05, 1.0
# The learned model predicts, and the readings correct it: each C above the target takes away so
# much of full speed per second, for as long as it lasts.
TRIM_PER_CELSIUS_SEC = 0.01
# This far above the switch temperature (C) a stick pauses, whatever was learned.
PAUSE_ABOVE_CELSIUS = 2.0
# A pause is work at this share of full speed: detection never stops below the critical
# temperature.
LEAST_SHARE = 0.05
# The same for a stick that is relieved in so many seconds: it warms by less than 1 C meanwhile,
# but with a pause detection would stop, as when the limit is set below what all active sticks
# have.
LEAST_SHARE_UNTIL_RELIEF, SOON_SEC = 0.5, 5.0


class Pacing:
    """
    When each paced stick is due its next frame, evenly spaced.

    ``shares`` has the share of full speed, above 0 and below 1, of each stick that is paced.
    """

    def __init__(self) -> None:
        self.shares: dict[int, float] = {}
        self._from: dict[int, float] = {}      # when its last frame was due
        self._trims: dict[int, float] = {}     # what its readings took away of its share, 0 to 1
        self._seen_at: dict[int, float | None] = {}   # when the latest reading seen was taken

    def update(self, active: Collection[int], heat: ClusterHeat, settings: Settings,
               relief_sec: float = math.inf) -> None:
        """
        Pace the active sticks by their temperatures, which ``heat`` has observed.

        Those below the switch temperature work at full speed. For a stick of unknown temperature
        the higher of its estimate and its reading counts, for it may be the only one that there
        is. If it was paced before, it may become no faster than it was, or than it can likely
        sustain.

        :param relief_sec: in how many seconds a rested stick may relieve an active one.
        """
        # With a small critical_margin the stick must be held below what is critical.
        target = settings.switch_temperature + min(
            HOLD_ABOVE_CELSIUS, settings.critical_margin - HOLD_ABOVE_CELSIUS)
        limit = settings.switch_temperature
        shares: dict[int, float] = {}
        for number in active:
            at = heat.told_at(number)
            if at != self._seen_at.get(number):
                self._trim(number, at, heat.reading(number), target)
            celsius, is_known = heat.estimate(number), heat.now(number) is not None
            if not is_known:   # its reading may be true all the same
                celsius = max(celsius, heat.told(number) or -math.inf)
            share = self._share(number, celsius, heat, limit, target)
            if not is_known and number in self.shares:
                share = min(share, max(
                    self.shares[number], heat.sustainable_share(number, target)))
            if is_known and 0.0 < relief_sec <= SOON_SEC:
                share = max(share, LEAST_SHARE_UNTIL_RELIEF)
            if share < 1.0:
                shares[number] = share
        self.shares = shares

    def _share(self, number: int, celsius: float, heat: ClusterHeat, limit: float,
               target: float) -> float:
        """Return the share of full speed at which an active stick may work now."""
        if celsius < min(limit, target):
            return 1.0
        if celsius >= limit + PAUSE_ABOVE_CELSIUS:
            return LEAST_SHARE
        horizon_sec = max(
            LEAST_HORIZON_SEC, HORIZON_SHARE * heat.sticks[number].model.time_constant_sec)
        share = heat.share_towards(number, celsius, target, horizon_sec)
        return max(LEAST_SHARE, min(share - self._trims.get(number, 0.0), 1.0))

    def _trim(self, number: int, at: float | None, reading: float | None,
              target: float) -> None:
        """Correct the share of a paced stick by how far a new reading is from the target."""
        before, self._seen_at[number] = self._seen_at.get(number, at), at
        share = self.shares.get(number)
        if share is None or reading is None or at is None or before is None:
            return
        if reading > target and share <= LEAST_SHARE:   # it cannot work less
            return
        change = TRIM_PER_CELSIUS_SEC * (reading - target) * min(at - before, READING_VALID_SEC)
        self._trims[number] = max(0.0, min(self._trims.get(number, 0.0) + change, 1.0))

    def due_at(self, stick: StickStatus) -> float:
        """Return when a stick may have its next frame."""
        share = self.shares.get(stick.number)
        if share is None or stick.inference_sec is None:
            return float('-inf')
        return self._from.get(stick.number, float('-inf')) + stick.inference_sec / share

    def on_frame_sent(self, stick: StickStatus, now: float) -> None:
        """Note that a stick, whose status is the one before, gets a frame."""
        # Counted from when it was due, not from when it came, so that a camera out of step costs
        # no speed; but no more than one frame is made up for.
        self._from[stick.number] = max(self.due_at(stick), now - (stick.inference_sec or 0.0))
