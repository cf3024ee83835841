# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What keeps positions from being known, in words, and when it is told."""

from dataclasses import dataclass

from ncs_cluster_detector.camera_node.outputs import DEPTH_TOPIC

NO_DEPTH = (f'no depth image came with the stamp of the image; connect the topic {DEPTH_TOPIC} to '
            'a camera whose depth has the stamps of its images')
# What lasts so long is told.
PATIENCE_SEC = 5.0
# What is not seen for so long is over, and told anew when it comes back.
FORGET_SEC = 10.0
# For so long depth that came too late explains why an image has none: images may be seconds apart.
LATE_MEMORY_SEC = 10.0
# While others have theirs it may be over sooner; and what no late depth explains is no trouble: a
# depth picture is lost now and then, and many cameras send depth at half the rate of the images.
LATE_BESIDE_SEC = 2.0


@dataclass
class Lasting:
    """Since when something is wrong, when it was last seen, and whether it was told."""

    since: float
    seen: float
    told: bool = False


class Trouble:
    """Tells what is wrong once it has lasted, and that it is over."""

    def __init__(self, logger):
        """Start without trouble."""
        self._logger = logger
        self._kinds, self._since, self._told = {}, None, False

    def note(self, text, kind, now):
        """
        Take what is wrong now at a monotonic time in seconds.

        Several kinds may take turns, from one image to the next: each is told.

        :param text: what is told; empty for nothing.
        :param kind: the same for the same trouble, where figures in the text change.
        """
        if not kind:
            if self._told:
                self._logger.info('positions are known again')
            self._kinds, self._since, self._told = {}, None, False
            return
        if self._since is None:
            self._since = now
        self._kinds = {name: lasting for name, lasting in self._kinds.items()
                       if now - lasting.seen <= FORGET_SEC}
        lasting = self._kinds.setdefault(kind, Lasting(now, now))
        lasting.seen = now
        # What is wrong in another way with every message is told as well, with the first words.
        since = lasting.since if self._told else self._since
        if not lasting.told and now - since >= PATIENCE_SEC:
            lasting.told = self._told = True
            self._logger.warning(f'positions are unknown: {text}')


def why_no_depth(lateness, timeout_ms, now):
    """
    Return why an image has no depth, as text and kind for Trouble.

    :param lateness: the newest Lateness, or None.
    :param timeout_ms: how long an image waits for its depth.
    :param now: monotonic time in seconds.
    """
    return _why_late(lateness, timeout_ms, now, LATE_MEMORY_SEC) or (NO_DEPTH, NO_DEPTH)


def why_others_have_none(lateness, timeout_ms, now):
    """Return, as why_no_depth does, why images beside one with depth have none; or empty texts."""
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
