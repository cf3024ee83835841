# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The annotated pictures become a video that keeps real time, and the best of them a picture."""

import threading
import time

import cv2
from made_up_run import DOG
from made_up_run import PERSON
import numpy as np
import pytest
from runner.report import recorder as module
from runner.report.recorder import Recorder
from runner.report.recorder import VideoRecording
from runner.report.recorder import worth_of
from runner.report.recorder import WORTHS_KEPT

GREY = 90


def frame(value=GREY, height=240, width=320):
    """Return a frame of one grey."""
    return np.full((height, width, 3), value, np.uint8)


def read(path):
    """Return (frames a second, frames) of a video."""
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        found, image = capture.read()
        if not found:
            break
        frames.append(image)
    fps = capture.get(cv2.CAP_PROP_FPS)
    capture.release()
    return fps, frames


def grey_of(image):
    """Return the grey of a frame, taken where nothing is drawn."""
    return round(float(image[5:20, 5:60].mean()))


def test_pictures_become_a_video_and_the_best_one_a_picture(tmp_path):
    """Messages without a picture are counted; the one with the surest detections is the best."""
    recorder = Recorder(tmp_path, 10.0)
    for number, detections in enumerate(((PERSON, DOG, DOG), (PERSON,), (PERSON, DOG), ()), 1):
        recorder.take_detections((7, number * 100_000_000), detections, 2)
    for number in (2, 3, 4):
        recorder.take_picture((7, number * 100_000_000), frame(100 + 10 * number))
    written, complaints = recorder.close()
    assert written == [tmp_path / 'annotated.mp4', tmp_path / 'annotated.png']
    assert complaints == []
    assert (recorder.frames_received, recorder.frames_drawn) == (3, 3)
    assert (recorder.detections_without_frame, recorder.frames_left_out) == (1, 0)
    fps, frames = read(tmp_path / 'annotated.mp4')
    assert fps == 10.0
    assert [grey_of(image) for image in frames] == pytest.approx([120, 130, 140], abs=3)
    assert grey_of(cv2.imread(str(tmp_path / 'annotated.png'))) == 120


def test_few_sure_boxes_with_all_sticks_at_work_make_the_picture():
    """The start is skipped; what is not to be had is done without, the least important first."""
    best_first = [
        worth_of((PERSON,) * 3, 2), worth_of((PERSON,), 2), worth_of((PERSON, DOG), 2),
        worth_of((DOG,) * 4, 2),
        worth_of((PERSON,), 1), worth_of((PERSON,) * 5, 2), worth_of((PERSON,) * 9, 1),
        worth_of((PERSON,), 0), worth_of((DOG,), 0), worth_of((PERSON,) * 5, 0),
        worth_of((), 2), worth_of((), 1), worth_of((), 0)]
    assert sorted(best_first, reverse=True) == best_first


def test_what_is_remembered_of_detections_stays_little(tmp_path):
    """Detections of which no picture ever comes are forgotten, the oldest first."""
    recorder = Recorder(tmp_path, 10.0)
    for number in range(2 * WORTHS_KEPT):
        recorder.take_detections((number, 0), (PERSON,) if number == 0 else (DOG,), 2)
    recorder.take_picture((0, 0), frame(100))
    recorder.take_picture((2 * WORTHS_KEPT - 1, 0), frame(200))
    recorder.close()
    assert len(recorder._worths) < WORTHS_KEPT
    assert grey_of(cv2.imread(str(tmp_path / 'annotated.png'))) == 200


def test_without_pictures_there_are_no_files(tmp_path):
    """A run that ends at once leaves no broken file."""
    recorder = Recorder(tmp_path, 10.0)
    recorder.take_detections((1, 0), (PERSON,), 2)
    assert recorder.close() == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_without_an_encoder_there_is_a_picture(tmp_path, monkeypatch):
    """Where OpenCV cannot write the video, the picture is written, and one line says so."""
    class Deaf:
        """A writer for which there is no encoder: it does nothing, and does not say so."""

        def __init__(self, *_):
            """Take anything."""

        def write(self, _):
            """Write nothing."""

        def release(self):
            """Finish nothing."""

    monkeypatch.setattr(cv2, 'VideoWriter', Deaf)
    recorder = Recorder(tmp_path, 10.0)
    recorder.take_picture((1, 0), frame())
    written, complaints = recorder.close()
    assert written == [tmp_path / 'annotated.png']
    assert len(complaints) == 1 and 'mp4v' in complaints[0]


