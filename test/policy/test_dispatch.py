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

from ncs_cluster_detector.policy.dispatch import choose_stick
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus


def stick(number, outstanding=0, given_at=0.0, state=StickState.RUNNING):
    """Return a stick that holds some frames."""
    return StickStatus(number, state, outstanding=outstanding, last_given_at=given_at)


def test_the_emptiest_stick_is_taken():
    assert choose_stick([stick(0, 1), stick(1, 0), stick(2, 1)], (0, 1, 2), 2) == 1


def test_among_equals_the_one_that_waited_longest_is_taken():
    assert choose_stick([stick(0, 1, 3.0), stick(1, 1, 2.0)], (0, 1), 2) == 1


def test_a_full_stick_is_not_taken():
    assert choose_stick([stick(0, 1)], (0,), 1) is None
    assert choose_stick([stick(0, 1)], (0,), 2) == 0
    assert choose_stick([stick(0, 2)], (0,), 2) is None


def test_only_active_running_sticks_are_taken():
    assert choose_stick([stick(0), stick(1)], (1,), 2) == 1
    assert choose_stick([stick(0, state=StickState.STARTING)], (0,), 2) is None
    assert choose_stick([], (), 2) is None
