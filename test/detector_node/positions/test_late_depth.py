# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Depth that comes after its image, or not at all, as a process, over DDS."""

import re
import time

from camera_ear import stamps_of
from depth_camera import depth_of
from depth_camera import seen
from ncs_cluster_detector.ros.image_messages import image_message
from node_harness import DEADLINE_SEC
import pytest


class LateDepth:
    """Publishes depth so long after its image, as a slow registration does."""

    def __init__(self, camera, late_sec):
        """Start to publish."""
        self._camera, self._late_sec = camera, late_sec
        self._depth = depth_of('16UC1')
        self._waiting = []
        self.images = []

    def show(self, pictures):
        """Show a number of pictures, 20 a second, and the depth that is due."""
        for _ in range(pictures):
            due = time.monotonic() + 0.05
            message = self._camera.show(None, '16UC1')
            self.images.append(message)
            self._waiting.append((time.monotonic() + self._late_sec, message.header))
            while self._waiting and self._waiting[0][0] <= due:
                time.sleep(max(0.0, self._waiting[0][0] - time.monotonic()))
                self._camera.depths.publish(
                    image_message(self._waiting.pop(0)[1], self._depth, '16UC1'))
            time.sleep(max(0.0, due - time.monotonic()))

    def inferred(self, first=None):
        """Return how many of the first images were inferred; a late host leaves some out."""
        return len(set(stamps_of(self._camera.probe.detections))
                   & set(stamps_of(self.images[:first])))

    def positions(self):
        """Return how many images got a position."""
        return len(set(stamps_of(heard for heard in list(self._camera.positions)
                                 if heard.detections)) & set(stamps_of(self.images)))


@pytest.mark.parametrize('timeout_ms', [0, 200])
def test_depth_that_comes_too_late_is_told_by_how_much(camera, timeout_ms):
    probe = camera.probe
    assert probe.set_parameter('depth_timeout_ms', timeout_ms)[0]
    seen(camera, depth_of('16UC1'), '16UC1', depth_first=timeout_ms == 0)
    late = LateDepth(camera, 0.45)
    deadline = time.monotonic() + DEADLINE_SEC
    while 'positions are unknown' not in camera.process.output:
        assert time.monotonic() < deadline
        late.show(10)
    (line,) = [line for line in camera.process.output.split('\n')
               if 'positions are unknown' in line]
    by_ms, timeout = re.search(
        r'the depth came (\d+) ms after its image, depth_timeout_ms is (\d+); raise it',
        line).groups()
    assert 250 <= int(by_ms) < 5000   # a host may be late with one of the two
    assert int(timeout) == timeout_ms
    assert late.positions() == 0
    # Raised as it advises, the same depth is used, of all frames, although each waits so long.
    assert probe.set_parameter('depth_timeout_ms', 2000)[0]
    late.images.clear()
    late.show(60)
    probe.wait_for(lambda: late.positions() >= 2 / 3 * late.inferred() > 0)
    camera.process.wait_for_line('positions are known again')


def test_depth_seconds_late_is_waited_for_by_all_frames_at_once(camera):
    assert camera.probe.set_parameter('depth_timeout_ms', 5000)[0]
    camera.process.wait_for_line('depth_timeout_ms 200 -> 5000 (an image waits up to 5 s for its')
    late = LateDepth(camera, 3.0)
    late.show(140)
    # Of the first 80 images the depth has come.
    camera.probe.wait_for(lambda: late.positions() >= 3 / 4 * late.inferred(first=80) > 0)
    assert 'positions come slower' not in camera.process.output
    assert 'wait for their depth' not in camera.process.output


def test_positions_keep_up_without_any_depth(camera):
    probe = camera.probe
    assert probe.set_parameter('depth_timeout_ms', 1000)[0]
    camera.see(None, '32FC1')
    first = len(camera.positions)
    for _ in range(30):
        answered = len(probe.detections)
        last = camera.show(None, '32FC1').header
        probe.wait_for(lambda count=answered: len(probe.detections) > count)
    # Each waits for its depth until 1 s after it came; one after the other they would take 30 s.
    probe.wait_for(lambda: camera.positions[-1].header == last, timeout=DEADLINE_SEC)
    stamps = [(item.header.stamp.sec, item.header.stamp.nanosec)
              for item in camera.positions[first:]]
    assert stamps == sorted(stamps)
    assert len(stamps) >= 28   # the newest image may take the place of one that waits
