# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Two nodes share the sticks of a machine out among them."""

import time

from diagnostic_msgs.msg import DiagnosticStatus
import pytest


@pytest.mark.parametrize('apart_sec', [0.0, 0.5, 1.0, 2.0])
def test_two_nodes_share_the_sticks_out(watch, start_bus, start_on, apart_sec):
    bus = start_bus(4)
    nodes = [start_on(bus, 'one', max_sticks=2)]
    time.sleep(apart_sec)
    nodes.append(start_on(bus, 'two', max_sticks=2))
    owners = ('one/detector', 'two/detector')
    watch.film_until(lambda: all(len(watch.ports(owner=owner)) == 2 for owner in owners))
    used = [port for owner in owners for port in watch.ports(owner=owner).values()]
    assert sorted(used) == ['1.1', '1.2', '1.3', '1.4']
    watch.film_until(lambda: all(watch.cluster(owner).level == DiagnosticStatus.OK
                                 for owner in owners))
    assert [node.output for node in nodes if 'ERROR' in node.output] == []
