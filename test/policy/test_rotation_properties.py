# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rules of rotation and pacing, over made-up histories of sticks, settings and requests."""

from dataclasses import replace
import math

from ncs_cluster_detector.policy.cluster_control import ClusterControl
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.settings import COOLEST
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import ROUND_ROBIN
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
import pytest

hypothesis = pytest.importorskip('hypothesis')
stateful = pytest.importorskip('hypothesis.stateful')
given, rule, st = hypothesis.given, stateful.rule, hypothesis.strategies
# The same histories in every run, and no time limit: machines differ. A failing one is not made
# shorter, which takes many minutes.
thorough = hypothesis.settings(
    max_examples=500, stateful_step_count=40, derandomize=True, deadline=None, database=None,
    phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate], report_multiple_bugs=False)

MOST_STICKS = 6
RANGES = {   # those of the parameters; what matters more often first
    'cluster_size': st.sampled_from((2, 1, 3, 0, 5, 64)),
    'cluster_switch_cycle_ms': st.sampled_from((0, 1000, 10000)) | st.integers(0, 3600000),
    'switch_temperature': st.sampled_from((65.0, 50.0, 40.0)) | st.floats(20.0, 95.0),
    'resume_margin': st.sampled_from((5.0, 0.0)) | st.floats(0.0, 40.0),
    'critical_margin': st.sampled_from((10.0, 0.0)) | st.floats(0.0, 40.0),
    'min_dwell_ms': st.sampled_from((0, 2000, 500)) | st.integers(0, 600000),
    'rotation_policy': st.sampled_from(POLICIES)}
# Exact in binary, so that a moment which is due is met and not just missed.
SECONDS = st.sampled_from((0.0, 1 / 64, 0.25, 1.0, 2.0, 3.0, 3.25, 5.0, 10.0, 60.0, 7200.0))
# Where a reading lies: the limit, and how far above it.
READINGS = st.tuples(
    st.sampled_from(('switch', 'resume', 'critical')),
    st.sampled_from((-20.0, -1.0, 0.0, 1.0)) | st.floats(-60.0, 60.0))
NUMBERS = st.integers(0, MOST_STICKS - 1)


def by_number(sticks):
    return {stick.number: stick for stick in sticks}


