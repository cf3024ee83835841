# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Logs why positions are unknown, once that has lasted."""

from dataclasses import dataclass

from ncs_cluster_detector.detector_node.positions.match import Lateness
from ncs_cluster_detector.ros.image_messages import DEPTH_TOPIC
from rclpy.impl.rcutils_logger import RcutilsLogger

NO_DEPTH = (f'no depth image came with the stamp of the image; connect the topic {DEPTH_TOPIC} to '
            'a camera whose depth has the stamps of its images')
# Trouble that lasts this long is logged.
PATIENCE_SEC = 5.0
# Trouble that is not seen for this long is over; it is logged again when it comes back.
FORGET_SEC = 10.0
# Depth that came too late explains for this long why images have none: they may be seconds apart.
LATE_MEMORY_SEC = 10.0
# The same while other images have theirs. Then missing depth without late depth is no trouble: a
# depth picture is lost now and then, and many cameras send depth at half the rate of the images.
LATE_BESIDE_SEC = 2.0


@dataclass
class Lasting:
    """When one kind of trouble was first and last seen, and whether it was logged."""

    since: float
    seen: float
    is_logged: bool = False


class Trouble:
    """Logs what is wrong once it has lasted, and when it is over."""

    def __init__(self, logger: RcutilsLogger) -> None:
        self._logger = logger
        self._kinds, self._since, self._is_logged = {}, None, False

    def note(self, text: str, kind: str, now: float) -> None:
        """
        Take what is wrong with the newest image.

        Several kinds may alternate from one image to the next: each is logged.

        :param text: the text to log; empty if nothing is wrong.
        :param kind: names the kind of trouble, as figures in the text may change.
        :param now: monotonic time in seconds.
        """
        if not kind:
            if self._is_logged:
                self._logger.info('positions are known again')
            self._kinds, self._since, self._is_logged = {}, None, False
            return
        if self._since is None:
            self._since = now
        self._kinds = {name: lasting for name, lasting in self._kinds.items()
                       if now - lasting.seen <= FORGET_SEC}
        lasting = self._kinds.setdefault(kind, Lasting(now, now))
        lasting.seen = now
        # Before the first log line all kinds count together: each message may have another kind.
        since = lasting.since if self._is_logged else self._since
        if not lasting.is_logged and now - since >= PATIENCE_SEC:
            lasting.is_logged = self._is_logged = True
            self._logger.warning(f'positions are unknown: {text}')


def why_no_depth(lateness: Lateness | None, timeout_ms: int, now: float) -> tuple[str, str]:
    """Return why an image has no depth at a monotonic time, as text and kind for Trouble."""
    return _why_late(lateness, timeout_ms, now, LATE_MEMORY_SEC) or (NO_DEPTH, NO_DEPTH)


def why_others_have_none(lateness: Lateness | None, timeout_ms: int,
                         now: float) -> tuple[str, str]:
    """Return, as why_no_depth, why other images than one with depth have none; or empty texts."""
    return _why_late(lateness, timeout_ms, now, LATE_BESIDE_SEC) or ('', '')


def _why_late(lateness, timeout_ms, now, memory_sec):
    if lateness is None or now - lateness.at > memory_sec:
        return None
    milliseconds = abs(lateness.by_sec) * 1000
    if lateness.by_sec < 0:
        return (f'the depth came {milliseconds:.0f} ms before its image, and was not kept so '
                'long; make the images come sooner, or raise depth_timeout_ms', 'early')
    return (f'the depth came {milliseconds:.0f} ms after its image, depth_timeout_ms is '
            f'{timeout_ms}; raise it, or make the depth come sooner', 'late')
