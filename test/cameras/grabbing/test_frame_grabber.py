# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the grab thread with invented cameras."""

import threading
import time

from camera_doubles import Film
from camera_doubles import Log
from camera_doubles import Tap
from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.grabbing import frame_grabber
from ncs_cluster_detector.cameras.grabbing.frame_grabber import FrameGrabber
from ncs_cluster_detector.cameras.grabbing.frame_grabber import GrabState
from ncs_cluster_detector.cameras.grabbing.frame_handover import FrameHandover
from ncs_cluster_detector.cameras.grabbing.frame_handover import GrabbedFrame
import pytest

DEADLINE_SEC = 10.0


def wait_until(condition):
    """Wait until a condition holds, or fail."""
    deadline = time.monotonic() + DEADLINE_SEC
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


@pytest.fixture
def make():
    """Return a function that starts a grabber on a camera or on an opener."""
    started = []

    def start(source, loop=False, wanted=lambda: True):
        camera = source if isinstance(source, Camera) and not source.live else None
        opener = source if callable(source) else lambda: source
        stamps = iter(range(10**9))
        grabber = FrameGrabber(
            opener, lambda _: next(stamps), wanted, loop, Log(), 'eye', camera)
        started.append((grabber, source))
        grabber.start()
        return grabber

    yield start
    for grabber, source in started:
        if isinstance(source, Tap):
            source.break_with(CameraError('the test is over'))
        assert grabber.stop(DEADLINE_SEC)


def test_a_film_is_delivered_once_in_order_and_then_rests(make):
    grabber = make(Film(5))
    assert [grabber.frames.take().image for _ in range(5)] == [0, 1, 2, 3, 4]
    wait_until(lambda: grabber.state is GrabState.ENDED)
    assert grabber.frames.dropped == 0
    assert [line for line in grabber._logger.lines if 'has ended' in line[1]] == [
        ('info', 'eye has ended and loop is false: nothing more is published until loop is set '
                 'to true')]


def test_loop_can_be_switched(make):
    film = Film(3)
    grabber = make(film)
    for _ in range(3):
        grabber.frames.take()
    wait_until(lambda: grabber.state is GrabState.ENDED)
    grabber.set_loop(True)
    assert [grabber.frames.take().image for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]
    assert grabber.state is GrabState.STREAMING
    grabber.set_loop(False)
    assert [grabber.frames.take().image for _ in range(2)] == [1, 2]
    wait_until(lambda: grabber.state is GrabState.ENDED)


def test_a_film_waits_for_a_subscriber(make):
    subscribed = threading.Event()
    film = Film(3)
    grabber = make(film, wanted=subscribed.is_set)
    wait_until(lambda: grabber.state is GrabState.STREAMING)
    time.sleep(0.02)
    assert film.number == -1
    subscribed.set()
    grabber.wake()
    assert grabber.frames.take().image == 0


def test_the_pace_of_a_film_is_its_own(make):
    grabber = make(Film(41, fps=100.0))
    start = time.monotonic()
    for _ in range(41):
        grabber.frames.take()
    # 41 pictures at 100 a second, of which 0.2 s to settle; a late host takes longer.
    assert 0.3 < time.monotonic() - start < DEADLINE_SEC


def test_what_a_camera_says_when_it_breaks_shows_no_secret(make):
    tap = Tap()
    grabber = make(tap)
    tap.break_with(CameraError('reading rtsp://me:secret@cam/caf\udce9 failed'))
    wait_until(lambda: grabber.state is GrabState.AWAY)
    wait_until(lambda: any('trying again' in line[1] for line in grabber._logger.lines))
    assert grabber.last_error == 'reading rtsp://cam/... failed'
    assert 'secret' not in str(grabber._logger.lines)


def test_of_a_live_camera_only_the_newest_frame_counts(make):
    tap = Tap()
    grabber = make(tap)
    tap.deliver(5)
    wait_until(lambda: tap.number == 4 and tap.retrieved == 5)
    wait_until(lambda: grabber.frames.dropped == 4)
    assert grabber.frames.take().image == 4


def test_a_damaged_picture_is_left_out(make):
    tap = Tap()
    grabber = make(tap)
    tap.damaged = True
    tap.deliver(3)
    wait_until(lambda: tap.retrieved == 3)
    tap.damaged = False
    tap.deliver()
    assert grabber.frames.take().image == 3
    assert grabber.frames.dropped == 0 and grabber.state is GrabState.STREAMING


