# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A bus that is slow, because many share it, is no fault."""

from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.xlink.link import Link
import pytest

PORT = '1.1'
GRAPH_BYTES = 6_000_000


@pytest.fixture
def link(fake_bus, usb_backend):
    """Return a link over a bus that carries 4 MB a second."""
    with fake_bus('--ports', PORT, '--bus-rate', '4e6') as fake:
        fake.tell(f'{PORT} boot')
        bus = UsbBus(usb_backend)
        (stick,) = bus.sticks()
        link = Link(bus.claim(stick), f'{PORT}-ma2450')
        yield link
        link.close()


def test_a_large_graph_on_a_slow_bus_arrives(link):
    assert link.answers(1.0)
    link.await_streams(frozenset({'deviceMonitor', 'graphMonitor'}), 2.0)
    stream = link.open_stream('any', GRAPH_BYTES)
    link.write(stream, bytes(GRAPH_BYTES))
    assert link.levels(stream) == (GRAPH_BYTES, 0)   # nobody reads it
    assert link.answers(1.0)
    assert link.failure is None
