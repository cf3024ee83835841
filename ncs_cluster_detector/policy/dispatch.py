# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Which stick gets the next frame.

``late`` are the numbers of the sticks whose result is overdue, ``slow`` those of the sticks that
take much longer than the others.
"""

from collections.abc import Collection
from collections.abc import Iterable

from ncs_cluster_detector.policy.reliability.trust import TRIAL_PERIOD_SEC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus


def choose_stick(active: Iterable[StickStatus], inflight_per_stick: int,
                 late: Collection[int] = (), slow: Collection[int] = ()) -> int | None:
    """
    Return the number of the stick that takes the next frame, or None when all are full.

    The stick that holds the fewest frames is taken, and among equals the one that has waited
    longest for a frame, so that results come back nearly in the order of the frames. A late stick
    takes none, and a slow one only when all others are full, and one at a time.

    :param inflight_per_stick: how many frames a stick may hold, 1 or 2.
    """
    return min(((stick.number in slow, stick.outstanding, stick.last_given_at, stick.number)
                for stick in active
                if stick.state is StickState.RUNNING and stick.number not in late
                and stick.outstanding < (1 if stick.number in slow else inflight_per_stick)),
               default=(None,))[-1]


def choose_for_trial(now: float, sticks: Iterable[StickStatus], active: Collection[int],
                     slow: Collection[int], late: Collection[int]) -> int | None:
    """
    Return the number of a stick that infers another one's frame too, on trial, or None.

    So a stick that failed or was slow shows at no risk whether it can be depended on: at once
    after a restart, otherwise once a second. Resting sticks are tried, and slow active ones, which
    get no frame while the others can take all.

    :param sticks: all of them that may be tried.
    """
    tried = [stick for stick in sticks
             if stick.state is StickState.RUNNING and not stick.outstanding
             and stick.number not in late and _needs_trial(now, stick, active, slow)]
    if not tried:
        return None
    return min(tried, key=lambda stick: (not stick.trials_left, stick.last_given_at)).number


def _needs_trial(now: float, stick: StickStatus, active: Collection[int],
                 slow: Collection[int]) -> bool:
    if stick.number in active and stick.number not in slow:
        return False
    return bool(stick.trials_left) or (
        (stick.doubt_sec > 0.0 or stick.number in slow)
        and now >= stick.last_given_at + TRIAL_PERIOD_SEC)
