# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The supervisor with real worker processes on sticks that start together."""

import os
import signal
import time

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.supervision.starting.starts import LOOK_PERIOD_SEC
import pytest
from supervisor_bench import picture
from supervisor_bench import RUNNING
from together_driver import DEAD
from together_driver import HANGS
from together_driver import take
from together_driver import TogetherDriver

OPENING_SEC = 1.0
# For the start of the processes on a busy machine; one after the other would take far longer.
SLACK_SEC = 1.5


@pytest.fixture
def plug(tmp_path):
    """Return a function that plugs sticks in, or changes what they do when they are opened."""
    def plug_in(**sticks):
        for port, says in sticks.items():
            new = tmp_path / 'new'   # so that no process sees a file that is half written
            new.write_text(str(says))
            new.rename(tmp_path / 'sticks' / f'1.{port.removeprefix("p")}')
    (tmp_path / 'sticks').mkdir()
    return plug_in


@pytest.fixture
def start(bench, tmp_path):
    """Return a function that starts a Bench on the sticks."""
    return lambda **options: bench(
        BusSpec(sticks=0), driver=lambda _: TogetherDriver(tmp_path / 'sticks'), **options)


def states(running):
    return [stick.status.state for stick in running.supervisor.snapshot.sticks]


def test_five_sticks_start_in_the_time_of_one(start, plug):
    plug(**{f'p{port}': OPENING_SEC for port in range(1, 6)})
    begun_at = time.monotonic()
    running = start()
    seen = set()
    running.wait_for(lambda: seen.update(states(running)) or states(running) == [RUNNING] * 5)
    assert OPENING_SEC <= time.monotonic() - begun_at < OPENING_SEC + SLACK_SEC
    assert StickState.QUEUED not in seen
    running.offer(picture())
    running.wait_for(lambda: running.published)


@pytest.mark.parametrize('trouble, state', [(HANGS, StickState.STARTING), (DEAD, StickState.DEAD)])
def test_one_that_hangs_or_is_dead_delays_none_of_the_others(start, plug, trouble, state):
    plug(p1=trouble, p2=OPENING_SEC, p3=OPENING_SEC)
    begun_at = time.monotonic()
    running = start()
    running.wait_for_states(state, RUNNING, RUNNING)
    assert time.monotonic() - begun_at < OPENING_SEC + SLACK_SEC
    os.kill(running.supervisor.snapshot.sticks[1].pid, signal.SIGKILL)
    killed_at = time.monotonic()
    running.wait_for(lambda: running.supervisor.snapshot.sticks[1].restarts == 1)
    running.wait_for_states(state, RUNNING, RUNNING)
    assert time.monotonic() - killed_at < 0.5 + OPENING_SEC + SLACK_SEC


def test_a_dead_stick_is_used_when_it_answers_and_a_new_one_within_a_look(
        start, plug, monkeypatch):
    monkeypatch.setattr(restart, 'DEAD_PERIOD_SEC', 0.5)
    plug(p1=DEAD, p2=0.0)
    running = start()
    running.wait_for_states(StickState.DEAD, RUNNING)
    plugged_at = time.monotonic()
    plug(p3=0.0)
    running.wait_for_states(StickState.DEAD, RUNNING, RUNNING)
    assert time.monotonic() - plugged_at < LOOK_PERIOD_SEC + SLACK_SEC
    plug(p1=0.0)
    running.wait_for_states(RUNNING, RUNNING, RUNNING)
    errors = [text for level, text in running.log.lines if level == 'error']
    assert len(errors) == 1
    assert 'stick 0 (1.1-ma2450): it has booted and does not answer on USB' in errors[0]


def test_a_lister_that_is_killed_is_replaced_and_the_sticks_go_on(start, plug):
    plug(p1=0.0)
    running = start()
    running.wait_for_states(RUNNING)
    pid = running.supervisor.snapshot.sticks[0].pid
    (lister,) = running.supervisor._pool._starts.handles()
    os.kill(lister.pid, signal.SIGKILL)
    plug(p2=0.0)
    running.wait_for_states(RUNNING, RUNNING)
    assert running.supervisor.snapshot.sticks[0].pid == pid
    assert running.supervisor.snapshot.sticks[0].restarts == 0


def test_a_stick_that_another_program_has_is_used_when_that_gives_it_back(start, plug, tmp_path):
    plug(p1=0.0, p2=0.0)
    with open(tmp_path / 'sticks' / '1.1', 'r+') as file:
        assert take(file)
        running = start()
        running.wait_for_states(RUNNING)
        assert running.supervisor.snapshot.sticks[0].device_name == '1.2-ma2450'
    running.wait_for_states(RUNNING, RUNNING)
    assert [stick.restarts for stick in running.supervisor.snapshot.sticks] == [0, 0]


def test_a_node_that_ends_while_a_stick_is_opened_in_vain_complains_of_nothing(start, plug):
    plug(p1=HANGS, p2=0.0)
    running = start()
    running.wait_for_states(StickState.STARTING, RUNNING)
    running.close()
    assert running.supervisor.all_ended
    assert [line for line in running.log.lines if line[0] != 'info'] == []
