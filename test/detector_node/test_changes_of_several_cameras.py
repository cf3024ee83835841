# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Three cameras whose settings change all the time, while workers are killed."""

import random

from film import disable_and_enable
from film import Film
from live_changes import ranges_of_settings
from live_changes import SHAPES
import psutil
from several_cameras import missing
from several_cameras import NamedCamera

NAMES = ('front', 'rear', 'arm/wrist')
SIZES = ((96, 128), (120, 160), (144, 192))
CHANGES = 300
STICKS = 4
RANGES = ranges_of_settings(len(NAMES), STICKS)


def test_hundreds_of_changes_of_three_cameras_lose_nothing_that_is_not_counted(
        probe, start_detector):
    node = start_detector(**SHAPES, **{
        'simulated.sticks': STICKS, 'simulated.boot_ms': '0.0', 'cluster_switch_cycle_ms': '200',
        'min_dwell_ms': '0', 'cameras': str(list(NAMES))})
    cameras = [NamedCamera(probe, name, size, start_sec=1000 * number)
               for number, (name, size) in enumerate(zip(NAMES, SIZES), start=1)]
    probe.wait_for_running(STICKS)
    for camera in cameras:
        camera.see()
    probe.next_status('detector: cluster')
    before = missing(probe, cameras)
    chance = random.Random(1)
    with Film(cameras) as film:
        for number in range(CHANGES):
            if number % 30 == 15:
                disable_and_enable(probe, film)
            if number % 100 == 50:
                pid = probe.status(f'detector: stick {number // 100}')[1]['pid']
                if pid:   # else it has not come back yet
                    psutil.Process(int(pid)).kill()
            name = chance.choice(sorted(RANGES))
            value = RANGES[name](chance)
            assert probe.set_parameter(name, value) == (True, ''), (name, value)
        for name, value in (('camera_weights', []), ('camera_max_fps', []), ('cluster_size', 0)):
            assert probe.set_parameter(name, value) == (True, '')
    for camera in cameras:
        camera.see()
    cluster = probe.next_status('detector: cluster')
    dropped = 0
    for camera in cameras:
        camera.check(cars=(0, 1))
        values = probe.status(f'detector: camera {camera.name}')[1]
        dropped += int(values['frames_dropped'])
        assert len(camera.detections) >= CHANGES // 30 * 5
        assert any(heard.detections for heard in camera.detections)
    assert missing(probe, cameras) == before
    assert dropped == int(cluster['frames_dropped'])
    assert 'Traceback' not in node.output
