# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Several cameras that show pictures all the time, while a test changes what takes them."""

import threading

from node_harness import DEADLINE_SEC


class Film:
    """Lets cameras show pictures."""

    def __init__(self, cameras, pause_sec=lambda: 0.01):
        """Prepare; ``pause_sec`` returns how long to wait before each camera shows a picture."""
        self.cameras = cameras
        self._pause_sec = pause_sec
        self._over = threading.Event()
        self._shown = threading.Condition()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self._thread.join()

    @property
    def pictures(self):
        """Return how many all cameras together have shown, also before."""
        return sum(len(camera.sent) for camera in self.cameras)

    def wait_for(self, pictures):
        """Wait until all cameras together have shown so many pictures."""
        with self._shown:
            assert self._shown.wait_for(lambda: self.pictures >= pictures, DEADLINE_SEC), (
                'the cameras have stopped')

    def _run(self):
        while not self._over.wait(self._pause_sec()):
            for camera in self.cameras:
                camera.show()
            with self._shown:
                self._shown.notify_all()


def disable_and_enable(probe, film):
    """Disable the detector until it is not subscribed; return when all cameras are seen again."""
    assert probe.set_parameter('enabled', False) == (True, '')
    probe.wait_for(lambda: not any(camera.is_subscribed_to() for camera in film.cameras))
    film.wait_for(film.pictures + 3 * len(film.cameras))
    heard = [len(camera.detections) for camera in film.cameras]
    for name, value in (('camera_weights', []), ('camera_max_fps', []), ('enabled', True)):
        assert probe.set_parameter(name, value) == (True, '')
    probe.wait_for(lambda: all(len(camera.detections) > number
                               for camera, number in zip(film.cameras, heard)))
