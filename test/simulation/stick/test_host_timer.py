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
import pytest


def test_what_timers_are_late_by_at_least_is_slept_less():
    timer = HostTimer()
    assert timer.sleep_sec(0.065) == 0.065
    for late_sec in (0.0003, 0.0001, 0.0002):
        timer.on_wake_up(0.065, 0.065 + late_sec)
    assert timer.sleep_sec(0.065) == pytest.approx(0.0649)
    assert timer.sleep_sec(0.00005) == 0.0


def test_a_busy_host_counts_only_as_long_as_it_lasts():
    timer = HostTimer()
    for late_sec in [0.010] * 16 + [0.0001]:
        timer.on_wake_up(0.015, 0.015 + late_sec)
    assert timer.sleep_sec(0.015) == pytest.approx(0.0149)


def test_a_sleep_that_is_cut_short_says_nothing_of_timers():
    timer = HostTimer()
    timer.on_wake_up(0.015, 0.001)
    assert timer.sleep_sec(0.015) == 0.015
