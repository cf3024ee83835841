# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the bench starts: real nodes side by side, and the programs that measure from inside."""

import subprocess
import sys

import clocked_driver
from comparison import timing
from comparison import workers
from comparison.measurements import Place
from comparison.side_by_side import PROGRAMS
from comparison.side_by_side import side_by_side
from comparison.side_by_side import with_programs
from comparison.traffic import BARE
from comparison.traffic import OURS
from comparison.traffic import Traffic
import pytest

QUICK = {'simulated.sticks': 1, 'simulated.boot_ms': 0.0, 'simulated.inference_ms': 5.0,
         'simulated.transfer_ms': 1.0}
FPS = 20.0


@pytest.fixture(scope='module')
def traffic():
    """Return the ROS side of the bench."""
    traffic = Traffic()
    yield traffic
    traffic.close()


def test_both_nodes_are_measured_at_the_same_time(traffic, tmp_path):
    with side_by_side(traffic, tmp_path, QUICK, FPS) as running:
        window = running.window(1.0)
        late = {name: [late_sec for _, late_sec in lane.detections]
                for name, lane in traffic.lanes.items()}
        assert running.node.pss_mb() > running.bare.pss_mb() > 10.0
    assert window.detections > 0 and window.bare_detections > 0
    assert window.node_ms > 0.0 and window.workers_ms > 0.0 and window.bare_ms > 0.0
    assert min(late[OURS]) > 0.006   # transfer and inference
    assert min(late[BARE]) > 0.0
    assert running.node.cpu_sec() == running.bare.cpu_sec() == {}   # both have ended


def test_a_worker_with_clocks_tells_its_part_and_the_doubles(traffic, tmp_path):
    folder = tmp_path / 'clocked'
    folder.mkdir()
    environment = with_programs(**{clocked_driver.FOLDER_VARIABLE: str(folder)})
    with side_by_side(traffic, tmp_path, QUICK, FPS, with_bare=False,
                      program=clocked_driver.NODE, environment=environment) as running:
        def samples():
            return [sample for path in folder.iterdir()
                    for sample in workers.samples_of(path.read_text())]
        running.wait_for('results in the notes', lambda: [
            one for one in samples() if one.results > 10])
    newest = samples()[-1]
    assert 0.0 < newest.double_sec < newest.process_sec


def test_a_start_has_all_its_phases_in_order(traffic, tmp_path):
    reached = timing._started(Place(traffic, tmp_path, print))
    times = [reached[phase] for phase in timing.PHASES]
    assert times == sorted(times) and times[0] > 0.0
    assert 0.0 < reached[timing.CPU]


def test_the_steps_of_a_supervisor_are_timed():
    ended = subprocess.run(
        [sys.executable, str(PROGRAMS / 'timed_steps.py'), '1', '20', '0.5', '2'], text=True,
        stdout=subprocess.PIPE, check=True)
    lines = [[float(word) for word in line.split()] for line in ended.stdout.splitlines()]
    assert len(lines) == 2
    for wall_ms, times_its_cpu, cpu_ms in lines:
        assert wall_ms > 0.0 and cpu_ms > 0.0
        assert times_its_cpu >= 0.9   # the two clocks are read one after the other
