# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a soak does: the same for the same seed, everything at once, and nothing that must fail."""

from collections import Counter
import signal

import made_up_run   # noqa: F401  puts standalone/ on the module path
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.parameters.parameter_spec import by_name
from ncs_cluster_detector.ros.image_messages import BadImageError
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
import pytest
from soaking import arguments
from soaking import faults
from soaking import pictures
from soaking import plan

LONG_SEC = 1200.0
SEEDS = range(5)


def plan_of(seconds=LONG_SEC, seed=1):
    return plan.make_plan(seconds, seed, pictures.KINDS)


def test_a_seed_repeats_a_plan():
    assert plan_of(seed=7) == plan_of(seed=7)
    assert plan_of(seed=7) != plan_of(seed=8)


@pytest.mark.parametrize('seed', SEEDS)
def test_twenty_minutes_have_everything(seed):
    events = plan_of(seed=seed)
    assert events == sorted(events, key=lambda event: event.at_sec)
    assert events[-1].at_sec < LONG_SEC
    used = {kind: {event.on for event in events if event.kind == kind}
            for kind in (plan.SET, plan.SHOW, plan.LISTEN)}
    assert used[plan.SET] == {
        spec.name for spec in PARAMETERS if spec.live} - plan.LEFT_OUT
    assert used[plan.SHOW] == set(pictures.KINDS)
    assert used[plan.LISTEN] == set(plan.TOPICS)
    words = {event.value[0] for event in events if event.kind == plan.FAULT}
    assert words == set(faults.ARGUMENTS)
    assert {event.value for event in events if event.kind == plan.KILL} == set(plan.SIGNALS)
    kinds = Counter(event.kind for event in events)
    assert kinds[plan.RESTART] == 3
    assert kinds[plan.CAMERA] >= 5
    assert min(kinds[plan.SWITCH], kinds[plan.REFUSE]) >= 10


def test_every_fault_of_the_double_is_used():
    assert faults.missing_faults() == set()


@pytest.mark.parametrize('seed', SEEDS)
def test_the_double_accepts_the_faults_and_most_sticks_stay_healthy(seed):
    shared = SimulatedBus(BusSpec(sticks=plan.STICKS))
    troubled = set()
    for event in plan_of(seed=seed):
        if event.kind == plan.FAULT:
            troubled.add(event.on)
            if event.value != ('unplug',) or shared.port(event.on).state().plugged:
                shared.inject(event.on, *event.value)
        elif event.kind == plan.HEAL:
            troubled.discard(event.on)
            if not shared.port(event.on).state().plugged:
                shared.inject(event.on, 'plug')
            shared.inject(event.on, 'clear')
        elif event.kind == plan.RESTART:
            troubled.clear()
            shared.close()
            shared = SimulatedBus(BusSpec(sticks=plan.STICKS))
        assert len(troubled) <= plan.MOST_IN_TROUBLE
    shared.close()


def test_values_and_refusals_fit_the_parameters():
    specs = by_name(PARAMETERS)
    for name, values in plan.VALUES.items():
        for value in values:
            assert specs[name].live
            assert type(value) is type(specs[name].default)
            specs[name].accept(value)
    assert all(name in specs for name, _ in plan.REFUSED)


@pytest.mark.parametrize('kind', pictures.KINDS)
def test_the_node_can_use_the_images_that_are_called_good(kind):
    messages = pictures.messages_of(kind)
    for message, is_good in messages:
        if is_good:
            assert bgr_image_of(message).shape == (message.height, message.width, 3)
        else:
            with pytest.raises(BadImageError):
                bgr_image_of(message)
    assert {is_good for _, is_good in messages} == (
        {True, False} if kind == pictures.MALFORMED else {True})


def test_a_short_soak_starts_the_node_again_once():
    restarts = [event for event in plan_of(20.0) if event.kind == plan.RESTART]
    assert [event.value for event in restarts] == [signal.SIGINT]


@pytest.mark.parametrize('given, part', [
    (['--minutes', 'x'], 'MINUTES=x: must be a number'), (['--minutes', '0'], 'MINUTES=0'),
    (['--seed', '-1'], 'SEED=-1: must be a whole number'),
    (['--sed', '1'], 'did you mean --seed')])
def test_wrong_arguments_are_refused_in_one_line(given, part, capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        arguments.parse([*given, '--out', str(tmp_path)])
    assert ended.value.code == 2
    text = capsys.readouterr().err
    assert text.startswith('soak: ')
    assert part in text
    assert text.count('\n') == 1


def test_arguments(tmp_path):
    options = arguments.parse(['--minutes', '0.5', '--seed', '4711', '--out', str(tmp_path)])
    assert options == (0.5, 4711, tmp_path)
    assert arguments.parse(['--out', str(tmp_path)]).minutes == arguments.DEFAULT_MINUTES
