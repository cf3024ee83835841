# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the node makes of a camera that was added and is less than perfect."""

import re

from node_harness import NodeProcess
import pytest
from sensor_msgs.msg import Image

ADD = """
import time

from ncs_cluster_detector.cameras import camera
from ncs_cluster_detector.cameras import registry
import numpy as np


class Added(camera.Camera):
    description = 'a camera that was added'
    openings = 0
    {attributes}

    def __init__(self, device, width, height, fps, warn):
        Added.openings += 1
        self.grabbed = 0
        {opening}

    @classmethod
    def must_exist(cls, device):
        return {must_exist}

    def grab(self):
        self.grabbed += 1
        {grabbing}
        return True

    def retrieve(self):
        return np.zeros((48, 64, 3), np.uint8)


registry.SOURCES['added'] = Added
"""
FAIL = "raise KeyError('no\\nsuch mode')"
LOSE = """time.sleep(1 / 50)   # the rate of the camera
        if self.openings < 3 and self.grabbed > 1:
            raise camera.CameraError('unplugged')"""
FAIL_AT_AN_OPENING = """if Added.openings == {}:
            raise RuntimeError('busy')"""


@pytest.fixture
def start():
    """Return a function that starts a node with a camera that was added."""
    started = []

    def start_node(attributes='pass', opening='pass', must_exist=False, grabbing='pass',
                   more_arguments=(), **parameters):
        started.append(NodeProcess(
            'camera_node', {'source': 'added', 'fps': 20.0, **parameters}, before=ADD.format(
                attributes=attributes, opening=opening, must_exist=must_exist,
                grabbing=grabbing), more_arguments=more_arguments))
        return started[-1]

    yield start_node
    for process in started:
        process.end()


@pytest.mark.parametrize('attributes, granted', [
    ('pass', 'unknown size and rate'), ('fps = 50.0', '50 fps'),
    ("pixel_format, fps = 'MJPG', 50.0", 'MJPG at 50 fps'),
    ('width, height = 64, 48', '64x48')])
def test_what_a_camera_does_not_tell_is_not_invented(probe, start, attributes, granted):
    images = []
    probe.listen(Image, 'image_raw', images)
    node = start(attributes, device="''")
    probe.wait_for(lambda: len(images) >= 3 and probe.status('camera: added'))
    assert (images[0].width, images[0].height) == (64, 48)
    status, values = probe.status('camera: added')
    assert (status.hardware_id, values['granted']) == ('added', granted)
    node.wait_for_line(f'added is open: {granted}')


def test_an_exception_while_it_is_opened_ends_the_node_with_one_line(start):
    node = start(opening=FAIL, must_exist=True)
    assert node.wait() == 2
    (line,) = node.output.splitlines()
    assert '[FATAL]' in line
    assert "source=added: opening added failed: KeyError: 'no\\nsuch mode'; " in line


def test_the_traceback_is_in_the_log_at_level_debug(start):
    node = start(
        opening=FAIL, must_exist=True, more_arguments=['--log-level', 'camera:=debug'])
    assert node.wait() == 2
    assert re.search(r'Traceback(?s:.*)KeyError(?s:.*)\[FATAL\]', node.output)


@pytest.mark.parametrize('failing, told', [
    (1, 'source=added: opening added failed: RuntimeError: busy; '), (2, 'unplugged; ')])
def test_one_that_may_come_and_go_is_opened_again_whatever_it_raises(start, failing, told):
    node = start('live = True', FAIL_AT_AN_OPENING.format(failing), grabbing=LOSE)
    node.wait_for_line('added is back')
    (line,) = (line for line in node.output.splitlines() if told in line)
    assert '[ERROR]' in line and line.endswith('; trying again until it is back')
