# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A simulated stick keeps its own time, however late the host's timers fire."""

from ncs_cluster_detector.simulation.stick.host_timer import HostTimer


def test_what_the_host_was_late_by_at_least_counts():
    timer = HostTimer()
    assert timer.late_sec == 0.0
    for late_sec in (0.0003, 0.0001, 0.0002):
        timer.note(late_sec)
    assert timer.late_sec == 0.0001


def test_a_busy_host_counts_only_as_long_as_it_lasts():
    timer = HostTimer()
    for late_sec in [0.010] * 16 + [0.0001]:
        timer.note(late_sec)
    assert timer.late_sec == 0.0001


def test_a_sleep_that_is_cut_short_says_nothing_of_timers():
    timer = HostTimer()
    timer.note(-0.014)
    assert timer.late_sec == 0.0
