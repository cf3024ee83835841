# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rotation, asked with made-up sticks and invented time."""

import random

from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.heat.cluster_heat import ClusterHeat
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.rotation import Rotation
from ncs_cluster_detector.policy.settings import COOLEST
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import ROUND_ROBIN
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest


def sticks(now, *readings):
    """Return running sticks with these temperatures; None stands for a stick that is not."""
    return [StickStatus(number, StickState.BACKOFF) if celsius is None else
            StickStatus(number, StickState.RUNNING, celsius, now)
            for number, celsius in enumerate(readings)]


class Asked(Rotation):
    """A rotation that is asked with the readings alone, by sticks that heat as is typical."""

    def decide(self, now, sticks, settings, requested=False, standings=None):
        heat = ClusterHeat()
        heat.observe(now, sticks)
        trusted = {stick.number: Standing.TRUSTED for stick in sticks
                   if stick.state is StickState.RUNNING}
        return super().decide(
            now, sticks, heat, {**trusted, **(standings or {})}, settings, requested)


def rotation_of(settings, *readings):
    """Return a rotation that has made its first decision at the time 0."""
    rotation = Asked()
    rotation.decide(0.0, sticks(0.0, *readings), settings)
    return rotation


def test_all_sticks_are_active_when_the_cluster_size_is_zero():
    decision = Asked().decide(0.0, sticks(0.0, 30, 30, 30), Settings())
    assert decision.active == (0, 1, 2)
    assert decision.reason is SwitchReason.READY


def test_sticks_that_do_not_run_are_not_active():
    decision = Asked().decide(0.0, sticks(0.0, None, 30, None, 30), Settings())
    assert decision.active == (1, 3)


def test_sticks_join_as_they_become_ready_whatever_the_dwell():
    settings = Settings(cluster_size=2, min_dwell_ms=600000)
    rotation = rotation_of(settings, None, 30, None)
    assert rotation.decide(0.1, sticks(0.1, 30, 30, 30), settings).active == (0, 1)


def test_coolest_changes_one_stick_every_cycle_divided_by_the_cluster_size():
    settings = Settings(cluster_size=2, cluster_switch_cycle_ms=10000)
    rotation = rotation_of(settings, 50, 60, 40, 45)
    assert rotation.decide(0.0, sticks(0.0, 50, 60, 40, 45), settings).active == (2, 3)
    assert rotation.decide(4.999, sticks(4.9, 40, 41, 60, 55), settings).reason is None
    decision = rotation.decide(5.0, sticks(5.0, 40, 41, 60, 55), settings)
    assert decision.active == (0, 3)   # the hottest active, 2, changed with the coolest rested, 0
    assert (decision.left, decision.joined) == ((2,), (0,))
    assert decision.reason is SwitchReason.CYCLE


def test_round_robin_changes_the_whole_cluster_in_ring_order():
    settings = Settings(cluster_size=2, cluster_switch_cycle_ms=10000,
                        rotation_policy=ROUND_ROBIN)
    rotation = rotation_of(settings, 30, 30, 30, 30, 30)
    seen = [rotation.decide(now, sticks(now, 30, 30, 30, 30, 30), settings).active
            for now in (0.0, 9.9, 10.0, 20.0, 30.0, 40.0)]
    assert seen == [(0, 1), (0, 1), (2, 3), (0, 4), (1, 2), (3, 4)]


@pytest.mark.parametrize('policy', POLICIES)
def test_cycle_zero_rotates_by_temperature_only(policy):
    settings = Settings(cluster_size=1, cluster_switch_cycle_ms=0, rotation_policy=policy)
    rotation = rotation_of(settings, 30, 30)
    assert rotation.decide(1e6, sticks(1e6, 64.9, 30), settings).reason is None
    decision = rotation.decide(1e6 + 1, sticks(1e6 + 1, 65.0, 30), settings)
    assert decision.active == (1,)
    assert decision.reason is SwitchReason.TEMPERATURE


