# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Both launch files with sticks, truly launched with driver xlink over the fake USB bus."""

import os
from pathlib import Path
import tempfile
import unittest

from fake_usb.client import build_library
from fake_usb.client import compiler
from fake_usb.client import FakeBus
from launch_runs import CLUSTER
from launch_runs import FOLDER
from launch_runs import launch
from launch_runs import NEEDS_LAUNCH_ROS
from launch_tests import apart
from launch_tests import CleanEnd
from launch_tests import description
from launch_tests import launch_testing
from launch_tests import Listener
import pytest

PORTS = ('1.1', '1.2')
FIRMWARE = b'MVCM' + (64).to_bytes(4, 'little') + bytes(56)   # a dummy: only its length counts
# What launch has no argument for. Each of the two takes one stick, whichever.
PARAMETERS = '/**:\n  ros__parameters:\n    firmware: {}\n    max_sticks: 1\n'
bus, files = FakeBus('--ports', ','.join(PORTS)), tempfile.TemporaryDirectory()


@pytest.mark.launch_test
@NEEDS_LAUNCH_ROS
@pytest.mark.skipif(compiler() is None, reason='needs a C compiler')
def generate_test_description():
    """Return the launch description: a stick server, and a detector that uses its stick, too."""
    folder = Path(files.name)
    build_library(folder)
    (folder / 'own.mvcmd').write_bytes(FIRMWARE)
    (folder / 'graph').write_bytes(bytes(1_000_000))
    (folder / 'mine.yaml').write_text(PARAMETERS.format(folder / 'own.mvcmd'))
    bus.__enter__()
    libraries = filter(None, (str(folder), os.environ.get('LD_LIBRARY_PATH')))
    variables = {**bus.environment, 'LD_LIBRARY_PATH': os.pathsep.join(libraries)}
    real = {'driver': 'xlink', 'graph_paths': str(folder / 'graph'),
            'params_file': str(folder / 'mine.yaml')}
    return description(
        *(launch.actions.SetEnvironmentVariable(*item) for item in variables.items()),
        apart(FOLDER / 'stick_server.launch.py', namespace='pi1', **real),
        apart(CLUSTER, source='test_pattern', remote_hosts="['pi1']", **real))


class TestSticksOnUsb(Listener, unittest.TestCase):
    """What another node sees of them."""

    def test_both_sticks_work(self):
        """Infer on the own stick and on that of the stick server."""
        self.probe.wait_for(lambda: (self.probe.status('detector: cluster') or ('', {}))[1].get(
            'effective_cluster_size') == '2')
        self.detections_of({'camera': ('/camera/image_raw', '/detections')})
        names = {self.probe.status(f'detector: stick {number}')[0].hardware_id
                 for number in range(2)}
        self.assertIn(names, [{f'{own}-ma2450', f'pi1/{other}-ma2450'}
                              for own, other in (PORTS, reversed(PORTS))])
        self.assertEqual({stick.state for stick in bus.sticks().values()}, {'booted'})


@launch_testing.post_shutdown_test()
class TestAfterShutdown(CleanEnd, unittest.TestCase):
    """What is left when launch has stopped the nodes."""

    nodes = 3
    sticks = 2

    @classmethod
    def setUpClass(cls):
        """End the bus, which is no process of the nodes, and note what became of its sticks."""
        bus.wait_for(lambda sticks: all(stick.state == 'rom' for stick in sticks.values()))
        bus.__exit__(None, None, None)
        files.cleanup()
