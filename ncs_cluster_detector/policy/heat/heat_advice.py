# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What would help a cluster that cannot stay below the switch temperature: figures, no texts."""

from dataclasses import dataclass
from enum import Enum
import math

from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.heat.heat_loss import HeatLoss
from ncs_cluster_detector.policy.settings import LIMITS
from ncs_cluster_detector.policy.settings import Settings

# The margin of what is advised, since temperatures go up and down with the turns.
TO_SPARE = 1.05


class HeatCost(Enum):
    """How heat takes work from the cluster."""

    THROTTLING = 'throttling'     # sticks slow themselves down
    NONE_RESTED = 'none rested'   # no stick is rested in time to relieve a hot one
    PACING = 'pacing'             # frames are spaced out


@dataclass(frozen=True)
class HeatAdvice:
    """
    What the heat costs, and what would help.

    ``size`` of ``sticks`` running sticks are to be active below ``limit_celsius``. ``lost_share``
    is the share of the work that was lost in the last minute. ``throttles_at`` is the temperature
    (C) from which sticks throttle, infinite while it is not known. For PACING, ``sustainable`` is
    how many sticks' full speed can be kept up, and full speed of all takes ``more_sticks`` or the
    limit ``warmer_celsius``; None where these do not help.
    """

    cost: HeatCost
    size: int
    sticks: int
    limit_celsius: float
    lost_share: float
    throttles_at: float = math.inf
    sustainable: float = 0.0
    more_sticks: int | None = None
    warmer_celsius: int | None = None


def advice(heat: ClusterHeat, loss: HeatLoss, settings: Settings) -> HeatAdvice:
    """Return what the heat costs with these settings, and what would help."""
    sticks, limit = len(heat.running), settings.switch_temperature
    size = min(settings.cluster_size or sticks, sticks)
    known = size, sticks, limit, loss.share, loss.throttles_at
    if loss.throttled:
        return HeatAdvice(HeatCost.THROTTLING, *known)
    sustainable = heat.sustainable_size(limit)
    if not sustainable or sustainable >= size:
        return HeatAdvice(HeatCost.NONE_RESTED, *known)
    # What a hub does with more sticks cannot be known before, so it is left out.
    more = math.ceil(TO_SPARE * size * sticks / sustainable - sticks)
    # Above the temperature at which they throttle they give no more.
    most = math.floor(min(LIMITS['switch_temperature'][1], loss.throttles_at))
    warmer = next((celsius for celsius in range(math.floor(limit) + 1, most + 1)
                   if (heat.sustainable_size(celsius) or 0.0) >= min(TO_SPARE * size, sticks)),
                  None)
    return HeatAdvice(HeatCost.PACING, *known, sustainable,
                      more if sticks + more <= LIMITS['cluster_size'][1] else None, warmer)
