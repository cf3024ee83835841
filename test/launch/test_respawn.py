# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What happens when a node ends by itself: it is started again, unless it could not start."""

import time

from launch_runs import handlers
from launch_runs import included
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import NODES
from launch_runs import run_to_the_end
from launch_runs import SIMULATED
import pytest

pytestmark = NEEDS_LAUNCH_ROS


def instead_of_nodes(command):
    """Return the action by which a command, to be split into words, takes the nodes' place."""
    return launch.actions.SetLaunchConfiguration('launch-prefix', command)


def executables(events):
    """Return the executables of the nodes that events are about, sorted."""
    return sorted(event.action.node_executable for event in events)


@pytest.mark.parametrize('command', ['true', 'false', "sh -c 'kill -9 $$'"])
def test_a_node_that_ends_by_itself_is_started_again_and_again(command):
    times = {name: [] for name in NODES}

    def note(event, _):
        times[event.action.node_executable].append(time.monotonic())
        if all(len(starts) >= 3 for starts in times.values()):
            return launch.actions.Shutdown()
        return None

    code, _, ended = run_to_the_end(
        launch.actions.RegisterEventHandler(handlers.OnProcessStart(on_start=note)),
        instead_of_nodes(command), included(SIMULATED))
    assert code == 0
    assert len({event.pid for event in ended}) >= 6
    for starts in times.values():
        assert all(0.9 < after - before for before, after in zip(starts, starts[1:]))


@pytest.mark.parametrize('command', ['true', 'false'])
def test_respawn_false_starts_no_node_twice(command):
    code, started, ended = run_to_the_end(
        instead_of_nodes(command), included(SIMULATED, respawn='false'))
    assert code == 0
    assert executables(started) == executables(ended) == NODES


def test_a_shutdown_starts_no_node_again():
    code, started, ended = run_to_the_end(
        launch.actions.RegisterEventHandler(handlers.OnProcessExit(
            on_exit=lambda *_: launch.actions.Shutdown())),
        instead_of_nodes('true'), included(SIMULATED))
    assert code == 0
    assert executables(started) == executables(ended) == NODES


@pytest.mark.parametrize('respawn', ['true', 'false'])
@pytest.mark.parametrize(('culprit', 'arguments'), [
    ('camera_node', {'source': 'video', 'device': '/no/such/video.mp4'}),
    ('detector_node', {'graph_paths': '/no/such.graph'})])
def test_a_node_that_cannot_start_ends_the_other_and_is_not_started_again(
        respawn, culprit, arguments):
    code, started, ended = run_to_the_end(included(SIMULATED, respawn=respawn, **arguments))
    assert code == 0
    assert executables(started) == NODES
    codes = {event.action.node_executable: event.returncode for event in ended}
    assert sorted(codes) == NODES
    assert codes.pop(culprit) == 2
    # The other one may be stopped before it can tell how it wants to end.
    assert set(codes.values()) <= {0, -2}