def test_a_live_camera_is_drained_but_not_decoded_while_nobody_subscribes(make):
    tap = Tap()
    subscribed = threading.Event()
    make(tap, wanted=subscribed.is_set)
    tap.deliver(5)
    wait_until(lambda: tap.number == 4)
    assert tap.retrieved == 0
    subscribed.set()
    tap.deliver()
    wait_until(lambda: tap.retrieved == 1)


def test_a_camera_that_goes_away_is_opened_again_and_reported_once(make, monkeypatch):
    monkeypatch.setattr(frame_grabber, 'FIRST_RETRY_SEC', 0.001)
    taps, attempts = [Tap(), Tap()], []
    present = threading.Event()
    present.set()

    def opener():
        attempts.append(time.monotonic())
        if not present.is_set():
            raise CameraError('opening eye failed')
        return taps[0] if len(attempts) == 1 else taps[1]

    grabber = make(opener)
    taps[0].deliver()
    assert grabber.frames.take().image == 0
    present.clear()
    taps[0].break_with(CameraError('reading eye failed'))
    wait_until(lambda: len(attempts) >= 4)
    assert taps[0].closed
    assert grabber.state is GrabState.AWAY
    assert grabber.last_error == 'opening eye failed'
    present.set()
    taps[1].deliver()
    assert grabber.frames.take().image == 0
    assert grabber.reopenings == 1
    assert grabber._logger.lines == [
        ('info', 'eye is open: unknown size and rate'),
        ('error', 'reading eye failed; trying again until it is back'),
        ('info', 'eye is back: unknown size and rate')]
    taps[1].break_with(CameraError('the test is over'))


def test_the_delay_grows_up_to_half_a_second(make, monkeypatch):
    delays = []
    monkeypatch.setattr(FrameGrabber, '_wait', lambda self, _, timeout_sec=None: (
        delays.append(timeout_sec), time.sleep(0.001)))

    def opener():
        raise CameraError('opening eye failed')

    grabber = make(opener)
    wait_until(lambda: len(delays) >= 5)
    assert grabber.stop(DEADLINE_SEC)
    assert delays[:5] == [0.25, 0.5, 0.5, 0.5, 0.5]
    assert grabber._logger.lines == [
        ('error', 'opening eye failed; trying again until it is back')]


def test_stop_is_immediate_while_the_camera_is_away(make):
    def opener():
        raise CameraError('opening eye failed')

    grabber = make(opener)
    wait_until(lambda: grabber.state is GrabState.AWAY)
    start = time.monotonic()
    assert grabber.stop(DEADLINE_SEC)
    assert time.monotonic() - start < DEADLINE_SEC / 2


def test_a_driver_that_hangs_is_reported():
    tap = Tap()
    grabber = FrameGrabber(lambda: tap, int, lambda: True, False, Log(), 'eye')
    grabber.start()
    assert not grabber.stop(0.05)
    tap.break_with(CameraError('the test is over'))
    assert grabber.stop(DEADLINE_SEC)


def test_a_fault_of_the_program_is_kept(make):
    tap = Tap()
    grabber = make(tap)
    fault = RuntimeError('a bug')
    tap.break_with(fault)
    wait_until(lambda: grabber.failure is fault)
    assert tap.closed


def test_a_frame_is_handed_over_when_the_one_before_is_done_with():
    frames = FrameHandover()
    taking = threading.Thread(target=frames.take)
    taking.start()
    frames.put_waiting(GrabbedFrame('a', 1))
    taking.join(DEADLINE_SEC)
    handed_over = threading.Event()
    putting = threading.Thread(
        target=lambda: (frames.put_waiting(GrabbedFrame('b', 2)), handed_over.set()))
    putting.start()
    assert not handed_over.wait(0.05)   # the first one is still worked on
    assert frames.take() == GrabbedFrame('b', 2)
    assert handed_over.wait(DEADLINE_SEC)
    putting.join()


def test_a_closed_handover_lets_everybody_go():
    frames = FrameHandover()
    waiting = threading.Thread(target=frames.put_waiting, args=(GrabbedFrame('a', 1),))
    waiting.start()
    frames.close()
    waiting.join(DEADLINE_SEC)
    assert not waiting.is_alive()
    assert frames.take() is None
