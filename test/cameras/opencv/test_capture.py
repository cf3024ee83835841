# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of what sources that read with an OpenCV capture share."""

from invented_clock import InventedClock
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.opencv import capture
from ncs_cluster_detector.cameras.opencv.capture import CaptureCamera
import pytest


class FaultyCapture:
    """A capture that tells a broken picture as it tells the end."""

    def __init__(self, answers):
        """Prepare the answers to grab."""
        self.answers = iter(answers)

    def get(self, key):
        """Tell nothing."""
        return 0.0

    def grab(self):
        """Answer."""
        return next(self.answers)


def test_after_a_broken_picture_a_capture_is_asked_again():
    camera = CaptureCamera('eye', FaultyCapture([False] * 9 + [True] + [False] * 10))
    assert camera.grab()
    assert camera.skipped == 9
    with pytest.raises(CameraError, match='reading from eye failed: it was unplugged, stopped or'):
        camera.grab()


def test_a_capture_that_was_silent_is_not_asked_again(monkeypatch):
    clock = InventedClock()
    monkeypatch.setattr(capture, 'time', clock)
    silent = FaultyCapture([False, True])
    monkeypatch.setattr(silent, 'grab', lambda: clock.wait(5.0))
    with pytest.raises(CameraError, match='reading from eye failed'):
        CaptureCamera('eye', silent).grab()
    assert clock.now == 5.0
