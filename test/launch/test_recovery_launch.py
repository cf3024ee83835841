# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The simulated launch file while processes are killed: workers and nodes come back."""

from pathlib import Path
import tempfile
import unittest

from diagnostic_msgs.msg import DiagnosticStatus
from launch_runs import NEEDS_LAUNCH_ROS
from launch_runs import SIMULATED
from launch_tests import apart
from launch_tests import CleanEnd
from launch_tests import description
from launch_tests import launch_testing
from launch_tests import Listener
import psutil
import pytest
from sensor_msgs.msg import CameraInfo
from vision_msgs.msg import Detection2DArray

# A stick takes so long to start again that the diagnostics, once a second, cannot miss it.
PARAMETERS = '/**: {ros__parameters: {simulated: {sticks: 3, boot_ms: 2500.0}}}'
STICKS = 3
# Kept until this process ends.
folder = tempfile.TemporaryDirectory()


@pytest.mark.launch_test
@NEEDS_LAUNCH_ROS
def generate_test_description():
    """Return the launch description: the simulated launch file with slow sticks."""
    file = Path(folder.name) / 'slow_sticks.yaml'
    file.write_text(PARAMETERS)
    return description(apart(SIMULATED, params_file=str(file), cluster_size='2'))


class TestRecovery(Listener, unittest.TestCase):
    """What another node sees while something is killed."""

    def test_killed_worker(self):
        """Report an ERROR of its stick, then OK with another process, and count the restart."""
        self.wait_until_all_are_well()
        name = 'detector: stick ' + self.probe.status('detector: cluster')[1]['active_sticks'][0]
        _, before = self.probe.status(name)
        heard = len(self.probe.diagnostics)
        psutil.Process(int(before['pid'])).kill()
        broken = self.probe.wait_for(
            lambda: self.probe.diagnostics[heard:] and self.level(name) == DiagnosticStatus.ERROR
            and self.probe.status(name)[1])
        self.assertNotEqual(broken['state'], 'RUNNING')
        self.assertEqual(broken['active'], 'false')
        self.assertTrue(broken['last_error'])
        self.probe.wait_for(lambda: self.level(name) == DiagnosticStatus.OK)
        _, after = self.probe.status(name)
        self.assertEqual(after['state'], 'RUNNING')
        self.assertNotEqual(after['pid'], before['pid'])
        self.assertTrue(psutil.pid_exists(int(after['pid'])))
        self.assertEqual(int(after['restarts']), int(before['restarts']) + 1)

    def test_killed_detector(self):
        """Detect again with another process; nothing of the killed one is left."""
        self.wait_until_all_are_well()
        (before,) = self.running('detector_node')
        family = [before, *before.children(recursive=True)]
        self.assertGreater(len(family), STICKS)
        before.kill()
        self.assertEqual(psutil.wait_procs(family, timeout=20.0)[1], [])
        heard = []
        self.probe.listen(Detection2DArray, 'detections', heard)
        self.probe.wait_for(lambda: len(heard) >= 10, timeout=30.0)
        (after,) = self.running('detector_node')
        self.assertNotEqual(after.pid, before.pid)
        self.wait_until_all_are_well()

    def test_killed_camera(self):
        """Give pictures again with another process, while the detector goes on."""
        self.wait_until_all_are_well()
        (before,), (detector,) = self.running('camera_node'), self.running('detector_node')
        before.kill()
        self.assertEqual(psutil.wait_procs([before], timeout=20.0)[1], [])
        heard, answers = [], []
        self.probe.listen(CameraInfo, 'camera/camera_info', heard)
        self.probe.listen(Detection2DArray, 'detections', answers)
        self.probe.wait_for(lambda: len(heard) >= 10 and len(answers) >= 10)
        (after,) = self.running('camera_node')
        self.assertNotEqual(after.pid, before.pid)
        self.assertEqual(self.running('detector_node'), [detector])

    def level(self, name):
        """Return the newest level of a status, None where there is none yet."""
        status = self.probe.status(name)
        return status and status[0].level

    def wait_until_all_are_well(self):
        """Wait until the newest diagnostics are of a whole cluster."""
        heard = len(self.probe.diagnostics)
        names = ['cluster', *(f'stick {number}' for number in range(STICKS))]
        self.probe.wait_for(lambda: len(self.probe.diagnostics) >= heard + 4 and all(
            self.level('detector: ' + name) == DiagnosticStatus.OK for name in names), 40.0)


@launch_testing.post_shutdown_test()
class TestAfterShutdown(CleanEnd, unittest.TestCase):
    """What is left when launch has stopped the nodes."""

    sticks = STICKS
