# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Several cameras share the workers of one supervisor: whose frame is whose, and what it costs."""

from collections import Counter
from dataclasses import replace
import os
import random
import signal
import threading

import cv2
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
import numpy as np
import pytest
from supervisor_bench import QUICK
from supervisor_bench import RUNNING

CAMERAS = 3
WIDTH, HEIGHT = 320, 240
# Set it for a long run.
FRAMES = int(os.environ.get('SEVERAL_CAMERAS_FRAMES', 0)) or 600
REGION = Region(0.0, 0.25, 1.0, 0.5)   # it holds the rectangles of all cameras


def left_edge(camera):
    """Return where the rectangle in the pictures of a camera begins, in pixels."""
    return 40 + 60 * camera


def picture_of(camera):
    """Return a picture with one blue rectangle, whose place tells the camera."""
    image = np.full((HEIGHT, WIDTH, 3), 10 * camera, dtype=np.uint8)
    image[90:150, left_edge(camera):left_edge(camera) + 40] = (255, 0, 0)
    return image


def png_of(image):
    """Return a picture as the bytes of a PNG file."""
    return cv2.imencode('.png', image)[1].ravel()


def check_published(published):
    """Check that each frame has its own camera's header, picture and boxes, in order."""
    newest = Counter()
    for frame, detections in published:
        camera, number = frame.header
        assert frame.camera == camera
        assert number > newest[camera], 'out of order'
        newest[camera] = number
        (found,) = detections
        assert found.x_min * WIDTH == pytest.approx(left_edge(camera), abs=3)
        assert found.y_min * HEIGHT == pytest.approx(90, abs=3)
        assert found.y_max * HEIGHT == pytest.approx(150, abs=3)


def count_of(running, camera):
    """Return how many frames of a camera are published, unreadable or counted as dropped."""
    return sum(frame.camera == camera for frame, *_ in running.published + running.unreadable) + (
        running.supervisor.snapshot.cameras[camera].dropped.total)


def test_frames_stay_with_their_cameras_through_faults_and_retunes(bench):
    running = bench(BusSpec(sticks=4, **QUICK), Settings(cluster_size=2), cameras=CAMERAS)
    running.wait_for_states(*[RUNNING] * 4)
    chance, pause = random.Random(4711), threading.Event()
    pictures = [picture_of(camera) for camera in range(CAMERAS)]
    files = [png_of(image) for image in pictures]
    sent, settings = Counter(), Settings(cluster_size=2)
    for number in range(1, FRAMES + 1):
        camera = chance.randrange(CAMERAS)
        is_encoded, region = chance.random() < 0.3, chance.choice([Region(), REGION])
        running.offer((files if is_encoded else pictures)[camera], camera,
                      EncodedFrame if is_encoded else Frame, (camera, number), region=region)
        sent[camera] += 1
        if number % 40 == 0:
            settings = replace(
                settings, cluster_size=chance.randrange(5), enabled=chance.random() < 0.8,
                camera_weights=tuple(chance.choice([0.0, 0.5, 2.0]) for _ in range(CAMERAS)),
                camera_max_fps=tuple(chance.choice([0.0, 50.0]) for _ in range(CAMERAS)))
            running.supervisor.change(settings)
        if number % 150 == 0:
            workers = [stick.pid for stick in running.supervisor.snapshot.sticks if stick.pid]
            os.kill(chance.choice(workers), signal.SIGKILL)
            running.supervisor.switch_cluster()
        pause.wait(chance.choice([0.0, 0.002, 0.01]))
    running.supervisor.change(Settings(max_frame_age_ms=1))   # the last ones may wait no longer
    running.wait_for(lambda: all(
        count_of(running, camera) == sent[camera] for camera in range(CAMERAS)))
    assert not running.unreadable
    assert len(running.published) > FRAMES // 10
    check_published(running.published)


@pytest.mark.parametrize('kind, ending', [('JPEG', '.jpg'), ('PNG', '.png')])
def test_an_encoded_picture_is_decoded_by_the_worker_of_its_stick(bench, kind, ending):
    running = bench(BusSpec(sticks=1, **QUICK), cameras=2)
    running.wait_for_states(RUNNING)
    data = cv2.imencode(ending, picture_of(1), [cv2.IMWRITE_JPEG_QUALITY, 100])[1].ravel()
    running.offer(data, 1, EncodedFrame, (1, 1), region=REGION)
    running.wait_for(lambda: running.published)
    check_published(running.published)
    (frame, _), = running.published
    assert frame.size == (HEIGHT, WIDTH)
    assert 'image' not in vars(frame), 'it was decoded here'
    assert frame.image.shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize('data, why', [
    (b'no picture at all', 'neither JPEG nor PNG'),
    (png_of(picture_of(0)).tobytes()[:200], 'cannot be decoded'),
    (cv2.imencode('.jpg', picture_of(0))[1].tobytes()[:-100], 'its end is missing')])
def test_what_is_no_picture_costs_nobody_else_anything(bench, data, why):
    running = bench(BusSpec(sticks=1, **QUICK), cameras=2)
    running.wait_for_states(RUNNING)
    good, bad = png_of(picture_of(1)), np.frombuffer(data, np.uint8)
    for number in range(1, 6):
        running.offer(bad, 0, EncodedFrame, (0, number))
        running.offer(good, 1, EncodedFrame, (1, number))
        running.wait_for(lambda: len(running.published) == number == len(running.unreadable))
    check_published(running.published)
    assert {frame.camera for frame, _ in running.unreadable} == {0}
    assert all(why in text for _, text in running.unreadable)
    running.wait_for(lambda: running.supervisor.snapshot.sticks[0].inferences == 5)
    (stick,) = running.supervisor.snapshot.sticks
    assert (stick.restarts, stick.status.outstanding) == (0, 0)


def test_a_frame_is_inferred_in_its_own_region_whatever_comes_meanwhile(bench):
    running = bench(BusSpec(sticks=1, boot_ms=0.0, inference_ms=100.0), cameras=2)
    running.wait_for_states(RUNNING)
    below = Region(0.0, 0.5, 1.0, 0.5)   # which shows the lower half of the rectangles
    running.offer(picture_of(0), 0, header=(0, 1), region=below)
    running.offer(picture_of(0), 0, header=(0, 2))
    running.wait_for(lambda: len(running.published) == 2)
    (_, (cut,)), (_, (whole,)) = running.published
    assert cut.y_min * HEIGHT == pytest.approx(120, abs=1)
    assert whole.y_min * HEIGHT == pytest.approx(90, abs=1)
    assert cut.y_max * HEIGHT == pytest.approx(150, abs=1)
