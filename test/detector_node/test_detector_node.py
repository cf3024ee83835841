# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a detector node publishes, as a process, over real DDS."""

import time

from node_harness import NodeProcess
from node_harness import Probe
import numpy as np
import psutil
import pytest
from several_cameras import corners

SHAPES = {'graph_paths': "['shapes']", 'simulated.inference_ms': '20.0'}
COLOURS = {'car': (255, 0, 0), 'person': (0, 255, 0), 'cat': (0, 0, 255)}


@pytest.fixture(scope='module')
def shared():
    """Return a probe and a detector of two sticks that the tests of this module share."""
    node = NodeProcess('detector_node', {**SHAPES, 'driver': 'simulated', 'simulated.sticks': '2'})
    with Probe() as probe:
        probe.wait_for_running(2)
        yield probe, node
    node.end()


@pytest.mark.parametrize('size', [(240, 320), (480, 640), (720, 1280)])
def test_coloured_rectangles_come_back_as_boxes(shared, size):
    probe, _ = shared
    height, width = size
    image = np.full((*size, 3), 40, dtype=np.uint8)
    truth = {}
    for column, (label, colour) in enumerate(COLOURS.items()):
        left, top = width // 12 + column * width // 3, height // 5 + column * height // 9
        right, bottom = left + width // 6, top + height // 3
        image[top:bottom, left:right] = colour
        truth[label] = np.array([left, top, right, bottom])
    message, answer = probe.detect(
        image, frame_id='some optical frame', stamp_ns=2**31 * 10**9 - width)
    assert answer.header == message.header
    assert sorted(found.results[0].hypothesis.class_id for found in answer.detections) == (
        sorted(COLOURS))
    network_pixel = np.array([width, height, width, height]) / 300
    for found in answer.detections:
        assert found.header == message.header
        assert found.id == ''
        assert found.bbox.center.theta == 0.0
        (result,) = found.results
        assert result.hypothesis.score == pytest.approx(0.9, abs=1e-3)
        off = np.abs(corners(found) - truth[result.hypothesis.class_id]) / network_pixel
        assert off.max() <= 1.5, off


def test_an_image_without_rectangles_gives_an_empty_array(shared):
    probe, _ = shared
    message, answer = probe.detect(np.full((240, 320, 3), 128, dtype=np.uint8))
    assert answer.header == message.header
    assert answer.detections == []


def test_bad_images_are_dropped_counted_and_named_once(shared):
    probe, node = shared
    image = np.zeros((24, 32, 3), dtype=np.uint8)
    probe.detect(image)
    before = int(probe.next_status('detector: cluster')['frames_dropped'])
    for count, change in enumerate(({'height': 0}, {'encoding': 'nonsense'}), start=1):
        message = probe.image_message(image)
        for name, value in change.items():
            setattr(message, name, value)
        probe.publish(message)
        probe.wait_for(lambda: probe.status('detector: cluster')[1]['frames_dropped'] ==
                       str(before + count))
        probe.detect(image)
    assert node.output.count('further bad images are only counted') == 1


def test_diagnostics_have_the_keys_levels_and_ids_of_the_contract(shared):
    probe, _ = shared
    probe.detect(np.zeros((24, 32, 3), dtype=np.uint8))
    probe.wait_for(lambda: probe.status('detector: cluster')[0].level == b'\x00')
    cluster, values = probe.status('detector: cluster')
    assert cluster.hardware_id == 'cluster'
    assert list(values) == [
        'driver', 'cluster_size', 'effective_cluster_size', 'active_sticks', 'switches',
        'last_switch_reason', 'sustainable_cluster_size', 'input_fps', 'detection_fps',
        'latency_ms_p50', 'latency_ms_p95', 'frames_dropped', 'dropped_replaced',
        'dropped_too_old', 'dropped_lost', 'dropped_late', 'dropped_malformed',
        'dropped_before_node']
    assert values['active_sticks'] == '0,1'
    stick, values = probe.status('detector: stick 1')
    assert stick.hardware_id == '1.2-ma2450'
    assert stick.level == b'\x00'
    assert list(values) == [
        'active', 'state', 'temperature_celsius', 'throttle_level', 'duty_60s', 'inferences',
        'inference_ms_p50', 'restarts', 'last_error', 'pid', 'frames_lost']
    assert values['temperature_celsius'] == '30.0'
    assert psutil.pid_exists(int(values['pid']))
    # Nothing comes any more: after five seconds that is worth a warning.
    probe.wait_for(lambda: probe.status('detector: cluster')[0].level == b'\x01')
    assert probe.status('detector: cluster')[0].message.startswith('no image for')


def test_every_image_is_detected_or_in_a_count(shared):
    probe, _ = shared
    image = np.zeros((24, 32, 3), dtype=np.uint8)
    probe.detect(image)
    before = int(probe.next_status('detector: cluster')['frames_dropped'])
    detected = len(probe.detections)
    for _ in range(100):
        probe.publish(probe.image_message(image))
        time.sleep(0.002)   # much faster than two sticks

    def dropped():
        _, values = probe.status('detector: cluster')
        assert int(values['frames_dropped']) == sum(
            int(value) for key, value in values.items() if key.startswith('dropped_'))
        return int(values['frames_dropped']) - before
    probe.wait_for(lambda: len(probe.detections) - detected + dropped() == 100)
    assert dropped() > 0
