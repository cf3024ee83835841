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

"""Keeps the newest frames, and makes a video and a picture of those in which was searched."""

from collections import OrderedDict
import queue
import threading
from typing import NamedTuple

import cv2
import frame_drawing
import numpy as np

# A detection comes within half a second of its frame: max_frame_age_ms, and a stick's time.
FRAMES_KEPT = 40
BYTES_KEPT = 96_000_000
LEAST_FRAMES_KEPT = 4
# One that waits is as large as a frame.
WAITING_FRAMES = 16
FASTEST_VIDEO_FPS = 30.0
# A frame may be this part of a frame's time off its place, so that the jitter of the stamps does
# not make the video stumble.
PLACE_TOLERANCE = 0.75
LONGEST_STILL_SEC = 30.0
STOP_PATIENCE_SEC = 5.0


class _Job(NamedTuple):
    image: np.ndarray
    at_sec: float
    detections: tuple
    marks: tuple
    note: str


class FrameMemory:
    """The newest frames by their stamps; how many depends on their size."""

    def __init__(self):
        """Begin without frames."""
        self._frames = OrderedDict()

    def keep(self, stamp, image):
        """Keep a frame and let go of the oldest ones."""
        self._frames[stamp] = image
        most = min(max(BYTES_KEPT // image.nbytes, LEAST_FRAMES_KEPT), FRAMES_KEPT)
        while len(self._frames) > most:
            self._frames.popitem(last=False)

    def take(self, stamp):
        """Return the frame with exactly this stamp and forget it; None if there is none."""
        return self._frames.pop(stamp, None)


class Recorder:
    """
    Matches detections with their frames; a thread draws and encodes.

    When the thread cannot keep up, frames are left out of the video and counted, so that neither
    the memory grows nor the run waits.
    """

    def __init__(self, folder, source_fps, state):
        """
        Get ready; the video is begun with the first frame.

        :param folder: pathlib.Path of the folder for annotated.mp4 and annotated.png.
        :param source_fps: frames a second of the source, from which the video's rate follows.
        :param state: the RunState, for the strip with the sticks.
        """
        self.frames_received = 0
        self.frames_drawn = 0
        self.frames_left_out = 0
        self.detections_without_frame = 0
        self._state = state
        self._frames = FrameMemory()
        self._video = VideoFile(folder / 'annotated.mp4', min(source_fps, FASTEST_VIDEO_FPS))
        self._picture = folder / 'annotated.png'
        self._best = None   # (number of detections, sum of scores), drawn image
        self._jobs = queue.Queue(WAITING_FRAMES)
        self._failure = None
        self._thread = threading.Thread(target=self._work, name='recorder', daemon=True)
        self._thread.start()

    def take_image(self, stamp, image):
        """
        Take a frame.

        :param stamp: (seconds, nanoseconds) of its header.
        :param image: uint8, height x width x 3, blue-green-red; drawn on later.
        """
        self.frames_received += 1
        self._frames.keep(stamp, image)

    def take_detections(self, stamp, detections):
        """Take the Detections in the frame with this stamp."""
        image = self._frames.take(stamp)
        if image is None:
            self.detections_without_frame += 1
            return
        marks, note = frame_drawing.strip_of(self._state)
        try:
            self._jobs.put_nowait(_Job(image, stamp[0] + stamp[1] * 1e-9, detections, marks, note))
        except queue.Full:
            self.frames_left_out += 1

    def close(self):
        """
        Finish the files.

        :return: (paths of the files written, lines about what went wrong).
        """
        complaints = []
        try:
            self._jobs.put(None, timeout=STOP_PATIENCE_SEC)
            self._thread.join(STOP_PATIENCE_SEC)
        except queue.Full:
            self._failure = self._failure or 'the encoder hangs'
        if self._failure:
            complaints.append(f'making annotated.mp4 failed: {self._failure}; annotated.png is '
                              'written without it')
        written = [self._video.path] if self._video.close() else []
        if self._best is not None:
            if cv2.imwrite(str(self._picture), self._best[1]):
                written.append(self._picture)
            else:
                complaints.append(f'writing {self._picture} failed; is the disk full?')
        if written == [self._picture] and not self._failure:
            complaints.append('annotated.mp4 could not be written: OpenCV has no encoder for '
                              'mp4v here; annotated.png is all there is')
        return written, complaints

    def _work(self):
        while True:
            job = self._jobs.get()
            if job is None:
                return
            try:
                frame_drawing.draw(job.image, job.detections, job.marks, job.note)
                self._video.add(job.image, job.at_sec)
            except (cv2.error, OSError, MemoryError) as error:
                self._failure = self._failure or str(error).strip().replace('\n', ' ')
                continue
            self.frames_drawn += 1
            worth = (len(job.detections), sum(found.score for found in job.detections))
            if self._best is None or worth > self._best[0]:
                self._best = worth, job.image


class VideoFile:
    """An mp4 with frames at their real times: one that comes late is preceded by repetitions."""

    def __init__(self, path, fps):
        """
        Keep the path; the file is made with the first frame, which tells the size.

        :param fps: frames a second of the file.
        """
        self.path, self.fps = path, fps
        self.written = 0
        self._writer = self._size = None
        self._begun_at_sec = None
        self._last = None

    def add(self, image, at_sec):
        """
        Add a frame.

        :param image: uint8, height x width x 3; of another size than the first one: fitted.
        :param at_sec: its stamp in seconds; a jump continues the video without a pause.
        """
        if self._writer is None:
            self._size = image.shape[1::-1]
            self._writer = cv2.VideoWriter(
                str(self.path), cv2.VideoWriter_fourcc(*'mp4v'), self.fps, self._size)
        if image.shape[1::-1] != self._size:
            image = cv2.resize(image, self._size)
        late = self._frames_late(at_sec)
        if late <= -PLACE_TOLERANCE:   # too early: its place is taken
            return
        if late >= PLACE_TOLERANCE:
            for _ in range(round(late)):
                self._write(self._last)
        self._write(image)
        self._last = image

    def _frames_late(self, at_sec):
        """Return how many frames' times after the next free place a stamp lies."""
        if self._begun_at_sec is None:
            self._begun_at_sec = at_sec
        late = (at_sec - self._begun_at_sec) * self.fps - self.written
        if abs(late) > LONGEST_STILL_SEC * self.fps:   # the camera's clock was set
            self._begun_at_sec = at_sec - self.written / self.fps
            late = 0.0
        return late

    def _write(self, image):
        self._writer.write(image)
        self.written += 1

    def close(self):
        """Finish the file; return whether it can be read. One that cannot is removed."""
        if self._writer is None:
            return False
        self._writer.release()
        capture = cv2.VideoCapture(str(self.path))
        readable = capture.isOpened() and capture.grab()
        capture.release()
        if not readable:
            self.path.unlink(missing_ok=True)
        return readable
