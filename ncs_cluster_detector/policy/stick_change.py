# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which changes of a stick the policies must take in at once."""

from collections.abc import Collection

from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickStatus


def is_urgent(before: StickStatus | None, after: StickStatus | None, settings: Settings,
              late: Collection[int]) -> bool:
    """
    Tell whether a decision must follow the change of a stick's status at once.

    What has only done more work or become a little warmer can wait a moment.

    :param before: None for a stick that was not there, as ``after`` for one that is no more.
    :param late: numbers of the sticks whose result is overdue.
    """
    if before is None or after is None or before.state is not after.state:
        return True
    if after.number in late and after.busy_since != before.busy_since:
        return True   # it has answered
    return _limits_of(before, settings) != _limits_of(after, settings)


def _limits_of(stick: StickStatus, settings: Settings) -> tuple[object, ...]:
    """Return what a change of must be known at once."""
    return (stick.trials_left, stick.throttle_level, stick.has_reading, stick.has_thermometer,
            stick.doubt_sec > 0.0, settings.is_hot(stick.celsius),
            settings.is_critical(stick.celsius))
