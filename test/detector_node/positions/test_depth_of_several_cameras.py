# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Depth of several cameras: each has its own, and who has none waits for none."""

from depth_camera import WALL_METRES
from node_harness import NodeProcess
import pytest
from ranging_camera import PROMPT_SEC
from ranging_camera import RangingCamera


# An image that waits for its depth waits this long; one that does not is told apart from it even
# on a late machine.
TIMEOUT_MS = round(2000 * PROMPT_SEC)


@pytest.fixture
def start(probe):
    """Return a function that starts a detector with depth of the cameras front and rear."""
    started = []

    def run(**parameters):
        started.append(NodeProcess('detector_node', {
            'driver': 'simulated', 'graph_paths': '["shapes"]', 'use_depth': 'true',
            'cameras': "['front', 'rear']", 'depth_timeout_ms': TIMEOUT_MS,
            'simulated.sticks': 2, 'simulated.inference_ms': 5.0, 'simulated.transfer_ms': 1.0,
            'simulated.boot_ms': 0.0, **parameters}))
        return started[-1]

    yield run
    for process in started:
        process.end()


def test_a_camera_without_depth_waits_for_none(probe, start):
    node = start()
    front, rear = RangingCamera(probe, 'front', 1.5), RangingCamera(probe, 'rear', start_sec=5000)
    front.locate()
    probe.wait_for(lambda: rear.show() and rear.pictures)
    for _ in range(3):
        assert rear.is_prompt()
        front.locate()
    rear_header, _ = rear.see()
    assert not rear.position_of(rear_header).detections
    assert not any(heard.detections for heard in rear.positions)
    front.check_positions()
    assert 'positions are unknown' not in node.output
    assert 'positions come slower' not in node.output
    # Depth that comes later is used from then on, by this camera alone.
    rear.metres = 0.6
    rear.plug_depth_in()
    rear.locate()
    front.locate()
    for camera in (front, rear):
        camera.check()
        camera.check_positions()
    # And when it goes, nobody waits for it.
    rear.unplug_depth()
    probe.wait_for(rear.is_prompt)


@pytest.mark.parametrize('transport', ['raw', '.png'])
def test_each_camera_has_the_distances_of_its_own_depth(probe, start, transport):
    start(image_transport='raw' if transport == 'raw' else 'compressed')
    # With the same stamps and the same frame_id: only the topics tell them apart.
    cameras = [RangingCamera(probe, name, metres, transport)
               for name, metres in (('front', 1.5), ('rear', WALL_METRES))]
    for camera in cameras:
        camera.frame_id = 'eye'
        camera.locate()
    for _ in range(30):
        answered = [len(camera.positions) for camera in cameras]
        for camera in cameras:
            camera.see()
        probe.wait_for(lambda before=answered: all(
            len(camera.positions) > number for camera, number in zip(cameras, before)))
    for camera in cameras:
        camera.check()
        camera.check_positions()


def test_depth_that_went_while_the_detector_was_disabled_is_not_waited_for(probe, start):
    start()
    front = RangingCamera(probe, 'front', 1.5)
    front.locate()
    assert probe.set_parameter('enabled', False) == (True, '')
    probe.wait_for(lambda: not front.images.get_subscription_count())
    front.unplug_depth()
    assert probe.set_parameter('enabled', True) == (True, '')
    assert front.is_prompt()


def test_a_picture_that_came_encoded_has_its_distances_beside_a_region(probe, start):
    start(image_transport='compressed', camera_regions="['0.5,0.2,0.5,0.6', '']")
    front = RangingCamera(probe, 'front', 2.0, '.png')
    front.locate()
    front.check((0.5, 0.2, 0.5, 0.6))
    front.check_positions()
