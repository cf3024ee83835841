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

"""Which stick gets the next frame."""

from ncs_cluster_detector.policy.stick_status import StickState


def choose_stick(sticks, active, inflight_per_stick):
    """
    Return the number of the stick that takes the next frame, or None when all are full.

    The stick that holds the fewest frames is taken, and among equals the one that has waited
    longest for a frame, so that results come back nearly in the order of the frames.

    :param sticks: iterable of StickStatus.
    :param active: numbers of the active sticks.
    :param inflight_per_stick: how many frames a stick may hold, 1 or 2.
    """
    ready = [stick for stick in sticks
             if stick.number in active and stick.state is StickState.RUNNING
             and stick.outstanding < inflight_per_stick]
    if not ready:
        return None
    return min(ready, key=lambda stick: (stick.outstanding, stick.last_given_at,
                                         stick.number)).number
