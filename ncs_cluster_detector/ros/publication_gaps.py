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
from typing import Any


class PublicationGaps:
    """
    Finds gaps in the numbers that a publisher gives its messages.

    ``missing`` counts the messages in them: such as those that newer ones replaced before they
    were taken. It is counted only while there is exactly one publisher, from its first message
    that is taken: a message does not say which publisher it is from.
    """

    def __init__(self) -> None:
        self.missing = 0
        self._publishers = 0
        self._last: int | None = None

    def note_match(self, publishers: int) -> None:
        """Begin anew, because a publisher has come or gone: now there are so many."""
        self._publishers = publishers
        self._last = None

    def note(self, info: Mapping[str, Any]) -> None:
        """Take rclpy's message info of a message that was taken."""
        number = info['publication_sequence_number']   # None if the middleware gives none
        if number is None or self._publishers != 1:
            return
        if self._last is not None and number > self._last:
            self.missing += number - self._last - 1
        self._last = number