def lengths(tmp_path, times, fps=24.0):
    """Return how many frames of the video show each of the frames with these times."""
    video = VideoRecording(tmp_path / 'video.mp4', fps)
    greys = [40 + 20 * number for number in range(len(times))]
    for at_sec, grey in zip(times, greys):
        video.add(frame(grey), at_sec)
    assert video.close()
    shown = [min(greys, key=lambda grey: abs(grey - grey_of(image)))
             for image in read(tmp_path / 'video.mp4')[1]]
    return [shown.count(grey) for grey in greys]


def test_jitter_does_not_make_the_video_stumble(tmp_path):
    """Frames that come at the video's own rate, more or less, are shown once each."""
    jitter = (0.0, 0.014, -0.013, 0.011, -0.014, 0.012, 0.0, 0.013)
    times = [5.0 + number / 24 + late for number, late in enumerate(jitter)]
    assert lengths(tmp_path, times) == [1] * 8


def test_a_pause_is_shown_as_long_as_it_was(tmp_path):
    """The frame before a pause stays; frames that come too fast are left out."""
    assert lengths(tmp_path, [0.0, 0.1, 0.6, 0.7], fps=10.0) == [1, 5, 1, 1]
    assert lengths(tmp_path, [0.0, 0.01, 0.1, 0.11, 0.2], fps=10.0) == [1, 0, 1, 0, 1]


def test_a_clock_that_was_set_is_no_pause(tmp_path):
    """After a jump of the stamps the video goes on at once."""
    assert lengths(tmp_path, [0.0, 0.1, 5000.0, 5000.1, 3.0, 3.1], fps=10.0) == [1] * 6


def test_an_encoder_that_does_not_come_to_an_end_is_left_alone(tmp_path, monkeypatch):
    """The file is not finished under the thread that writes to it: OpenCV would crash."""
    monkeypatch.setattr(module, 'STOP_PATIENCE_SEC', 0.1)
    writes, may_go_on, finished = threading.Event(), threading.Event(), []

    def hang(_, image):
        writes.set()
        may_go_on.wait()

    monkeypatch.setattr(VideoRecording, '_write', hang)
    monkeypatch.setattr(VideoRecording, 'close', finished.append)
    recorder = Recorder(tmp_path, 10.0)
    recorder.take_picture((1, 0), frame())
    writes.wait()
    written, complaints = recorder.close()
    may_go_on.set()
    assert (written, finished) == ([], [])
    assert 'annotated.mp4 failed: the encoder needs over 0.1 s more' in complaints[0]
    assert not (tmp_path / 'annotated.mp4').exists()


def test_an_encoder_that_still_writes_is_waited_for(tmp_path, monkeypatch):
    """However long the repetitions before a late picture take, the video has all of them."""
    may_write, write = threading.Semaphore(0), VideoRecording._write

    def write_when_allowed(video, image):
        may_write.acquire()
        write(video, image)

    monkeypatch.setattr(VideoRecording, '_write', write_when_allowed)
    recorder = Recorder(tmp_path, 10.0)
    thread, video = recorder._thread, recorder._video

    def join(_):
        """Let the time of one frame pass."""
        before = video.written
        may_write.release()
        while thread.is_alive() and video.written == before:
            time.sleep(0.001)

    monkeypatch.setattr(thread, 'join', join)
    for second in (1, 3):
        recorder.take_picture((second, 0), frame())
    written, complaints = recorder.close()
    assert (tmp_path / 'annotated.mp4' in written, complaints, video.written) == (True, [], 21)
