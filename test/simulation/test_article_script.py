# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The script of 2018 that this package goes back to, unchanged, on simulated sticks."""

import os

from article_script import RunningScript
from ncs_cluster_detector.simulation.bus.running_buses import running_buses
import pytest

AMBIENT_CELSIUS = 30.0
RUNNER = ('ncs_cluster_detector.simulation', '--inference-ms', '20', '--transfer-ms', '5',
          '--boot-ms', '50', '--ambient-celsius', str(AMBIENT_CELSIUS))


@pytest.fixture
def start(tmp_path):
    """Return a function that starts the script with arguments; all is ended after the test."""
    started = []

    def start(*arguments):
        started.append(RunningScript(tmp_path, RUNNER, arguments, os.environ))
        return started[-1]

    yield start
    for running in started:
        running.kill()


def warm_sticks(running):
    """Return the ports of the sticks that have computed."""
    (bus,) = running_buses(running.process.pid)
    return [port.path for port in bus.shared_bus.ports() if port.celsius() > AMBIENT_CELSIUS]


@pytest.mark.parametrize('arguments', [
    ('-mod', '1'), ('-mod', '1', '-snc', '2', '-csc', '1000')])
def test_the_script_of_the_article_runs_on_five_simulated_sticks(start, arguments):
    running = start(*arguments)
    running.wait_until(lambda: 'window USB Camera' in running.notes())
    running.wait_until(lambda: len(warm_sticks(running)) == 5)
    running.wait_until(lambda: 'cat (90%)' in running.notes())
    running.end()
