# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stream at a URL (HTTP MJPEG, RTSP and whatever else FFmpeg reads), through OpenCV."""

import os
import time

import cv2
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.camera import check_path
from ncs_cluster_detector.cameras.camera import silence_opencv
from ncs_cluster_detector.cameras.http_answer import ask
from ncs_cluster_detector.cameras.opencv.capture import CaptureCamera
from ncs_cluster_detector.cameras.opencv.capture import leave_as_jpeg
from ncs_cluster_detector.cameras.video import BELIEVABLE_FPS
from ncs_cluster_detector.shown_text import shown_url

# A stream that is silent for so long counts as gone.
STREAM_TIMEOUT_MS = 5000
# Options for FFmpeg, which OpenCV reads from the environment; variables that are set already stay.
# They are key;value pairs of libavformat: TCP for RTSP if the server can (OpenCV's own default,
# which ours replace). No frames are collected to guess a rate, for which an H.264 stream over RTSP
# took 1.1 s to open and came with 27 old frames (0.2 s and 4 with these; without the parameters
# that the decoder needs it goes on looking anyway). A picture that the end of the stream has cut
# in two is dropped, not delivered with a grey half. Not 'fflags nobuffer': it throws the first key
# frame away, and the picture comes with the next, seconds later.
FFMPEG_ENVIRONMENT = {
    'OPENCV_FFMPEG_CAPTURE_OPTIONS':
        'rtsp_flags;prefer_tcp|fpsprobesize;0|analyzeduration;100000|fflags;discardcorrupt',
    # Every further thread of a video decoder delays the picture by one frame.
    'OPENCV_FFMPEG_THREADS': '1',
}
# A picture that came after a shorter wait lay in a buffer; at 100 frames a second the next one is
# 10 ms away.
WAIT_SEC = 0.004
# A stream that never makes the decoder wait counts as up to date after this.
CATCH_UP_SEC = 0.5
# An address may have just a single picture of these formats.
PICTURE_FORMATS = ('MJPG', 'JPEG', 'MPNG', 'PNG', 'WEBP', 'BMP', 'GIF', 'TIFF')
# FFmpeg's rate for a sequence of JPEG pictures without one (its option "framerate").
GUESSED_FPS = 25.0


class StreamCamera(CaptureCamera):
    """A stream, which delivers at its own pace and size; no size or rate can be asked for."""

    def __init__(self, url: str) -> None:
        """
        Open the stream.

        :raises CameraError: it cannot be opened now.
        """
        shown = shown_url(url)
        check_path(url)
        silence_opencv()
        for name, value in FFMPEG_ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, STREAM_TIMEOUT_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC, STREAM_TIMEOUT_MS])
        if not capture.isOpened():
            raise CameraError(f'opening the stream {shown} failed: no answer, or none that is a '
                              f'video{_answered(url)}; check the address and the server')
        super().__init__(shown, capture)
        self.fps = believed_fps(capture.get(cv2.CAP_PROP_FPS), self.pixel_format)
        self._url = url
        self._pictures = 0   # grabbed so far
        self._up_to_date = False
        self._as_jpeg = leave_as_jpeg(capture)

    def grab(self) -> bool:
        """
        Wait for the next picture; those that came while the stream was opened are dropped.

        :raises CameraError: no picture comes any more, or the first was the only one.
        """
        if self._up_to_date:
            return self._grab()
        until = time.monotonic() + CATCH_UP_SEC
        while self._grab_and_tell_wait() < WAIT_SEC and time.monotonic() < until:
            continue
        if self._pictures == 1 and self.pixel_format in PICTURE_FORMATS:
            self._grab()   # a stream goes on, a snapshot does not
        self._up_to_date = True
        return True

    def _grab(self):
        try:
            super().grab()
        except CameraError:
            if self._pictures == 1 and is_snapshot(self._url):
                raise CameraError(
                    f'a snapshot is no stream: {self._shown} gives one picture an answer; use the '
                    "camera's stream address (MJPEG or RTSP)") from None
            raise
        self._pictures += 1
        return True

    def _grab_and_tell_wait(self):
        # With one thread the decoder works in this one; the rest of the time is waiting.
        start, start_cpu = time.monotonic(), time.thread_time()
        self._grab()
        return time.monotonic() - start - (time.thread_time() - start_cpu)


def is_snapshot(url: str) -> bool:
    """Return whether an address that gave one picture and ended has no more than that."""
    # FFmpeg waited as long for the same picture; some cameras take seconds to make one.
    answer = ask(url, STREAM_TIMEOUT_MS / 1000)
    return answer is not None and not answer.is_stream and not answer.is_refusal


def _answered(url):
    """Return what a web server answers instead of a video, as a part of an error."""
    answer = ask(url)
    return f' (it answers {answer})' if answer is not None and str(answer) else ''


def believed_fps(told: float, picture_format: str) -> float:
    """Return the rate that FFmpeg reports of a stream, in frames a second, or 0 if it guesses."""
    low, high = BELIEVABLE_FPS
    guessed = told == GUESSED_FPS and picture_format == 'MJPG'
    return told if low <= told <= high and not guessed else 0.0
