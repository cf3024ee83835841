# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which part of a picture the networks see, and which detections are published, live."""

from ncs_cluster_detector.ros.image_messages import image_message
from node_harness import NodeProcess
from node_harness import Probe
import numpy as np
import psutil
import pytest
from several_cameras import key_of
from several_cameras import NamedCamera

QUICK = {'driver': 'simulated', 'graph_paths': "['shapes']", 'simulated.sticks': '3',
         'simulated.inference_ms': '5.0', 'simulated.transfer_ms': '1.0',
         'simulated.boot_ms': '0.0', 'cameras': "['front', 'rear']"}
HEIGHT, WIDTH = 240, 640
COLOURS = {'car': (255, 0, 0), 'person': (0, 255, 0), 'cat': (0, 0, 255)}
# A car on the left and a person on the right; each half of the picture has one of them.
BOXES = {'car': (70, 60, 170, 130), 'person': (400, 90, 520, 200)}
LEFT, RIGHT = (0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0)


def text_of(region):
    """Return a region as the parameter takes it."""
    return ','.join(map(str, region))


class StillCamera(NamedCamera):
    """A camera before a car, a person and nothing that moves."""

    def picture(self):
        """Return the picture, and the boxes of what it shows."""
        image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
        for label, (left, top, right, bottom) in BOXES.items():
            image[top:bottom, left:right] = COLOURS[label]
        return image, BOXES, 90


def labels_of(answer):
    """Return the labels of a Detection2DArray in their order in the alphabet."""
    return sorted(found.results[0].hypothesis.class_id for found in answer.detections)


@pytest.fixture(scope='module')
def shared():
    """Return a probe, two cameras and a detector that the tests of this module share."""
    node = NodeProcess('detector_node', QUICK)
    with Probe() as probe:
        probe.wait_for_running(3)
        cameras = [StillCamera(probe, name, (HEIGHT, WIDTH)) for name in ('front', 'rear')]
        for camera in cameras:
            camera.see()
        yield probe, cameras, node
    node.end()


def change(probe, **values):
    """Set parameters, which must be taken."""
    for name, value in values.items():
        assert probe.set_parameter(name, value) == (True, ''), (name, value)


def test_a_region_follows_at_once_and_boxes_are_in_the_whole_picture(shared):
    probe, (front, rear), _ = shared
    for region, label in ((LEFT, 'car'), (RIGHT, 'person'), ((0.05, 0.2, 0.3, 0.5), 'car'),
                          ((0.6, 0.3, 0.4, 0.6), 'person')):
        change(probe, camera_regions=[text_of(region), ''])
        _, answer = front.see()
        assert labels_of(answer) == [label]
        front.check_box(answer.detections[0], BOXES[label], region)
        assert labels_of(rear.see()[1]) == ['car', 'person']
    assert front.status()['region'] == '0.6,0.3,0.4,0.6'
    change(probe, camera_regions=[])
    assert labels_of(front.see()[1]) == ['car', 'person']


def test_a_small_thing_is_found_in_a_region_and_lost_in_the_whole_picture(shared):
    probe, (front, _), _ = shared
    # Of 4 pixels: fewer than 3 of the network's are too narrow, 1.9 in all of the picture.
    image = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    image[100:110, 500:504] = COLOURS['cat']

    def found():
        message = image_message(front.header(), image, 'bgr8')
        front.sent[key_of(message.header)] = None
        front.images.publish(message)
        return probe.wait_for(lambda: front.answer_to(message.header))

    front.see()
    assert labels_of(found()) == []
    change(probe, camera_regions=['0.75,0.25,0.25,0.5', ''])
    answer = found()
    assert labels_of(answer) == ['cat']
    front.check_box(answer.detections[0], (500, 100, 504, 110), (0.75, 0.25, 0.25, 0.5))
    change(probe, camera_regions=[])


def test_every_frame_keeps_the_region_that_it_came_with(shared):
    probe, cameras, node = shared
    for camera in cameras:
        camera.detections.clear()
    # Regions change while frames are on the sticks, and workers are killed, so that others get
    # their frames, and those that are on trial get copies.
    for number in range(40):
        regions = (LEFT, RIGHT) if number % 2 else (RIGHT, LEFT)
        for _ in range(3 * bool(number)):
            for camera in cameras:
                camera.show()
        change(probe, camera_regions=list(map(text_of, regions)))
        for camera in cameras:
            camera.see()
        if number % 20 == 5:
            pid = probe.status(f'detector: stick {number // 20}')[1]['pid']
            if pid:
                psutil.Process(int(pid)).kill()
    change(probe, camera_regions=[])
    for camera in cameras:
        camera.see()
        assert len(camera.detections) > 30
        seen = set()
        for answer in camera.detections[:-1]:
            assert key_of(answer.header) in camera.sent
            for found in answer.detections:
                label = found.results[0].hypothesis.class_id
                camera.check_box(found, BOXES[label], LEFT)
                seen.add(label)
            # The last one before the whole picture came may be of it.
            assert len(answer.detections) == 1 or answer in camera.detections[-8:]
        assert seen == set(BOXES)
    assert 'Traceback' not in node.output


def test_each_label_may_have_a_threshold_of_its_own(shared):
    probe, (front, _), _ = shared
    for given, expected in (
            ({'class_thresholds': ['car:0.95']}, ['person']),
            ({'class_thresholds': ['car:0.95', 'person:0.95']}, []),
            ({'class_thresholds': ['person:0.5'], 'score_threshold': 0.95}, ['person']),
            ({'class_thresholds': [], 'score_threshold': 0.95}, []),
            ({'class_thresholds': ['car:0'], 'class_filter': ['person']}, []),
            ({'class_thresholds': [], 'class_filter': [], 'score_threshold': 0.6},
             ['car', 'person'])):
        change(probe, **given)
        assert labels_of(front.see()[1]) == expected, given


@pytest.mark.parametrize('name, value, words', [
    ('camera_regions', ['0,0,1,1'], 'must have one value per camera'),
    ('camera_regions', ['0,0,2,1', ''], 'must lie in the picture'),
    ('class_thresholds', ['car:1.5'], 'must be a label, a colon and a score'),
    ('class_thresholds', ['persn:0.5'], "did you mean 'person'?"),
    ('camera_weights', [1.0], 'must have one value per camera'),
    ('camera_max_fps', [1.0, 2000.0], ''),
    ('cameras', ['a'], ''), ('image_transport', 'compressed', '')])
def test_a_change_that_cannot_be_is_refused_and_changes_nothing(shared, name, value, words):
    probe, (front, rear), _ = shared
    done, reason = probe.set_parameter(name, value)
    assert not done
    assert reason.startswith(f'{name}=') and words in reason
    assert '\n' not in reason
    for camera in (front, rear):
        assert labels_of(camera.see()[1]) == ['car', 'person']
