# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Changing the detector node while it works: parameters, the switch on request, and heat."""

import random
import threading

from live_changes import SHAPES
from live_changes import switch_cluster
import numpy as np

LABELS = [[], ['car'], ['cat', 'person']]
RANGES = {
    'cluster_size': lambda chance: chance.randint(0, 5),
    'cluster_switch_cycle_ms': lambda chance: chance.choice([0, 100, 3600000]),
    'switch_temperature': lambda chance: chance.choice([20, 29.5, 95.0]),
    'resume_margin': lambda chance: chance.uniform(0.0, 40.0),
    'critical_margin': lambda chance: chance.uniform(0.0, 40.0),
    'min_dwell_ms': lambda chance: chance.choice([0, 50, 600000]),
    'rotation_policy': lambda chance: chance.choice(['coolest', 'round_robin']),
    'score_threshold': lambda chance: chance.random(),
    'class_filter': lambda chance: chance.choice(LABELS),
    'max_frame_age_ms': lambda chance: chance.choice([0, 1, 500]),
    'depth_timeout_ms': lambda chance: chance.choice([0, 200, 5000]),
}


def test_the_cluster_is_switched_on_request(probe, start_detector):
    start_detector(**SHAPES, **{'simulated.sticks': '4', 'cluster_size': '2',
                                'cluster_switch_cycle_ms': '0', 'min_dwell_ms': '600000'})
    probe.wait_for_running(4)
    probe.wait_for(lambda: probe.status('detector: cluster')[1]['active_sticks'] == '0,1')
    done, text = switch_cluster(probe)
    assert done
    assert text == 'sticks 0, 1 relieved by sticks 2, 3; active: sticks 2, 3'
    values = probe.next_status('detector: cluster')
    assert (values['active_sticks'], values['switches']) == ('2,3', '1')
    assert values['last_switch_reason'] == 'asked for by switch_cluster'


def test_heat_that_no_rotation_can_hold_is_told(probe, start_detector):
    # An inference takes as long as on a real stick: what the host is late counts as work, and next
    # to a short one it counts for much.
    node = start_detector(**{
        'graph_paths': "['shapes']", 'simulated.inference_ms': '80.0', 'simulated.sticks': '2',
        'simulated.ambient_celsius': '45.0', 'simulated.time_constant_sec': '3.0',
        'switch_temperature': '60.0'})
    probe.wait_for_running(2)
    over = threading.Event()
    film = threading.Thread(target=publish_until, args=(probe, over))
    film.start()
    try:
        # On a busy host the sticks work less, and heat more slowly.
        node.wait_for_line('2 of 2 sticks active is too much heat for switch_temperature 60.0 C',
                           timeout=180.0)
        # About 0.69 sticks in all, as far as this host is in time.
        probe.wait_for(lambda: 0.0 < (sustainable(probe) or 0.0) < 2.0, timeout=60.0)
    finally:
        over.set()
        film.join()
    status, _ = probe.status('detector: cluster')
    assert 'they sustain' in status.message
    assert status.level == b'\x01'


def sustainable(probe):
    """Return the sustainable_cluster_size, or None while it is unknown."""
    value = probe.status('detector: cluster')[1]['sustainable_cluster_size']
    return None if value == 'unknown' else float(value)


def publish_until(probe, over):
    """Publish small images, up to thirty a second, until an Event is set."""
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    while not over.wait(0.033):
        probe.publish(probe.image_message(image))


def test_a_thousand_changes_while_images_flow(probe, start_detector):
    node = start_detector(**SHAPES, **{'simulated.sticks': '5'})
    probe.wait_for_running(5)
    over = threading.Event()
    film = threading.Thread(target=publish_until, args=(probe, over))
    film.start()
    try:
        chance = random.Random(1)
        for _ in range(1000):
            name = chance.choice(sorted(RANGES))
            value = RANGES[name](chance)
            assert probe.set_parameter(name, value) == (True, ''), (name, value)
        for name, value in (('cluster_size', 3), ('switch_temperature', 95.0), ('min_dwell_ms', 0),
                            ('cluster_switch_cycle_ms', 500), ('max_frame_age_ms', 500)):
            assert probe.set_parameter(name, value) == (True, '')
        probe.wait_for(lambda: [probe.status('detector: cluster')[1][key] for key in (
            'cluster_size', 'effective_cluster_size')] == ['3', '3'])
        switches = int(probe.status('detector: cluster')[1]['switches'])
        probe.wait_for(lambda: int(
            probe.status('detector: cluster')[1]['switches']) > switches + 3)
        heard = len(probe.detections)
        probe.wait_for(lambda: len(probe.detections) > heard + 20)
    finally:
        over.set()
        film.join()
    assert 'ERROR' not in node.output
    assert 'Traceback' not in node.output
    stamps = [(array.header.stamp.sec, array.header.stamp.nanosec) for array in probe.detections]
    assert stamps == sorted(set(stamps))