def test_all_hot_sticks_are_relieved_in_one_change_hottest_first():
    settings = Settings(cluster_size=3, cluster_switch_cycle_ms=0)
    rotation = rotation_of(settings, 30, 30, 30, 31, 32)
    decision = rotation.decide(9.0, sticks(9.0, 66, 70, 68, 31, 32), settings)
    assert decision.active == (0, 3, 4)


def test_a_temperature_change_waits_for_the_dwell():
    settings = Settings(cluster_size=1, min_dwell_ms=2000)
    rotation = rotation_of(settings, 30, 30)
    assert rotation.decide(1.999, sticks(1.9, 66, 30), settings).active == (0,)
    assert rotation.decide(2.0, sticks(2.0, 66, 30), settings).active == (1,)


def test_a_relieved_stick_returns_only_below_the_resume_temperature():
    settings = Settings(cluster_size=1, cluster_switch_cycle_ms=1000, min_dwell_ms=0,
                        switch_temperature=65.0, resume_margin=5.0)
    rotation = rotation_of(settings, 30, 30)
    rotation.decide(1.0, sticks(1.0, 65.0, 30), settings)
    assert rotation.decide(3.0, sticks(3.0, 60.0, 64), settings).active == (1,)
    assert rotation.decide(4.0, sticks(4.0, 59.9, 64), settings).active == (0,)


def test_a_critical_stick_rests_at_once_even_if_the_cluster_shrinks():
    settings = Settings(cluster_size=2, min_dwell_ms=600000)
    rotation = rotation_of(settings, 30, 30)
    assert rotation.decide(0.1, sticks(0.1, 74.9, 30), settings).active == (0, 1)
    decision = rotation.decide(0.2, sticks(0.2, 75.0, 30), settings)
    assert decision.active == (1,)
    assert decision.reason is SwitchReason.CRITICAL


def test_a_lost_stick_is_replaced_at_once():
    settings = Settings(cluster_size=2, min_dwell_ms=600000)
    rotation = rotation_of(settings, 30, 30, 30)
    decision = rotation.decide(0.1, sticks(0.1, 30, None, 30), settings)
    assert decision.active == (0, 2)
    assert decision.reason is SwitchReason.LOST


@pytest.mark.parametrize('policy', POLICIES)
def test_hot_sticks_work_on_when_none_is_fit(policy):
    settings = Settings(cluster_size=1, cluster_switch_cycle_ms=1000, min_dwell_ms=0,
                        rotation_policy=policy)
    rotation = rotation_of(settings, 30, 66)
    for now in (1.0, 2.0, 3.0):
        decision = rotation.decide(now, sticks(now, 70, 66), settings)
        assert decision.active == (0,)
        assert decision.reason is None
        assert decision.all_hot


def test_an_old_reading_is_neither_hot_nor_cool():
    settings = Settings(cluster_size=1, cluster_switch_cycle_ms=0)
    rotation = rotation_of(settings, 30, 30)
    old = [StickStatus(0, StickState.RUNNING, 90.0, 0.0), StickStatus(1, StickState.RUNNING)]
    assert rotation.decide(3.1, old, settings).active == (0,)


def test_sticks_without_any_reading_take_turns():
    settings = Settings(cluster_size=2, cluster_switch_cycle_ms=2000, min_dwell_ms=0)
    rotation = Asked()
    blind = [StickStatus(number, StickState.RUNNING) for number in range(5)]
    seen = set()
    for second in range(10):
        seen |= set(rotation.decide(float(second), blind, settings).active)
    assert seen == {0, 1, 2, 3, 4}


