# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Why a stick works or rests: decided once a step, for everybody who shows it."""

from dataclasses import dataclass
from dataclasses import replace
from enum import Enum

from ncs_cluster_detector.policy.reliability.promptness import Slowness
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus

# A stick at this throttling level, at which it pauses for seconds, rests like a critical one.
FORCED_REST_LEVEL = 2


class Reason(Enum):
    """
    Why a stick rests, or should rest; the first that holds counts.

    A stick is hot from the switch temperature on. Its estimate, the temperature now by its own
    thermal model and its readings, decides when a stick is relieved, when it may come back (below
    the resume temperature), whether it is tried and how it is paced, also while its temperature is
    unknown. Its last reading alone decides what is critical, since no model may shut out a stick,
    whether the temperature is known at all, and what people are told, since they see the reading.
    While the reading is unknown, that is the reason, also of a stick that was relieved by its
    estimate.
    """

    NOT_RUNNING = 'not running'   # its StickState tells more
    CRITICAL = 'critical'
    THROTTLES = 'throttles'       # at a level at which it pauses for seconds
    LATE = 'late'
    UNPROVEN = 'unproven'
    UNKNOWN_TEMPERATURE = 'unknown temperature'
    HOT = 'hot'                   # it was hot, must cool to the resume temperature, and reads hot
    COOLING = 'cooling'           # it was hot, and must cool to the resume temperature
    USELESS = 'useless'
    SLOW = 'slow'
    DOUBTED = 'doubted'
    DISABLED = 'disabled'         # all rest, because the node is to detect nothing
    NONE = 'none'                 # it works, or waits for its turn

    @property
    def is_heat(self) -> bool:
        """Tell whether it is for heat that the stick rests."""
        return self in (Reason.CRITICAL, Reason.THROTTLES, Reason.HOT, Reason.COOLING)

    @property
    def is_usable(self) -> bool:
        """Tell whether the stick would work if it was needed; one that is hot or slow would."""
        return self not in (Reason.NOT_RUNNING, Reason.CRITICAL, Reason.THROTTLES, Reason.LATE)


_OF_STANDING = {Standing.LATE: Reason.LATE, Standing.UNPROVEN: Reason.UNPROVEN,
                Standing.USELESS: Reason.USELESS, Standing.SLOW: Reason.SLOW,
                Standing.DOUBTED: Reason.DOUBTED}
# Those that come before an unknown temperature, and do not depend on the reading.
_STRONGER_THAN_UNKNOWN = (Reason.NOT_RUNNING, Reason.THROTTLES, Reason.LATE, Reason.UNPROVEN)


@dataclass(frozen=True)
class Condition:
    """
    The Reason of one stick, and the figures that belong to it; None means not known.

    ``celsius`` is the last reading while it is valid and believed, and ``is_hot`` tells whether it
    is at the switch temperature or above. ``likely_celsius`` is the estimate to a tenth, and
    ``sensor_fault`` says why the readings are not believed. ``standing`` is that of a running
    stick, ``slowness`` that of a slow one.
    """

    reason: Reason = Reason.NOT_RUNNING
    is_hot: bool = False
    celsius: float | None = None
    likely_celsius: float | None = None
    sensor_fault: SensorFault | None = None
    standing: Standing | None = None
    slowness: Slowness | None = None

    def without_reading(self) -> 'Condition':
        """Return the Condition from when the last reading is too old."""
        reason = self.reason if self.reason in _STRONGER_THAN_UNKNOWN else (
            Reason.UNKNOWN_TEMPERATURE)
        return replace(self, reason=reason, is_hot=False, celsius=None)


def forces_rest(stick: StickStatus, celsius: float | None, settings: Settings) -> bool:
    """Tell whether a stick rests even if the cluster shrinks; ``celsius`` is its reading."""
    return settings.is_critical(celsius) or stick.throttle_level >= FORCED_REST_LEVEL


def condition_of(stick: StickStatus, settings: Settings, *, celsius: float | None,
                 likely_celsius: float | None, must_cool: bool,
                 standing: Standing | None = None, slowness: Slowness | None = None,
                 sensor_fault: SensorFault | None = None) -> Condition:
    """
    Return the Condition of a stick.

    :param must_cool: whether it was hot, and has not been below the resume temperature since.
    """
    is_hot = settings.is_hot(celsius)
    return Condition(_reason_of(stick, settings, celsius, must_cool, is_hot, standing), is_hot,
                     celsius, likely_celsius, sensor_fault, standing, slowness)


def _reason_of(stick: StickStatus, settings: Settings, celsius: float | None, must_cool: bool,
               is_hot: bool, standing: Standing | None) -> Reason:
    if stick.state is not StickState.RUNNING:
        return Reason.NOT_RUNNING
    if forces_rest(stick, celsius, settings):
        return Reason.CRITICAL if settings.is_critical(celsius) else Reason.THROTTLES
    by_standing = Reason.NONE if standing is None else _OF_STANDING.get(standing, Reason.NONE)
    if by_standing in (Reason.LATE, Reason.UNPROVEN):
        return by_standing
    if celsius is None and stick.has_thermometer:
        return Reason.UNKNOWN_TEMPERATURE
    if must_cool:
        return Reason.HOT if is_hot else Reason.COOLING
    return by_standing if settings.enabled else Reason.DISABLED
