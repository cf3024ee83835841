# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Counts messages that were published and never taken."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any


class PublicationGaps:
    """
    Finds gaps in the numbers that a publisher gives its messages.

    ``missing`` counts the messages in them: such as those that newer ones replaced before they
    were taken, or what came while nobody was subscribed. It is counted only while there is exactly
    one publisher, from its first message that is taken: a message does not say which publisher it
    is from.
    """

    def __init__(self) -> None:
        self.missing = 0
        self._publishers = 0
        self._only: Sequence[int] | None = None   # the identifier of the only publisher
        self._last: int | None = None

    def note_match(self, publishers: int, only: Sequence[int] | None = None) -> None:
        """
        Begin anew if a publisher has come or gone, but not if the same one is back alone.

        :param publishers: how many there are now.
        :param only: the identifier (GID) of the only one, if it is known.
        """
        self._publishers = publishers
        if publishers and (publishers > 1 or only is None or only != self._only):
            self._only, self._last = only, None

    def note(self, info: Mapping[str, Any]) -> None:
        """Take rclpy's message info of a message that was taken."""
        number = info['publication_sequence_number']   # None if the middleware gives none
        if number is None or self._publishers != 1:
            return
        if self._last is not None and number > self._last:
            self.missing += number - self._last - 1
        self._last = number
