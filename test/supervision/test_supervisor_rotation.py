# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Changes of the active sticks with real worker processes on simulated sticks."""

from dataclasses import replace
import random
import threading

from ncs_cluster_detector.detector_node.explanations import switch_answer
from ncs_cluster_detector.detector_node.heat_explanation import HeatLog
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.reliability import promptness
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.bus_spec import PORTS
import pytest
from supervisor_bench import DEADLINE_SEC
from supervisor_bench import picture
from supervisor_bench import QUICK
from supervisor_bench import RUNNING


@pytest.mark.parametrize('policy', POLICIES)
def test_a_change_drops_nothing_and_the_one_that_joins_gets_the_next_frame(bench, policy):
    settings = Settings(cluster_size=2, cluster_switch_cycle_ms=300, min_dwell_ms=0,
                        rotation_policy=policy, max_frame_age_ms=0)
    running = bench(BusSpec(sticks=5, inference_ms=20.0, transfer_ms=5.0), settings)
    running.wait_for_states(*[RUNNING] * 5)
    supervisor = running.supervisor
    # Two sticks hold four pictures and infer many more a second: what is missing a change took.
    before = supervisor.snapshot.switches
    running.film(6, lambda: supervisor.snapshot.switches >= before + 8)
    running.wait_for(lambda: len(running.published) + supervisor.snapshot.frames.dropped.total ==
                     running.offered)
    assert supervisor.snapshot.frames.dropped.total == 0
    numbers = [frame.sequence for frame, _ in running.published]
    assert numbers == sorted(numbers)
    running.wait_for(lambda: sum(
        stick.inferences > 0 for stick in supervisor.snapshot.sticks) > 2)


def test_a_switch_on_request_is_answered(bench):
    settings = Settings(cluster_size=1, cluster_switch_cycle_ms=0, min_dwell_ms=600000)
    running = bench(BusSpec(sticks=2, **QUICK), settings)
    running.wait_for_states(RUNNING, RUNNING)
    done, text = switch_answer(*running.supervisor.switch_cluster().result(DEADLINE_SEC))
    assert done
    assert text == 'stick 0 relieved by stick 1; active: stick 1'
    running.wait_for(lambda: running.supervisor.snapshot.active == (1,))
    assert running.supervisor.snapshot.last_switch_reason is SwitchReason.REQUEST
    running.bus.inject(PORTS[0], 'heat', '70')
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].status.celsius == 70.0)
    done, text = switch_answer(*running.supervisor.switch_cluster().result(DEADLINE_SEC))
    assert not done
    assert text == 'no other stick is fit: stick 0 is too hot (70.0 C, returns below 60.0 C)'
    running.supervisor.change(Settings())
    done, text = switch_answer(*running.supervisor.switch_cluster().result(DEADLINE_SEC))
    assert not done
    assert 'returns below' in text or 'all 2 are active' in text


@pytest.fixture
def never_late(monkeypatch):
    """Let no host be so late that it makes a stick slow, which rests, and then is too hot."""
    monkeypatch.setattr(promptness, 'LATE_FACTOR', 1000.0)
    monkeypatch.setattr(promptness, 'SLOW_FACTOR', 1000.0)


def film_until_too_hot(running):
    """Feed pictures until heat costs speed; return the HeatLog that has told of it."""
    heat_log = HeatLog(running.log)

    def is_told():
        snapshot = running.supervisor.snapshot
        heat_log.note(snapshot)
        return snapshot.heat_advice

    running.film(30, is_told)
    return heat_log


def test_hot_sticks_that_none_can_relieve_are_paced_and_named_once(bench, never_late):
    running = bench(BusSpec(sticks=2, **{**QUICK, 'inference_ms': 60.0}))
    running.wait_for_states(RUNNING, RUNNING)
    for port in PORTS[:2]:
        running.bus.inject(port, 'heat', '66')
    film_until_too_hot(running)
    (text,) = [text for level, text in running.log.lines if level == 'warning']
    assert text.startswith('2 of 2 sticks active is too much heat for switch_temperature 65.0 C')
    assert running.supervisor.snapshot.all_hot
    offered, published = running.offered, len(running.published)
    running.film(30, lambda: running.offered >= offered + 90 and (
        len(running.published) > published))
    # Pinned at 66 C they count as sticks that no slowness cools.
    assert len(running.published) - published < 80