def test_a_smaller_cluster_keeps_the_coolest_and_a_larger_one_takes_the_coolest():
    small, large = Settings(cluster_size=1), Settings(cluster_size=3)
    rotation = rotation_of(large, 50, 40, 45, 30, 35)
    assert rotation.decide(0.1, sticks(0.1, 50, 40, 45, 30, 35), large).active == (1, 3, 4)
    decision = rotation.decide(0.2, sticks(0.2, 50, 40, 45, 30, 35), small)
    assert decision.active == (3,)
    assert decision.reason is SwitchReason.SETTINGS
    decision = rotation.decide(0.3, sticks(0.3, 50, 40, 45, 30, 35), large)
    assert decision.active == (1, 3, 4)
    assert decision.reason is SwitchReason.SETTINGS


def test_next_due_is_when_time_alone_may_ask_for_a_change():
    settings = Settings(cluster_size=2, cluster_switch_cycle_ms=10000, min_dwell_ms=2000)
    rotation = rotation_of(settings, 30, 30, 30)
    assert rotation.next_due(0.0, settings) == 2.0
    assert rotation.next_due(2.0, settings) == 5.0
    assert rotation.next_due(5.0, settings) is None


@pytest.mark.parametrize('policy', POLICIES)
@pytest.mark.parametrize('seed', range(20))
def test_every_history_keeps_the_rules(policy, seed):
    chance = random.Random(seed)
    rotation, twin = Asked(), Asked()
    now, changed_at = 0.0, float('-inf')
    settings = Settings(rotation_policy=policy)
    for _ in range(300):
        now += chance.choice([0.0, 0.05, 0.3, 1.0, 5.0, 300.0])
        if chance.random() < 0.1:
            settings = Settings(
                rotation_policy=chance.choice(POLICIES), cluster_size=chance.randint(0, 6),
                cluster_switch_cycle_ms=chance.choice([0, 500, 2000]),
                min_dwell_ms=chance.choice([0, 2000]), switch_temperature=chance.uniform(40, 80))
        status = sticks(now, *(chance.choice([None, chance.uniform(25, 95)]) for _ in range(5)))
        decision = rotation.decide(now, status, settings)
        assert decision == twin.decide(now, status, settings)
        running = {stick.number for stick in status if stick.state is StickState.RUNNING}
        assert set(decision.active) <= running
        assert len(decision.active) <= (settings.cluster_size or 5)
        for stick in status:
            assert not (stick.number in decision.active and settings.is_critical(stick.celsius))
        if decision.reason in (SwitchReason.CYCLE, SwitchReason.TEMPERATURE):
            assert now - changed_at >= settings.min_dwell_ms / 1000
        if decision.reason:
            changed_at = now


def test_coolest_is_the_default():
    assert Settings().rotation_policy == COOLEST


def throttled(now, *levels):
    """Return running sticks of 40 degrees with these throttling levels."""
    return [StickStatus(number, StickState.RUNNING, 40.0, now, throttle_level=level)
            for number, level in enumerate(levels)]


def test_a_stick_that_throttles_itself_heavily_rests_at_once_and_returns_by_the_dwell():
    settings = Settings(cluster_size=0, min_dwell_ms=10000)
    rotation = rotation_of(settings, 40, 40)
    decision = rotation.decide(1.0, throttled(1.0, 2, 1), settings)
    assert (decision.active, decision.reason) == ((1,), SwitchReason.CRITICAL)
    assert rotation.decide(2.0, throttled(2.0, 0, 0), settings).active == (1,)
    assert rotation.next_due(2.0, settings) == 11.0
    assert rotation.decide(11.0, throttled(11.0, 0, 0), settings).active == (0, 1)


def test_rather_than_none_the_coolest_that_is_not_critical_works():
    settings = Settings(cluster_size=2, resume_margin=40.0)   # none gets below 25
    decision = Asked().decide(0.0, sticks(0.0, 70, 68, 66), settings)
    assert decision.active == (2,)
    rotation = rotation_of(settings, 30, 30, 30)
    rotation.decide(5.0, sticks(5.0, 30, 66, 66), settings)
    rotation.decide(9.0, sticks(9.0, 66, 30, 66), settings)
    decision = rotation.decide(10.0, sticks(10.0, None, None, 30), settings)
    assert decision.active == (2,)
    assert Asked().decide(0.0, sticks(0.0, 75, 76), settings).active == ()


