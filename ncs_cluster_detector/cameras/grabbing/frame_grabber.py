# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The thread that opens the camera, grabs and stamps its frames, and opens it again."""

from collections.abc import Callable
from enum import Enum
import threading
import time
from typing import Any

from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.grabbing.frame_handover import FrameHandover
from ncs_cluster_detector.cameras.grabbing.frame_handover import GrabbedFrame
from ncs_cluster_detector.cameras.grabbing.playback_schedule import PlaybackSchedule
from ncs_cluster_detector.cameras.grabbing.playback_schedule import RateMeter
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.transitions import check_transition

FIRST_RETRY_SEC = 0.25
# Then a stream that opens within a second delivers within two of its return, on a busy machine
# too.
LONGEST_RETRY_SEC = 0.5
# The publisher learns of a new subscriber a little before that can receive; a file waits so long,
# or its first frames would be lost.
SETTLING_SEC = 0.2


class GrabState(Enum):
    """What the grab thread is doing."""

    OPENING = 'opening'
    STREAMING = 'streaming'
    ENDED = 'ended'
    AWAY = 'away'


STARTS = {GrabState.OPENING: 'is open', GrabState.AWAY: 'is back'}


class FrameGrabber:
    """
    Keeps one camera going in a thread of its own and puts its frames into ``frames``.

    Only that thread writes these, and any thread may read them: ``state``, ``reopenings``,
    ``last_error``, ``last_frame_at`` (monotonic seconds or None), ``granted`` (a text), ``live``
    (of the source that was opened last), ``skipped`` (undecodable pictures) and ``failure`` (an
    exception that ended the thread).
    """

    def __init__(self, open_camera: Callable[[], Camera], stamp: Callable[[float], Any],
                 wanted: Callable[[], bool], loop: bool, logger: Any, name: str,
                 camera: Camera | None = None, depth_wanted: Callable[[], bool] = bool,
                 fps: float = 30.0) -> None:
        """
        Prepare; ``start`` sets it going.

        :param open_camera: opens the source, or raises CameraError.
        :param stamp: returns the ROS time for a frame, from its age in seconds.
        :param wanted: returns whether anybody subscribes; call ``wake`` when that changes.
        :param loop: whether a file or folder starts again at its end.
        :param name: the source as a person knows it, with what is asked of it.
        :param camera: the source, if it is already open.
        :param depth_wanted: returns whether anybody subscribes to the depth of a DepthCamera.
        :param fps: pictures a second of a source that is not live and has no rate of its own.
        """
        self.frames = FrameHandover()
        self.rate = RateMeter()
        self.state = GrabState.OPENING
        self.reopenings = 0
        self.last_error = ''
        self.last_frame_at = None
        self.granted = ''
        self._size = None   # that was granted: a stream may turn to portrait
        self.live = False
        self.skipped = 0
        self.failure = None
        self._open_camera = open_camera
        self._stamp = stamp
        self._wanted = wanted
        self._depth_wanted = depth_wanted
        self._loop = loop
        self._fps = fps
        self._logger = logger
        self._name = name
        self._camera = camera
        self._stopping = False
        self._changed = threading.Condition()
        self._retry_sec = FIRST_RETRY_SEC
        # A daemon: a driver that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, name='grab', daemon=True)

    def start(self) -> None:
        self._thread.start()

    def set_loop(self, loop: bool) -> None:
        """Choose whether a file or folder starts again at its end."""
        self._loop = loop
        self.wake()

    def wake(self) -> None:
        """Look again whether anybody subscribes, and whether to go on."""
        with self._changed:
            self._changed.notify_all()

    def stop(self, timeout_sec: float) -> bool:
        """Stop the thread; return False if the camera's driver did not return in time."""
        self._stopping = True
        self.wake()
        self.frames.close()
        self._thread.join(timeout_sec)
        return not self._thread.is_alive()

    def _run(self):
        try:
            while not self._stopping:
                try:
                    self._stream()
                except CameraError as error:
                    self._went_away(error)
                finally:
                    self._close()
                if not self._stopping:
                    self._wait(lambda: False, self._retry_sec)
                    self._retry_sec = min(2 * self._retry_sec, LONGEST_RETRY_SEC)
        except Exception as error:
            self.failure = error   # the node reports it and ends

    def _stream(self):
        if self._camera is None:
            self._camera = self._open_camera()
        self.live = self._camera.live
        if not self.live:   # a live source first has to deliver
            self._streaming()
        pace = PlaybackSchedule()
        opened_at = time.monotonic()
        skipped_before = self.skipped
        while self._ready_for_next(pace):
            grabbed = self._camera.grab()
            self.skipped = skipped_before + self._camera.skipped
            if not grabbed:
                self._at_end(pace)
                continue
            captured = self._stamp(self._camera.age_sec()) if self.live else None
            if not self.live:
                self._wait(lambda: False, pace.until_next(
                    self._camera.time_sec(), 1.0 / (self._camera.fps or self._fps),
                    time.monotonic()))
            now = time.monotonic()
            self.last_frame_at = now
            self.rate.count(now)
            self._streaming()
            if now - opened_at > LONGEST_RETRY_SEC:
                self._retry_sec = FIRST_RETRY_SEC   # it is back for more than a moment
            if self._wanted() and not self._stopping:
                image = self._camera.retrieve()
                self.skipped = skipped_before + self._camera.skipped
                if image is None:
                    continue
                depth = self._camera.retrieve_depth() if self._depth_wanted() else None
                # A frame that was not captured here gets its time when it is complete.
                stamp = captured if self.live else self._stamp(0.0)
                offer = self.frames.put_latest if self.live else self.frames.put_waiting
                offer(GrabbedFrame(image, stamp, self._camera.calibration, depth))
                pace.handed_over(time.monotonic())

    def _ready_for_next(self, pace):
        """Wait until the next frame is wanted; return False when the thread is to stop."""
        if not self.live and not self._wanted():
            self._wait(self._wanted)
            self._wait(lambda: False, SETTLING_SEC)
            pace.restart()
        return not self._stopping

    def _at_end(self, pace):
        if not self._loop:
            self._change_state(
                GrabState.ENDED, GrabState.OPENING, GrabState.STREAMING, GrabState.AWAY)
            self._logger.info(f'{self._name} has ended and loop is false: nothing more is '
                              'published until loop is set to true')
            self._wait(lambda: self._loop)
            if self._stopping:
                return
            pace.restart()
            self._change_state(GrabState.STREAMING, GrabState.ENDED)
            self._logger.info(f'{self._name} starts again')
        else:
            pace.rewind()
        self._camera.rewind()

    def _streaming(self):
        camera = self._camera
        size = camera.width, camera.height
        if self.state is GrabState.STREAMING and size == self._size:
            return
        self._size = size
        shown_size = f'{size[0]}x{size[1]}' if all(size) else ''
        self.granted = ' at '.join(filter(None, (
            ' '.join(filter(None, (shown_size, camera.pixel_format))),
            f'{camera.fps:.4g} fps' if camera.fps else ''))) or 'unknown size and rate'
        before = self.state
        self._change_state(
            GrabState.STREAMING, GrabState.OPENING, GrabState.STREAMING, GrabState.AWAY)
        self.reopenings += before is GrabState.AWAY
        self._logger.info(f'{self._name} {STARTS.get(before, "now delivers")}: {self.granted}')

    def _went_away(self, error):
        self.last_error = shown(error)
        if self.state is not GrabState.AWAY:
            self._change_state(GrabState.AWAY, GrabState.OPENING, GrabState.STREAMING)
            self._logger.error(f'{self.last_error}; trying again until it is back')

    def _change_state(self, new, *predecessors):
        check_transition(self._name, self.state, new, predecessors)
        self.state = new

    def _close(self):
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()

    def _wait(self, condition, timeout_sec=None):
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or condition(), timeout_sec)
