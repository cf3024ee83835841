# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Records the annotated pictures of the detector node: a video, and the best picture."""

from collections import OrderedDict
from collections.abc import Sequence
import contextlib
from pathlib import Path
import queue
import threading

import cv2
import numpy as np
import numpy.typing as npt
from runner.report.output_folder import recorded_files
from runner.tally import PixelDetection

# More detections than the number of pictures that can be on their way.
WORTHS_KEPT = 100
# Each waiting one takes as much memory as a frame.
WAITING_FRAMES = 16
FASTEST_VIDEO_FPS = 30.0
# A frame may be off its place by this part of a frame's time, so that the jitter of the stamps
# does not make the video stumble.
PLACE_TOLERANCE = 0.75
LONGEST_STILL_SEC = 30.0
# In the end an encoder that has written no frame for so long is given up. One picture may be many
# frames: before one that comes late the one before it is repeated up to 900 times.
STOP_PATIENCE_SEC = 5.0
# The kept picture has at most this number of boxes: a person sees at once what was found.
MOST_BOXES = 4


class Recorder:
    """
    Writes the annotated pictures of one camera; a thread encodes them.

    When the thread cannot keep up, pictures are left out of the video and counted, so that neither
    the memory grows nor the run waits.
    """

    def __init__(self, folder: Path, source_fps: float, camera: str = '') -> None:
        """
        Start the thread; the video begins with the first picture.

        :param folder: for annotated.mp4 and annotated.png.
        :param source_fps: frames a second of the source, for the rate of the video.
        :param camera: its name, if there are several; the files are named by it.
        """
        self.frames_received = 0
        self.frames_drawn = 0
        self.frames_left_out = 0
        self._messages = 0
        self._worths = OrderedDict()   # by stamp: see worth_of
        video, picture = recorded_files(camera)
        self._video = VideoRecording(folder / video, min(source_fps, FASTEST_VIDEO_FPS))
        self._picture = folder / picture
        self._best = None   # worth, picture
        self._jobs = queue.Queue(WAITING_FRAMES)   # (picture, seconds, worth), None at the end
        self._failure = None
        self._thread = threading.Thread(target=self._work, name='recorder', daemon=True)
        self._thread.start()

    @property
    def detections_without_frame(self) -> int:
        """Return how many messages with detections came without a picture."""
        return max(self._messages - self.frames_received, 0)

    def take_detections(self, stamp: tuple[int, int], detections: Sequence[PixelDetection],
                        sticks_at_work: int) -> None:
        """
        Take the Detections of a frame; they come before its picture.

        :param stamp: (seconds, nanoseconds) of its header.
        :param sticks_at_work: as in worth_of.
        """
        self._messages += 1
        self._worths[stamp] = worth_of(detections, sticks_at_work)
        if len(self._worths) > WORTHS_KEPT:
            self._worths.popitem(last=False)

    def take_picture(self, stamp: tuple[int, int], image: npt.NDArray[np.uint8]) -> None:
        """
        Take an annotated picture.

        :param stamp: (seconds, nanoseconds) of its header.
        :param image: uint8, height x width x 3, blue-green-red.
        """
        self.frames_received += 1
        worth = self._worths.pop(stamp, worth_of((), 0))
        try:
            self._jobs.put_nowait((image, stamp[0] + stamp[1] * 1e-9, worth))
        except queue.Full:
            self.frames_left_out += 1

    def close(self) -> tuple[list[Path], list[str]]:
        """
        Finish the files.

        :return: (paths of the files written, lines about what went wrong).
        """
        complaints, is_told, written_before = [], False, None
        while self._thread.is_alive() and self._video.written != written_before:
            written_before = self._video.written
            with contextlib.suppress(queue.Full):
                if not is_told:
                    self._jobs.put(None, timeout=STOP_PATIENCE_SEC)
                    is_told = True
            self._thread.join(STOP_PATIENCE_SEC)
        hangs = self._thread.is_alive()
        if hangs:
            self._failure = self._failure or f'the encoder needs over {STOP_PATIENCE_SEC:g} s more'
        if self._failure:
            complaints.append(f'making {self._video.path.name} failed: {self._failure}; '
                              f'{self._picture.name} is written without it')
        # OpenCV crashes when a file is finished while its thread still writes to it.
        written = [self._video.path] if not hangs and self._video.close() else []
        if hangs:
            self._video.path.unlink(missing_ok=True)
        if self._best is not None:
            if cv2.imwrite(str(self._picture), self._best[1]):
                written.append(self._picture)
            else:
                complaints.append(f'writing {self._picture} failed; is the disk full?')
        if written == [self._picture] and not self._failure:
            complaints.append(f'{self._video.path.name} could not be written: OpenCV has no '
                              f'encoder for mp4v here; {self._picture.name} is all there is')
        return written, complaints

    def _work(self):
        for image, at_sec, worth in iter(self._jobs.get, None):
            try:
                self._video.add(image, at_sec)
            except (cv2.error, OSError, MemoryError) as error:
                self._failure = self._failure or str(error).strip().replace('\n', ' ')
                continue
            self.frames_drawn += 1
            if self._best is None or worth > self._best[0]:
                self._best = worth, image


def worth_of(detections: Sequence[PixelDetection],
             sticks_at_work: int) -> tuple[bool, bool, int, bool, float, int]:
    """
    Return how good a frame is as the one picture of a run; the greatest is the best.

    Frames are ordered by: boxes at all; few boxes and all wanted sticks at work; more sticks at
    work; few boxes; the mean score in percent; the number of boxes.

    :param sticks_at_work: 2: all run, and as many as wanted are active, 1: the latter, 0: neither.
    """
    count = len(detections)
    few = 0 < count <= MOST_BOXES
    mean_score = sum(found.score for found in detections) / count if count else 0.0
    return (count > 0, few and sticks_at_work > 0, sticks_at_work, few, round(mean_score, 2),
            count if few else -count)


class VideoRecording:
    """An mp4 with frames at their real times: before a late one the last is repeated."""

    def __init__(self, path: Path, fps: float) -> None:
        """Keep path and frames a second; the first frame makes the file, with its size."""
        self.path, self.fps = path, fps
        self.written = 0
        self._writer = self._size = None
        self._begun_at_sec = None
        self._last = None

    def add(self, image: npt.NDArray[np.uint8], at_sec: float) -> None:
        """
        Add a frame.

        :param image: uint8, height x width x 3; fitted if its size is not that of the first one.
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
        """Return how many frame times a stamp lies after the next free place."""
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

    def close(self) -> bool:
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