def test_a_request_changes_the_whole_cluster_whatever_the_dwell():
    settings = Settings(cluster_size=2, min_dwell_ms=600000)
    rotation = rotation_of(settings, 30, 30, 30, 30)
    decision = rotation.decide(0.1, sticks(0.1, 50, 50, 31, 30), settings, requested=True)
    assert (decision.active, decision.reason) == ((2, 3), SwitchReason.REQUEST)
    decision = rotation.decide(0.2, sticks(0.2, 66, 66, 31, 30), settings, requested=True)
    assert (decision.active, decision.reason) == ((2, 3), None)


def test_with_a_hot_stick_go_those_that_would_be_hot_within_the_dwell():
    settings = Settings(cluster_size=2, cluster_switch_cycle_ms=0, min_dwell_ms=20000)
    rotation = rotation_of(settings, 30, 30, 40, 40)
    decision = rotation.decide(20.0, sticks(20.0, 65, 64, 40, 40), settings)
    assert decision.active == (2, 3)   # a typical stick heats 0.09 degrees a second at 64
    rotation = rotation_of(settings, 30, 30, 40, 40)
    decision = rotation.decide(20.0, sticks(20.0, 65, 60, 40, 40), settings)
    assert decision.active == (1, 2)


def asked_with(rotation, now, readings, standings, settings, requested=False):
    """Ask a rotation about sticks of which some have another standing than TRUSTED."""
    return rotation.decide(now, sticks(now, *readings), settings, requested, standings)


@pytest.mark.parametrize('policy', POLICIES)
@pytest.mark.parametrize('standing', list(Standing)[1:])
def test_of_the_sticks_that_are_fit_the_most_reliable_work(policy, standing):
    settings = Settings(cluster_size=2, rotation_policy=policy)
    decision = asked_with(Asked(), 0.0, (20, 50, 60), {0: standing}, settings)
    assert decision.active == (1, 2)


def test_the_order_in_which_sticks_come_to_work():
    ranks = dict(enumerate(Standing))
    for size in range(1, Standing.USELESS):
        decision = asked_with(Asked(), 0.0, [60 - 5 * number for number in ranks], ranks,
                              Settings(cluster_size=size))
        assert decision.active == tuple(range(size))
    decision = asked_with(Asked(), 0.0, [30] * len(ranks), ranks, Settings())
    assert decision.active == tuple(range(Standing.USELESS))


@pytest.mark.parametrize('standing', [Standing.DOUBTED, Standing.SLOW, Standing.BLIND])
def test_those_that_cannot_be_depended_on_work_where_they_are_needed(standing):
    decision = asked_with(Asked(), 0.0, (30, 30, 30), {2: standing}, Settings())
    assert decision.active == (0, 1, 2)


@pytest.mark.parametrize('standing', list(Standing)[Standing.USELESS:])
def test_those_of_no_use_work_only_when_no_other_can(standing):
    rotation, settings = Asked(), Settings()
    assert asked_with(rotation, 0.0, (30, 30), {1: standing}, settings).active == (0,)
    alone = asked_with(rotation, 0.1, (None, 30), {1: standing}, settings)
    assert (alone.active, alone.reason) == ((1,), SwitchReason.LOST)
    back = asked_with(rotation, 0.2, (30, 30), {1: standing}, settings)
    assert (back.active, back.left) == ((0,), (1,))


@pytest.mark.parametrize('standing, reason', [
    (Standing.LATE, SwitchReason.LATE), (Standing.UNPROVEN, SwitchReason.UNRELIABLE),
    (Standing.USELESS, SwitchReason.UNRELIABLE), (Standing.SPENT, SwitchReason.UNRELIABLE),
    (Standing.BLIND, SwitchReason.UNRELIABLE)])
