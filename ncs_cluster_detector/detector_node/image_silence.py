# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Logs when images stop coming or get lost on the way, and when they come again."""

from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.detector_node.intake import NO_IMAGE_WARN_SEC
from ncs_cluster_detector.detector_node.intake import why_few_images
from ncs_cluster_detector.detector_node.intake import why_no_image
from rclpy.impl.rcutils_logger import RcutilsLogger

# The first silences are logged at once. Images that come seconds apart would fill the log, so
# after that only a long silence is logged, until images have come steadily for as long.
MOST_PROMPT = 3
LONG_SEC = 60.0


class ImageSilence:
    """Logs when images stop, get lost or come; :meth:`note` is for about once a second."""

    def __init__(self, logger: RcutilsLogger, topic: str) -> None:
        """Start before the first image; ``topic`` is the full name of the images' topic."""
        self._logger = logger
        self._topic = topic
        self._images = 0
        self._silent_sec = 0.0
        self._is_logged = False
        self._times_logged = 0
        self._steady_since = None
        self._is_lossy = False

    def note(self, images: int, silent_sec: float, intake: Intake, now: float) -> None:
        """
        Log what has changed.

        :param images: number of usable images so far.
        :param silent_sec: seconds since the last one, or since the start.
        :param now: monotonic time in seconds.
        """
        if images > self._images and (self._is_logged or not self._images):
            again = 'again ' if self._images else ''
            after = f', after {self._silent_sec:.0f} s without' if self._is_logged else ''
            self._logger.info(f'images come {again}on {self._topic}{after}')
            self._is_logged = False
        if intake.loss and not self._is_lossy:
            self._is_lossy = True
            self._logger.warning(why_few_images(intake))
        elif self._is_lossy and not intake.loss and images > self._images:
            self._is_lossy = False
            self._logger.info(f'images of {self._topic} are no longer lost on the way')
        self._images, self._silent_sec = images, silent_sec
        silent = silent_sec > NO_IMAGE_WARN_SEC
        if silent or self._steady_since is None:
            self._steady_since = now
        elif now - self._steady_since >= LONG_SEC:
            self._times_logged = 0
        patience_sec = NO_IMAGE_WARN_SEC if self._times_logged < MOST_PROMPT else LONG_SEC
        if silent_sec > patience_sec and not self._is_logged:
            self._is_logged = True
            self._times_logged += 1
            self._logger.warning(why_no_image(silent_sec, intake))
