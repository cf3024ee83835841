# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Whether a stick is plugged in, and whether a person unplugged it."""

# A stick that is missing for longer than a reset and a boot take (1.5 s each, and the time until
# the next look) was unplugged.
AWAY_SEC = 5.0


class Presence:
    """
    Follows one stick through the lists of connected sticks; it is in the first of them.

    A stick that loses power drops off the bus while it, or another one at its hub, starts or
    works, and is back soon. So a person unplugged it if it is away for longer, or left while it
    rested and no stick was started.
    """

    def __init__(self) -> None:
        self._missing_since: float | None = None
        self._was_calm = False   # when it left

    @property
    def is_there(self) -> bool:
        """Tell whether it is in the latest list."""
        return self._missing_since is None

    def is_away(self, now: float) -> bool:
        """Tell whether it is missing for longer than a reset and a boot take."""
        return self._missing_since is not None and now - self._missing_since >= AWAY_SEC

    def update(self, is_there: bool, now: float, is_calm: bool) -> bool:
        """
        Take in a list.

        :param is_there: whether the stick is in it.
        :param is_calm: whether the stick rests, and none was started since the list before.
        :return: whether the stick is back after a person had unplugged it.
        """
        was_pulled = self._was_calm or self.is_away(now)
        if is_there:
            is_back = not self.is_there and was_pulled
            self._missing_since = None
            return is_back
        if self.is_there:
            self._missing_since = now
            self._was_calm = is_calm
        return False
