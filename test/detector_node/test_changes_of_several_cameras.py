# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Three cameras whose settings change all the time, while workers are killed."""

from collections import Counter
import random
import threading

from live_changes import SHAPES
import psutil
from several_cameras import NamedCamera

NAMES = ('front', 'rear', 'arm/wrist')
SIZES = ((96, 128), (120, 160), (144, 192))
CHANGES = 300
STICKS = 4


def each(*values):
    """Return a function that draws a value for each camera, or none."""
    return lambda chance: chance.choice([[], [chance.choice(values) for _ in NAMES]])


# The car is in each of the regions wherever it is.
RANGES = {
    'camera_weights': each(0.0, 0.25, 1.0, 3.0),
    'camera_max_fps': each(0.0, 5.0, 60.0),
    'camera_regions': each('', '0,0,1,1', '0.1,0.2,0.75,0.5', '0,0.1,0.9,0.6'),
    'class_thresholds': lambda chance: chance.choice([[], ['car:0.5'], ['car:0.95', 'cat:0']]),
    'cluster_size': lambda chance: chance.randint(0, STICKS),
    'score_threshold': lambda chance: chance.choice([0.1, 0.6, 0.95]),
}


class Film:
    """Lets cameras show pictures, and counts them by whether the detector took images then."""

    def __init__(self, cameras):
        self.cameras = cameras
        self.takes_images = True
        self.sent = {camera.name: Counter() for camera in cameras}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        for camera in self.cameras:
            self.sent[camera.name]['taken'] = len(camera.sent)
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    def show(self, camera):
        """Show a picture and return its header."""
        before = self.takes_images
        header = camera.show()
        self.sent[camera.name][
            'taken' if before and self.takes_images else 'perhaps'] += 1
        return header

    def _run(self):
        while not self._over.wait(0.01):
            for camera in self.cameras:
                self.show(camera)


def disable_and_enable(probe, film):
    """Disable the detector for a moment; return when it takes images of all cameras again."""
    film.takes_images = False
    for name, value in (('enabled', False), ('camera_weights', []), ('camera_max_fps', []),
                        ('enabled', True)):
        assert probe.set_parameter(name, value) == (True, '')
    heard = [len(camera.detections) for camera in film.cameras]
    # One that was on its way may come late; the second one is of the time after.
    probe.wait_for(lambda: all(len(camera.detections) > number + 4
                               for camera, number in zip(film.cameras, heard)))
    film.takes_images = True


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
        def last_is_heard(camera=camera):
            header = film.show(camera)
            try:
                return probe.wait_for(lambda: camera.answer_to(header), 1.0)
            except AssertionError:
                return None
        assert any(last_is_heard() for _ in range(20))
    cluster = probe.next_status('detector: cluster')
    dropped = 0
    for camera in cameras:
        camera.check(cars=(0, 1))
        values = probe.status(f'detector: camera {camera.name}')[1]
        dropped += int(values['frames_dropped'])
        counted, sent = camera.accounted(values), film.sent[camera.name]
        assert sent['taken'] <= counted <= len(camera.sent), (camera.name, sent, values)
        assert len(camera.detections) >= CHANGES // 30 * 5
        assert any(heard.detections for heard in camera.detections)
    assert dropped == int(cluster['frames_dropped'])
    assert 'Traceback' not in node.output
