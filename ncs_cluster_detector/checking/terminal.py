# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Print the progress of a check, and notice when ENTER is pressed."""

import select
from typing import TextIO


class Terminal:
    """The terminal of the person who runs the check."""

    def __init__(self, output: TextIO, source: TextIO | None) -> None:
        """Write lines to one text stream, and read the keyboard from another."""
        self._output, self._source = output, source
        self.can_ask = source is not None and source.isatty()

    def say(self, text: str) -> None:
        """Write a line; it is lost if nobody reads any more."""
        try:
            print(text, file=self._output, flush=True)
        except (OSError, ValueError):
            return

    def enter_pressed(self) -> bool:
        """Return whether ENTER was pressed since the last call; never wait."""
        pressed = False
        while select.select([self._source], [], [], 0)[0]:
            if not self._source.readline():
                self.can_ask = False   # the terminal is gone
                return True
            pressed = True
        return pressed