def test_such_a_stick_is_relieved_at_once_whatever_the_dwell(standing, reason):
    settings = Settings(cluster_size=1, min_dwell_ms=600000)
    rotation = rotation_of(settings, 30, 60)
    decision = asked_with(rotation, 0.1, (30, 60), {0: standing}, settings)
    assert (decision.active, decision.reason) == ((1,), reason)


@pytest.mark.parametrize('standing', [Standing.DOUBTED, Standing.SLOW])
def test_one_that_works_on_is_relieved_after_the_dwell(standing):
    settings = Settings(cluster_size=1, min_dwell_ms=2000)
    rotation = rotation_of(settings, 30, 60)
    assert asked_with(rotation, 1.9, (30, 60), {0: standing}, settings).active == (0,)
    decision = asked_with(rotation, 2.0, (30, 60), {0: standing}, settings)
    assert (decision.active, decision.reason) == ((1,), SwitchReason.UNRELIABLE)


@pytest.mark.parametrize('policy', POLICIES)
def test_no_cycle_and_no_request_brings_a_less_reliable_stick_to_work_but_heat_does(policy):
    settings = Settings(cluster_size=1, rotation_policy=policy)
    rotation, doubt = rotation_of(settings, 60, 30.5), {0: Standing.DOUBTED}
    rotation.decide(0.0, sticks(0.0, 60, 30), settings, requested=True)
    if rotation.decide(0.0, sticks(0.0, 60, 30), settings).active != (1,):
        rotation.decide(0.0, sticks(0.0, 60, 30), settings, requested=True)
    assert asked_with(rotation, 99.0, (30, 60), doubt, settings).active == (1,)
    asked = asked_with(rotation, 99.1, (30, 60), doubt, settings, requested=True)
    assert (asked.active, asked.reason) == ((1,), None)
    hot = asked_with(rotation, 99.2, (30, 65), doubt, settings)
    assert (hot.active, hot.reason) == ((0,), SwitchReason.TEMPERATURE)


def test_equals_in_doubt_take_turns():
    settings = Settings(cluster_size=1, cluster_switch_cycle_ms=1000, min_dwell_ms=0)
    rotation, doubt = rotation_of(settings, 30, 30), dict.fromkeys((0, 1), Standing.DOUBTED)
    decision = asked_with(rotation, 1.0, (40, 30), doubt, settings)
    assert (decision.active, decision.reason) == ((1,), SwitchReason.CYCLE)


def test_heat_in_a_ring_brings_no_more_unreliable_sticks_to_work_than_are_hot():
    settings = Settings(cluster_size=3, cluster_switch_cycle_ms=0, rotation_policy=ROUND_ROBIN)
    rotation = rotation_of(settings, 30, 30, 30, 30, 30)
    doubt = {3: Standing.DOUBTED, 4: Standing.BLIND}
    decision = asked_with(rotation, 9.0, (66, 30, 30, 30, 30), doubt, settings)
    assert decision.active == (1, 2, 3)


def test_when_none_can_be_depended_on_all_of_them_work():
    late = dict.fromkeys((0, 1), Standing.LATE)
    assert asked_with(Asked(), 0.0, (30, 30), late, Settings()).active == (0, 1)


def test_a_smaller_cluster_keeps_the_most_reliable():
    rotation = rotation_of(Settings(), 30, 50, 60)
    decision = asked_with(rotation, 0.1, (30, 50, 60), {0: Standing.SLOW},
                          Settings(cluster_size=2))
    assert decision.active == (1, 2)


@pytest.mark.parametrize('other', list(Standing)[Standing.USELESS:Standing.LATE])
def test_a_late_stick_is_relieved_by_whatever_answers(other):
    settings = Settings(cluster_size=1, min_dwell_ms=600000)
    rotation = rotation_of(settings, 30, 60)
    decision = asked_with(rotation, 0.1, (30, 60), {0: Standing.LATE, 1: other}, settings)
    assert (decision.active, decision.reason) == ((1,), SwitchReason.LATE)
