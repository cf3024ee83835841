# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick is pulled out and plugged in again, in invented time."""

import types

from ncs_cluster_detector.checking.bench import Bench
from ncs_cluster_detector.checking.history import History
from ncs_cluster_detector.checking.history import Report
from ncs_cluster_detector.checking.statuses import ReportedStick
from ncs_cluster_detector.checking.steps.hands_step import hands_step
import pytest

TICK_SEC = 0.05


class Terminal:
    """Keeps what is said; ``presses`` holds when ENTER is pressed."""

    can_ask = True

    def __init__(self, clock):
        self.said, self.presses, self._clock = [], [], clock

    def say(self, text):
        """Keep a line."""
        self.said.append(text)

    def enter_pressed(self):
        """Tell whether ENTER was pressed by now."""
        pressed = [moment for moment in self.presses if moment <= self._clock()]
        self.presses = [moment for moment in self.presses if moment > self._clock()]
        return bool(pressed)


class World:
    """A Bench whose time is invented: two sticks, of which one changes its state by a plan."""

    judge, skip = Bench.judge, Bench.skip

    def __init__(self, states):
        """Take a list of (since when, state) of stick 1."""
        self.now, self.states = 0.0, states
        self.history, self.verdicts, self.figures = History(), [], {}
        self.options = types.SimpleNamespace(with_hands=True)
        self.terminal = Terminal(self.clock)
        self.node = types.SimpleNamespace(lines=[], ready_at=lambda number, since: None)
        self.pause(2.0)

    def clock(self):
        """Return the time."""
        return self.now

    def begin(self, step):
        """Begin a step."""
        self.step = step
        return self.figures.setdefault(step, {})

    def add(self, verdict):
        """Keep a verdict."""
        self.verdicts.append(verdict)

    def publish_for(self, sticks):
        """Publish nothing."""

    def running(self):
        """Return the sticks that run."""
        return [stick for stick in self.history.newest_sticks() if stick.state == 'RUNNING']

    def pause(self, seconds):
        """Let time go by."""
        self.wait(lambda: False, seconds)

    def wait(self, condition, patience_sec):
        """Let time go by until a condition holds."""
        deadline = self.now + patience_sec
        while not (value := condition()) and self.now < deadline:
            self._tick()
        return value

    def wait_for_running(self, number, since, patience_sec):
        """Return when a stick runs, as it is told."""
        return self.wait(lambda: self.history.stick(number, since).state == 'RUNNING' and (
            self.history.reports[-1].time_sec), patience_sec) or None

    def _tick(self):
        before, self.now = self.now, self.now + TICK_SEC
        self.history.detections.append(self.now)
        if int(before) != int(self.now):
            state = [state for since, state in self.states if since <= self.now][-1]
            sticks = tuple(ReportedStick(number, f'1.{number + 1}-ma2450', one, True, 40.0, 0, 1,
                                         100.0, 0, '', 1)
                           for number, one in ((0, 'RUNNING'), (1, state)))
            self.history.reports.append(Report(self.now, 'unplug', '', sticks))


@pytest.fixture(autouse=True)
def no_usb(monkeypatch):
    """Hide the machine's own USB."""
    monkeypatch.setattr(
        'ncs_cluster_detector.checking.steps.hands_step.is_on_bus', lambda port: None)


def outcomes(world):
    """Return what was found, by what was checked."""
    return {verdict.what: verdict.text() for verdict in world.verdicts}


def test_a_stick_is_pulled_out_and_plugged_in_again():
    world = World([(0, 'RUNNING'), (10, 'STOPPING'), (11, 'ABSENT'), (20, 'STARTING'),
                   (23, 'RUNNING')])
    hands_step(world)
    assert set(outcomes(world).values()) == {'ok'}
    assert len(world.verdicts) == 3
    assert world.figures['unplug']['back_sec'] == pytest.approx(3.0, abs=0.2)
    assert world.figures['unplug']['absent_sec'] == pytest.approx(1.0, abs=0.2)
    prompts = [line for line in world.terminal.said if line.startswith('>> ')]
    assert prompts == ['>> Pull out the stick at port 1.2 now (ENTER to skip)',
                       '>> Plug it in again at port 1.2 (ENTER to skip)']


def test_a_stick_that_does_not_come_back_is_not_ok():
    world = World([(0, 'RUNNING'), (10, 'ABSENT'), (20, 'BACKOFF')])
    hands_step(world)
    assert outcomes(world)['it runs again, since the node saw it'].startswith(
        'not ok: it did not happen')


def test_enter_skips():
    world = World([(0, 'RUNNING')])
    world.terminal.presses = [1.0, 6.0]   # the first was there before anybody asked
    hands_step(world)
    assert outcomes(world) == {'unplug and replug': 'skipped: ENTER was pressed'}
    assert world.now == pytest.approx(6.0, abs=0.2)


def test_nobody_at_hand():
    world = World([(0, 'RUNNING')])
    hands_step(world)
    assert outcomes(world) == {'unplug and replug': 'skipped: no stick was ABSENT within 90 s'}
    world = World([(0, 'RUNNING')])
    world.terminal.can_ask = False
    hands_step(world)
    assert outcomes(world) == {'unplug and replug': 'skipped: there is no terminal to ask at'}
    world = World([(0, 'RUNNING')])
    world.options.with_hands = False
    hands_step(world)
    assert outcomes(world) == {'unplug and replug': 'skipped: asked for by --no-hands'}
