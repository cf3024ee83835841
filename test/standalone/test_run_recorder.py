# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Detections are drawn on the very frame they belong to, and the video keeps real time."""

import cv2
from made_up_run import DOG
from made_up_run import made_up_state
from made_up_run import PERSON
import frame_drawing  # noqa: I100 (made_up_run makes it importable)
import numpy as np
import pytest
from recorder import BYTES_KEPT
from recorder import FrameMemory
from recorder import FRAMES_KEPT
from recorder import LEAST_FRAMES_KEPT
from recorder import Recorder
from recorder import VideoFile
from run_state import Detection

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


def test_memory_finds_exactly_the_stamp_and_forgets_old_frames():
    """A frame is found by its own stamp, once, as long as it is among the newest."""
    memory = FrameMemory()
    for number in range(FRAMES_KEPT + 5):
        memory.keep((10, number), frame(number))
    assert memory.take((10, 4)) is None
    assert memory.take((10, 5))[0, 0, 0] == 5
    assert memory.take((10, 5)) is None
    assert memory.take((11, 6)) is None


def test_memory_keeps_fewer_large_frames():
    """A few 4K frames are as many bytes as many small ones."""
    memory = FrameMemory()
    huge = np.broadcast_to(np.uint8(0), (2160, 3840, 3))
    most = max(BYTES_KEPT // huge.nbytes, LEAST_FRAMES_KEPT)
    for number in range(most + 1):
        memory.keep((0, number), huge)
    assert memory.take((0, 0)) is None
    assert memory.take((0, 1)) is huge


def test_detections_meet_their_frames(tmp_path):
    """Frames without detections message are left out; a message without frame is counted."""
    recorder = Recorder(tmp_path, 10.0, made_up_state())
    for number in range(10):
        recorder.take_image((7, number * 100_000_000), frame(100 + 10 * number))
    for number, detections in ((2, (PERSON,)), (3, (PERSON, DOG)), (4, ())):
        recorder.take_detections((7, number * 100_000_000), detections)
    recorder.take_detections((6, 0), (PERSON, DOG, DOG))
    written, complaints = recorder.close()
    assert written == [tmp_path / 'annotated.mp4', tmp_path / 'annotated.png']
    assert complaints == []
    assert (recorder.frames_received, recorder.frames_drawn) == (10, 3)
    assert (recorder.detections_without_frame, recorder.frames_left_out) == (1, 0)
    fps, frames = read(tmp_path / 'annotated.mp4')
    assert fps == 10.0
    assert [grey_of(image) for image in frames] == pytest.approx([120, 130, 140], abs=3)
    best = cv2.imread(str(tmp_path / 'annotated.png'))
    assert grey_of(best) == 130   # the frame with the most detections
    for found in (PERSON, DOG):
        edge = best[int(found.top + found.height) - 1, int(found.left + found.width / 2)]
        assert max(abs(int(value) - 130) for value in edge) > 30


def test_without_detections_messages_there_are_no_pictures(tmp_path):
    """A run that ends at once leaves no broken file."""
    recorder = Recorder(tmp_path, 10.0, made_up_state())
    recorder.take_image((1, 0), frame())
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
    recorder = Recorder(tmp_path, 10.0, made_up_state())
    recorder.take_image((1, 0), frame())
    recorder.take_detections((1, 0), (PERSON,))
    written, complaints = recorder.close()
    assert written == [tmp_path / 'annotated.png']
    assert len(complaints) == 1 and 'mp4v' in complaints[0]


def lengths(tmp_path, times, fps=24.0):
    """Return how many frames of the video show each of the frames with these times."""
    video = VideoFile(tmp_path / 'video.mp4', fps)
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


@pytest.mark.parametrize('height, width', [(240, 320), (2160, 3840), (48, 64), (241, 321)])
def test_drawing_on_any_size(height, width):
    """Boxes over the edge, a strip with more sticks than there is room for: nothing breaks."""
    image = frame(height=height, width=width)
    marks, note = frame_drawing.strip_of(made_up_state(16))
    assert len(marks) == 16 and note == '24 fps'
    boxes = [Detection('person', 0.9, -20.0, -20.0, width + 40.0, height + 40.0),
             Detection('a very long label for a narrow picture', 0.8, width - 5.0, 2.0, 50.0, 9.0)]
    frame_drawing.draw(image, boxes, marks, note)
    assert image.std() > 0


def test_labels_do_not_cover_each_other():
    """Two people close together have readable labels, above and below."""
    image = frame(height=480, width=640)
    near = [Detection('person', 0.9, 200.0, 150.0, 60.0, 200.0),
            Detection('person', 0.8, 215.0, 150.0, 60.0, 200.0)]
    size = frame_drawing.text_size(image)
    first = frame_drawing._place_label(image, near[0], [], size)
    second = frame_drawing._place_label(image, near[1], [first], size)
    assert first.area[3] <= 150 and second.area[1] >= 349
