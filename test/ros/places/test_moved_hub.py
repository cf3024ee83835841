# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A hub that is moved to other ports takes its sticks along."""

import time

import pytest


@pytest.mark.parametrize('max_sticks, one_by_one', [(3, False), (3, True), (0, False), (0, True)])
def test_a_hub_may_be_moved_to_other_ports(watch, start_bus, start_on, max_sticks, one_by_one):
    bus = start_bus(3)
    start_on(bus, max_sticks=max_sticks)
    watch.film_until(lambda: watch.is_ok_with(3))
    for here, there in (('1.1', '1.5'), ('1.2', '1.6'), ('1.3', '1.7')):
        bus.inject(here, 'unplug')
        if one_by_one:
            bus.inject(there, 'plug')
            moved_at = time.monotonic()
            watch.film_until(lambda: time.monotonic() > moved_at + 2.0)
    if not one_by_one:
        watch.film_until(lambda: len(watch.ports('ABSENT')) == 3)
        for there in ('1.5', '1.6', '1.7'):
            bus.inject(there, 'plug')
    answered = len(watch.probe.detections)
    watch.film_until(lambda: len(watch.probe.detections) > answered + 5 and watch.is_ok_with(3))
    assert watch.ports() == {0: '1.5', 1: '1.6', 2: '1.7'}
