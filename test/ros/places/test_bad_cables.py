# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks that refuse their networks, as those with bad cables do, and those beside them."""

from ncs_cluster_detector.policy.reliability import restart
import pytest

# The longest rest of a stick that refuses its networks, as a part of the product's.
SHORTER = 5


@pytest.mark.parametrize('bad', [['1.1'], ['1.5'], ['1.1', '1.2']])
def test_sticks_with_bad_cables_keep_nobody_from_work(watch, start_bus, start_on, bad):
    bus = start_bus(5)
    for port in bad:
        bus.inject(port, 'error', 'allocate', 'OUT_OF_MEMORY')
    assert restart.LONGEST_REFUSED_DELAY_SEC <= 10.0
    node = start_on(bus, before='from ncs_cluster_detector.policy.reliability import restart\n'
                    f'restart.LONGEST_REFUSED_DELAY_SEC /= {SHORTER}')
    watch.film_until(lambda: len(watch.ports()) == 5 - len(bad))
    # In the end they rest as long as they ever do.
    numbers = [int(port.partition('.')[2]) - 1 for port in bad]
    for least_restarts in (1, 6):
        watch.film_until(lambda: all(
            int(watch.probe.status(f'detector: stick {number}')[1]['restarts']) >= least_restarts
            for number in numbers))
        assert 'OUT_OF_MEMORY' in watch.probe.status(
            f'detector: stick {numbers[0]}')[1]['last_error']
    for port in bad:
        bus.inject(port, 'clear')
    watch.film_until(lambda: watch.is_ok_with(5))
    assert node.output.count('OUT_OF_MEMORY') == len(bad)
