# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Depth and pictures of three cameras stay apart through faults and changes, on a whole node."""

import os
import random

from coded_camera import CodedCamera
from coded_camera import TOPICS
from film import disable_and_enable
from film import Film
from live_changes import ranges_of_settings
from live_changes import switch_cluster
import psutil
import pytest

NAMES = ('front', 'rear', 'arm/wrist')
SIZES = ((96, 128), (108, 144), (120, 160))
STICKS = 6
RANGES = ranges_of_settings(len(NAMES), STICKS)
# Of all cameras together; set it for a long run, with --timeout=0.
FRAMES = int(os.environ.get('SEVERAL_CAMERAS_FRAMES', 0)) or 600
CHANGE_EVERY, KILL_EVERY, DISABLE_EVERY = 20, 150, 250 if FRAMES < 5000 else 1500
NEUTRAL = {'camera_weights': [], 'camera_max_fps': [], 'camera_regions': [], 'cluster_size': 0,
           'class_thresholds': [], 'score_threshold': 0.6}


@pytest.fixture
def node(start_detector, request):
    """Return a detector of three cameras with depth, whose sticks are fast."""
    return start_detector(**{
        'graph_paths': "['shapes']", 'simulated.sticks': STICKS, 'simulated.inference_ms': 2.0,
        'simulated.transfer_ms': 0.5, 'simulated.boot_ms': 0.0, 'cluster_switch_cycle_ms': 200,
        'min_dwell_ms': 0, 'cameras': str(list(NAMES)), 'use_depth': 'true',
        'image_transport': 'raw' if request.param == 'raw' else 'compressed'})


def kill_a_worker(probe, node, chance):
    """Kill a worker that still runs; return whether there was one."""
    pids = [probe.status(f'detector: stick {number}')[1]['pid'] for number in range(STICKS)]
    workers = [process for process in node.family() if str(process.pid) in pids]
    if not workers:
        return False
    try:
        chance.choice(workers).kill()
    except psutil.NoSuchProcess:
        return False   # it was killed before
    return True


def change(probe, values):
    """Set parameters, one after the other."""
    for name, value in values.items():
        assert probe.set_parameter(name, value) == (True, ''), (name, value)


@pytest.mark.parametrize('node, transport', [('raw', 'raw'), ('compressed', '.png')],
                         indirect=['node'], ids=['raw', 'compressed'])
def test_depth_and_pictures_stay_with_their_cameras_through_faults_and_changes(
        probe, node, transport):
    probe.wait_for_running(STICKS)
    cameras = [CodedCamera(probe, name, index, size, transport)
               for index, (name, size) in enumerate(zip(NAMES, SIZES))]
    for camera in cameras:
        camera.locate()
    chance, pauses = random.Random(21), random.Random(4711)
    changes = kills = 0
    with Film(cameras, lambda: pauses.choice([0.0, 0.005, 0.02])) as film:
        for shown in range(0, FRAMES, 10):
            film.wait_for(shown)
            if shown % CHANGE_EVERY == 0:
                name = chance.choice(sorted(RANGES))
                change(probe, {name: RANGES[name](chance)})
                changes += 1
            if shown % KILL_EVERY == KILL_EVERY - 10:
                kills += kill_a_worker(probe, node, chance)
                switch_cluster(probe)
            if shown % DISABLE_EVERY == DISABLE_EVERY - 10:
                disable_and_enable(probe, film)
        change(probe, NEUTRAL)
        probe.wait_for(lambda: all(camera.has_all(FRAMES // 100) for camera in cameras))
    for camera in cameras:
        finish(camera, film)
    probe.next_status('detector: cluster')
    for camera in cameras:
        camera.check_all()
        values = probe.status(f'detector: camera {camera.name}')[1]
        counted, sent = camera.accounted(values), film.sent[camera.name]
        # pytest -rP shows it.
        print(camera.name, dict(sent), 'counted', counted, 'dropped', values['frames_dropped'], {
            topic: (len(camera.heard[topic]), camera.heard[topic].complete) for topic in TOPICS})
        assert sent['taken'] <= counted <= len(camera.sent), (camera.name, sent, values)
    print('changes', changes, 'killed workers', kills)
    assert kills
    assert 'Traceback' not in node.output


def finish(camera, film):
    """Show pictures until the newest one is heard of on all topics, with its car and distance."""
    for _ in range(20):
        before = {topic: heard.complete for topic, heard in camera.heard.items()}
        header = film.show(camera)
        try:
            camera.probe.wait_for(lambda: camera.has_heard(header), 1.0)
        except AssertionError:
            continue   # lost on the way
        if all(heard.complete > before[topic] for topic, heard in camera.heard.items()):
            return
    raise AssertionError(f'not all of a picture of {camera.name}')