def test_what_is_said_of_heat_goes_with_the_limit_that_it_was_said_of(bench, never_late):
    running = bench(BusSpec(sticks=2, **{**QUICK, 'inference_ms': 60.0}))
    running.wait_for_states(RUNNING, RUNNING)
    for port in PORTS[:2]:
        running.bus.inject(port, 'heat', '66')
    heat_log = film_until_too_hot(running)
    before = running.supervisor.snapshot

    def infos():
        heat_log.note(running.supervisor.snapshot)
        return [text for level, text in running.log.lines
                if level == 'info' and 'full speed again' in text]

    running.supervisor.change(replace(before.settings))   # the same values change nothing
    a_second_later = before.frames.image_at + 1.0
    running.film(30, lambda: (
        running.supervisor.snapshot.frames.image_at > a_second_later))
    assert running.supervisor.snapshot.heat_advice and not infos()
    running.supervisor.change(replace(before.settings, switch_temperature=80.0))
    running.wait_for(lambda: running.supervisor.snapshot.settings.switch_temperature == 80.0)
    after = running.supervisor.snapshot
    assert (after.heat_advice, after.all_hot, after.sustainable_size) == (None, False, None)
    running.film(30, infos)
    assert infos() == ['the sticks keep below switch_temperature at full speed again']


def test_the_limit_is_held_where_no_rotation_can_hold_it(bench, never_late):
    # How closely is a matter of invented time: test_heat_control. At full speed they would reach
    # almost 90 C; inferences are so long that they would on a late host, too.
    bus = BusSpec(sticks=2, boot_ms=0.0, inference_ms=100.0, transfer_ms=2.0,
                  ambient_celsius=45.0, rise_celsius=45.0, time_constant_sec=8.0)
    running = bench(bus)
    running.wait_for_states(RUNNING, RUNNING)
    for port in PORTS[:2]:   # to be spared the warming up
        running.bus.inject(port, 'heat', '52')
        running.bus.inject(port, 'clear')
    readings = []

    def watch():
        sticks = running.supervisor.snapshot.sticks
        readings.extend(stick.status.celsius or 0.0 for stick in sticks)
        return max(readings) > 64.0 and min(stick.inferences for stick in sticks) >= 60

    running.film(40, watch)
    assert max(readings) < 75.0


def test_any_sequence_of_settings_loses_no_frame_and_the_last_ones_count(bench):
    running = bench(BusSpec(sticks=5, **QUICK))
    running.wait_for_states(*[RUNNING] * 5)
    chance, supervisor = random.Random(1), running.supervisor
    image, pause = picture(), threading.Event()
    for _ in range(1000):
        supervisor.change(Settings(
            cluster_size=chance.randint(0, 7),
            cluster_switch_cycle_ms=chance.choice([0, 50, 2000]),
            switch_temperature=chance.uniform(20, 95), resume_margin=chance.uniform(0, 40),
            critical_margin=chance.uniform(0, 40), min_dwell_ms=chance.choice([0, 100, 2000]),
            rotation_policy=chance.choice(POLICIES), score_threshold=chance.random(),
            class_filter=chance.choice([(), ('car',), ('cat',)]),
            max_frame_age_ms=chance.choice([0, 500])))
        running.offer(image)
        pause.wait(0.002)
    supervisor.change(Settings(cluster_size=3, min_dwell_ms=0))
    running.film(100, lambda: len(supervisor.snapshot.active) == 3)
    count = len(running.published)
    running.film(100, lambda: len(running.published) >= count + 20)
    assert [found.label for found in running.published[-1][1]] == ['car']
    running.wait_for(lambda: len(running.published) + supervisor.snapshot.frames.dropped.total ==
                     running.offered)
    assert supervisor.snapshot.settings == Settings(cluster_size=3, min_dwell_ms=0)
    assert [line for line in running.log.lines if line[0] == 'error'] == []
