# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When a stick misses its process and resets itself, in invented time."""

from ncs_cluster_detector.simulation.bus.bus_memory import BusMemory
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.port_memory import PORT_BYTES
from ncs_cluster_detector.simulation.bus.shared_hub import SharedHub
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
import pytest

PATIENCE_SEC = 12.0


class Clock:
    """A clock that stands until it is set."""

    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    """Return the clock of the port."""
    return Clock()


@pytest.fixture
def port(clock):
    """Return a port with a stick that takes 1.4 s to boot and 1 s to be reset."""
    bus = BusSpec(sticks=1, boot_ms=1400.0, watchdog_sec=PATIENCE_SEC)
    memory = BusMemory.create(2 * PORT_BYTES)
    port = StickPort(memory, 0, '1.1', bus, SharedHub(memory, PORT_BYTES, bus, clock), clock)
    port.set_up(plugged=True)
    return port


def booted(port, clock):
    """Boot the stick, which waits for its first sign from now on; return its enumeration."""
    port.boot(1)
    enumeration = port.look()[1].enumeration
    clock.now += 1.5
    assert port.has_booted()
    assert port.keep_alive(enumeration)
    return enumeration


def test_it_resets_itself_without_a_sign_and_is_another_device_then(port, clock):
    enumeration = booted(port, clock)
    clock.now += PATIENCE_SEC - 0.1
    assert port.has_booted()
    assert port.holds(1)
    clock.now += 0.2
    assert not port.is_visible()
    assert not port.holds(1)
    assert not port.keep_alive(enumeration)
    clock.now += 1.0
    assert port.in_rom()


def test_with_signs_it_stays(port, clock):
    enumeration = booted(port, clock)
    for _ in range(5):
        clock.now += PATIENCE_SEC - 0.1
        assert port.keep_alive(enumeration)
    assert port.has_booted()
    assert port.holds(1)


def test_a_sign_that_comes_too_late_is_none(port, clock):
    enumeration = booted(port, clock)
    clock.now += PATIENCE_SEC
    assert not port.keep_alive(enumeration)
    assert port.state().plugs == 2


def test_it_is_absent_as_long_as_after_any_reset_however_late_somebody_looks(port, clock):
    booted(port, clock)
    clock.now += PATIENCE_SEC + 100.0
    assert port.in_rom()


def test_without_any_sign_it_has_no_watchdog(port, clock):
    port.boot(1)
    clock.now += 10.0 * PATIENCE_SEC
    assert port.has_booted()


@pytest.mark.parametrize('end', [
    lambda port: port.reset(1, 0.0), lambda port: port.inject('unplug'),
    lambda port: (port.inject('unplug'), port.inject('plug'))])
def test_a_device_that_is_gone_gives_none_and_misses_none(port, clock, end):
    enumeration = booted(port, clock)
    end(port)
    plugs = port.state().plugs
    assert not port.keep_alive(enumeration)
    clock.now += 2.0 * PATIENCE_SEC
    assert port.state().plugs == plugs


def test_a_silent_stick_stays_until_it_loses_power(port, clock):
    booted(port, clock)
    port.inject('mute')
    clock.now += 2.0 * PATIENCE_SEC
    assert port.has_booted()
    assert port.holds(1)


def test_a_boot_that_takes_long_does_not_count(port, clock):
    port.inject('slow-boot', '60')
    port.boot(1)
    assert port.keep_alive(port.look()[1].enumeration)
    clock.now += 60.0 + PATIENCE_SEC - 0.1
    assert port.has_booted()
    clock.now += 0.2
    assert port.state().plugs == 2
