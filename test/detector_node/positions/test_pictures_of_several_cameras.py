# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Depth and pictures of three cameras stay apart through faults and changes, on a whole node."""

from collections import Counter
import os
import random

from coded_camera import CodedCamera
from film import disable_and_enable
from film import Film
from live_changes import ranges_of_settings
from live_changes import switch_cluster
import psutil
import pytest
from several_cameras import missing

NAMES = ('front', 'rear', 'arm/wrist')
SIZES = ((96, 128), (108, 144), (120, 160))
STICKS = 6
RANGES = ranges_of_settings(len(NAMES), STICKS)
# Of all cameras together; set it for a long run, with --timeout=0.
FRAMES = int(os.environ.get('SEVERAL_CAMERAS_FRAMES', 0)) or 600
PART = 5000   # frames, after which the counts are compared
CHANGE_EVERY, KILL_EVERY, DISABLE_EVERY = 20, 160, 200
PAUSES_SEC = 0.0, 0.005, 0.02
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


def trouble(probe, node, film, frames, chance):
    """Kill workers and change parameters while so many frames are shown; count what was done."""
    done, before = Counter(), film.pictures
    for shown in range(10, frames + 10, 10):
        film.wait_for(before + shown)
        if shown % CHANGE_EVERY == 0:
            name = chance.choice(sorted(RANGES))
            change(probe, {name: RANGES[name](chance)})
            done['changes'] += 1
        if shown % DISABLE_EVERY == 0:
            disable_and_enable(probe, film)
            done['times disabled'] += 1
        if shown % KILL_EVERY == 0:
            done['killed workers'] += kill_a_worker(probe, node, chance)
        if shown % KILL_EVERY == KILL_EVERY // 2:
            change(probe, {'cluster_size': 2})
            done['switches on request'] += switch_cluster(probe)[0]   # if a stick is fit
    change(probe, NEUTRAL)
    return done


@pytest.mark.parametrize('node, transport', [('raw', 'raw'), ('compressed', '.png')],
                         indirect=['node'], ids=['raw', 'compressed'])
def test_depth_and_pictures_stay_with_their_cameras_through_faults_and_changes(
        probe, node, transport):
    probe.wait_for_running(STICKS)
    cameras = [CodedCamera(probe, name, index, size, transport)
               for index, (name, size) in enumerate(zip(NAMES, SIZES))]
    for camera in cameras:
        camera.locate()
    probe.next_status('detector: cluster')
    before = missing(probe, cameras)
    chance, pauses, done = random.Random(21), random.Random(4711), Counter()
    for shown in range(0, FRAMES, PART):
        with Film(cameras, lambda: pauses.choice(PAUSES_SEC)) as film:
            done += trouble(probe, node, film, min(PART, FRAMES - shown), chance)
            probe.wait_for(lambda least=film.pictures // 300: all(
                camera.has_all(least) for camera in cameras))
        for camera in cameras:
            camera.show_until_all_is_heard()
            camera.check_all()
        probe.wait_for(lambda: missing(probe, cameras) == before)
    for camera in cameras:
        camera.check_pictures_have_detections()
        # pytest -rP shows it.
        print(camera.name, 'shown', len(camera.sent),
              probe.status(f'detector: camera {camera.name}')[1],
              {topic: (len(heard), heard.complete) for topic, heard in camera.heard.items()})
    done['switches'] = int(probe.status('detector: cluster')[1]['switches'])
    print(dict(done))
    assert done['killed workers'] and done['switches']
    assert 'Traceback' not in node.output