class History(stateful.RuleBasedStateMachine):
    """Sticks that anything may happen to, under two controls that are told the same."""

    def __init__(self):
        super().__init__()
        self.control, self.twin = ClusterControl(), ClusterControl()
        self.now, self.changed_at, self.switches, self.size_before = 0.0, -math.inf, 0, None
        self.heated = set()   # at or above the switch temperature since last below the resume one
        self.forced = set()   # too hot to work, and not at work since

    @stateful.initialize(count=st.sampled_from((5, 4, 3, 6, 2, 1, 0)),
                         settings=st.builds(Settings, **RANGES))
    def begin(self, count, settings):
        self.settings = settings
        self.sticks = [StickStatus(number, StickState.RUNNING, inference_sec=1 / 16)
                       for number in range(count)]
        self.ask()

    @stateful.precondition(lambda self: len(self.sticks) < MOST_STICKS)
    @rule(state=st.sampled_from(StickState))
    def plug_in(self, state):
        self.sticks.append(StickStatus(len(self.sticks), state))

    @rule(number=NUMBERS, state=st.just(StickState.RUNNING) | st.sampled_from(StickState))
    def change_state(self, number, state):
        self.put(number, state=state, outstanding=0)

    @rule(number=NUMBERS, level=st.sampled_from((0, 0, 1, 2)))
    def throttle(self, number, level):
        self.put(number, throttle_level=level)

    @rule(readings=st.lists(st.none() | READINGS, max_size=MOST_STICKS),
          age_sec=st.sampled_from((0.0, 0.0, 0.5, 3.0, 3.25)))
    def read(self, readings, age_sec):
        switch = self.settings.switch_temperature
        limits = {'switch': switch, 'resume': switch - self.settings.resume_margin,
                  'critical': switch + self.settings.critical_margin}
        for number, reading in enumerate(readings):
            if reading and number < len(self.sticks):
                before = self.sticks[number].measured_at
                self.put(number, celsius=limits[reading[0]] + reading[1], measured_at=max(
                    self.now - age_sec, -math.inf if before is None else before))

    @rule(number=NUMBERS, doubt_sec=st.sampled_from((0.0, 0.0, 30.0)),
          trials_left=st.sampled_from((0, 0, 0, 2)),
          recent_sec=st.sampled_from((1 / 16, 1 / 16, 1 / 7, 1 / 2)), is_late=st.booleans())
    def mistrust(self, number, doubt_sec, trials_left, recent_sec, is_late):
        self.put(number, doubt_sec=doubt_sec, trials_left=trials_left, recent_sec=recent_sec,
                 busy_since=self.now - 10.0 if is_late else None)

    @rule(number=NUMBERS)
    def forget_reading(self, number):
        self.put(number, celsius=None, measured_at=None)

    @rule(change=st.one_of(*(st.tuples(st.just(name), values)
                             for name, values in RANGES.items())))
    def retune(self, change):
        self.settings = replace(self.settings, **dict([change]))

    @rule(inflight=st.integers(1, 2))
    def give(self, inflight):
        paced = []
        for _ in range(2 * MOST_STICKS + 1):
            number = self.control.next_stick(self.now, by_number(self.sticks), inflight)
            assert number == self.twin.next_stick(self.now, by_number(self.sticks), inflight)
            if number is None:
                break
            stick = self.sticks[number]
            for control in (self.control, self.twin):
                control.on_frame_sent(self.now, stick)
            assert number in self.control.active and stick.state is StickState.RUNNING
            assert stick.outstanding < inflight and number not in paced
            if stick.inference_sec and self.control.share_of(number) < 0.99:
                paced.append(number)   # so none more at this time
            self.put(number, outstanding=stick.outstanding + 1, last_given_at=self.now)
        promptness = self.control.promptness
        with_room = [
            stick for stick in self.sticks if stick.number in self.control.active
            and stick.state is StickState.RUNNING and stick.number not in promptness.late
            and stick.outstanding < (1 if stick.number in promptness.slowness else inflight)]
        assert number is None and all(
            self.control.share_of(stick.number) < 1.0 for stick in with_room)
        due_at = self.control.next_frame_due(self.now, by_number(self.sticks), inflight)
        assert (due_at or math.inf) > self.now and (due_at or not with_room)

    @rule(seconds=SECONDS, load=st.sampled_from((1.0, 0.0, 0.5, 1.5)))
    def wait(self, seconds, load):
        self.let_pass(seconds, load)
        self.ask()

    @rule(seconds=SECONDS)
    def request(self, seconds):
        self.let_pass(seconds, 1.0)
        self.ask(requested=True)

    @rule(turns=st.integers(1, 8), seconds=st.sampled_from((1.0, 0.5, 2.0)),
          time_constant_sec=st.sampled_from((120.0, 20.0)), ambient=st.sampled_from((30.0, 45.0)))
    def work(self, turns, seconds, time_constant_sec, ambient):
        """Heat and cool as sticks do, with a reading every turn."""
        for _ in range(turns):
            for number, stick in enumerate(self.sticks):
                share = self.control.share_of(number) if number in self.control.active else 0.0
                before = ambient if stick.celsius is None else stick.celsius
                celsius = before + (ambient + 45.0 * share - before) * (
                    1.0 - math.exp(-seconds / time_constant_sec))
                self.put(number, celsius=celsius, measured_at=self.now + seconds)
            self.let_pass(seconds, 1.0)
            self.ask()

    def put(self, number, **values):
        if number < len(self.sticks):
            self.sticks[number] = replace(self.sticks[number], **values)

    def let_pass(self, seconds, load):
        self.now += seconds
        for number in self.control.active:
            done = load * seconds * self.control.share_of(number)
            self.put(number, work_sec=self.sticks[number].work_sec + done, outstanding=0)

    def ask(self, requested=False):
        """Ask for the decision, and hold it against what it may and must be."""
        settings, now, before = self.settings, self.now, set(self.control.active)
        decision = self.control.update(now, self.sticks, settings, requested)
        assert decision == self.twin.update(now, self.sticks, settings, requested)
        active, reason = set(decision.active), decision.reason

        celsius = {stick.number: self.control.heat.now(stick.number) for stick in self.sticks}
        known = {number: value for number, value in celsius.items() if value is not None}
        fresh = {stick.number for stick in self.sticks
                 if stick.celsius is not None and now - stick.measured_at <= 3.0
                 and self.control.heat.sensor_fault(stick.number) is None}
        assert set(known) == fresh
        runs = {stick.number for stick in self.sticks if stick.state is StickState.RUNNING}
        switch = settings.switch_temperature
        critical = {stick.number for stick in self.sticks if stick.number in runs and (
            stick.throttle_level >= 2 or (stick.number in fresh and (
                stick.celsius >= switch + settings.critical_margin)))}
        likely = {number: self.control.heat.estimate(number) for number in celsius}
        likely = {number: value for number, value in likely.items() if value is not None}
        hot = {number for number in runs & set(likely) if likely[number] >= switch}
        self.heated |= hot
        self.heated -= {number for number, value in likely.items()
                        if value < switch - settings.resume_margin}
        standing = self.control.standings
        assert set(standing) == runs
        assert all(standing[number] >= Standing.BLIND for number in runs - fresh)
        assert all(standing[number] not in (Standing.BLIND, Standing.SPENT)
                   for number in runs & fresh)
        usable = runs - critical
        usable = ({number for number in usable if standing[number].can_fill}
                  or {number for number in usable if standing[number] < Standing.LATE} or usable)
        kept = before & usable
        fit = usable - self.heated - before
        most = settings.cluster_size or len(self.sticks)
        dwell_is_over = now >= self.changed_at + settings.min_dwell_ms / 1000
        ready = fit if dwell_is_over else fit - self.forced
        self.forced |= critical & before
        if not kept and not ready:   # rather than leave none at work
            ready = usable

        assert active <= usable and len(active) <= most
        assert len(active) == min(most, len(usable)) or not ready - active or (
            len(active) == 1 and not kept)
        cycle_sec = settings.cluster_switch_cycle_ms / 1000
        if settings.rotation_policy == COOLEST:
            cycle_sec /= max(len(before), 1)
        gone = before - usable
        worst = max((standing[number] for number in kept), default=Standing.TRUSTED)
        peers = {number for number in fit if standing[number] <= worst}
        is_better = any(standing[number] < worst for number in fit)
        causes = {
            None: True,
            SwitchReason.LOST: gone - runs and not before & critical,
            SwitchReason.LATE: gone <= runs and not before & critical and any(
                standing[number] is Standing.LATE for number in gone),
            SwitchReason.UNRELIABLE: (
                gone and gone <= runs and not before & critical and all(
                    standing[number] is not Standing.LATE for number in gone)
                or kept == before and is_better and (dwell_is_over or worst is Standing.BLIND)),
            SwitchReason.CRITICAL: before & critical,
            SwitchReason.SETTINGS: self.size_before not in (None, settings.cluster_size),
            SwitchReason.READY: kept == before and len(before) < most and ready,
            SwitchReason.REQUEST: requested and before and peers,
            SwitchReason.TEMPERATURE: dwell_is_over and before & hot and fit,
            SwitchReason.CYCLE: (dwell_is_over and before and peers
                                 and 0 < cycle_sec <= now - self.changed_at)}
        rotated = (SwitchReason.REQUEST, SwitchReason.TEMPERATURE, SwitchReason.CYCLE,
                   SwitchReason.UNRELIABLE)
        assert causes[reason]
        assert bool(reason) == bool(kept != before or len(kept) > most or any(
            causes[cause] for cause in (SwitchReason.READY, *rotated)))
        assert decision.all_hot == bool(active & hot and not fit)

        left, joined = before - active, active - before
        assert bool(reason) == (active != before) and joined <= fit | ready
        assert decision.active == tuple(sorted(active))
        assert (set(decision.left), set(decision.joined)) == (left, joined)
        if reason not in rotated or gone:
            assert kept <= active or len(kept) > most
        elif reason is SwitchReason.UNRELIABLE:
            assert len(left) == len(joined) > 0
            assert max(map(standing.get, joined)) < min(map(standing.get, left))
        elif settings.rotation_policy == ROUND_ROBIN or reason is SwitchReason.REQUEST:
            others = len(hot & before) if reason is SwitchReason.TEMPERATURE else 0
            assert len(left) == len(joined)
            assert len(joined) >= min(len(before), max(len(peers), min(others, len(fit))))
        else:
            dwell_sec, heat = settings.min_dwell_ms / 1000, self.control.heat
            assert len(left) == len(joined) == 1 or all(
                number in hot or heat.at_full_speed(number, dwell_sec) >= switch
                for number in left)
        if reason is SwitchReason.TEMPERATURE:
            assert max(standing[number] for number in hot & before) == max(
                standing[number] for number in hot & left)
        if usable - self.heated - active and not critical & active:
            spare = min(standing[number] for number in usable - self.heated - active)
            assert reason or spare >= max(map(standing.get, active)) or not dwell_is_over
        self.forced -= joined
        if reason:
            self.changed_at = now
        self.switches += bool(left)
        assert self.control.switches == self.switches
        self.size_before = settings.cluster_size

        for number in celsius:
            share = self.control.share_of(number)
            assert share == self.twin.share_of(number) and 0.0 < share <= 1.0
            held = switch + min(0.5, settings.critical_margin - 0.5)
            heat = self.control.heat
            # What is told and not believed slows down all the same.
            hottest = max(likely[number], heat.told(number) or 0.0) if number in likely else 0.0
            assert share == 1.0 or number in active and (
                hottest >= min(switch, held) or heat.now(number) is None)
            constants = heat.sticks[number].model
            if number in active and (heat.now(number) or 0.0) >= held and (
                    not constants.die_rise_celsius):
                least = 0.05
                if usable - self.heated - active and (
                        0.0 < self.changed_at + settings.min_dwell_ms / 1000 - now <= 5.0):
                    least = 0.5   # it is relieved soon
                assert share <= max(constants.sustainable_share(held), least) + 1e-9
        due_at = self.control.next_due(now, self.sticks, settings)
        assert due_at == self.twin.next_due(now, self.sticks, settings)
        assert due_at is None or due_at > now


TestHistory = History.TestCase
TestHistory.settings = thorough
