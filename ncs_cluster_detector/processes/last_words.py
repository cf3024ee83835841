# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Keeps what a child process prints out of the node's log; its end quotes the last line."""

import multiprocessing
from multiprocessing.connection import Connection
import os
import re

# The vendor's library prints in colours at any log level (mvLog.h:117). Before a failed assertion
# aborts the process, it prints the place in its sources.
_CONTROL = re.compile(rb'\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0e-\x1f\x7f]')
_FOLDER = re.compile(r'\S*/(?=\S)')
_KEPT_BYTES = 4096
_LONGEST_QUOTE = 160


class LastWords:
    """The end of what a process has printed."""

    def __init__(self) -> None:
        """Make the pipe; ``theirs`` is the process's end, to be closed here after its start."""
        self._reader, self.theirs = multiprocessing.Pipe(duplex=False)
        os.set_blocking(self._reader.fileno(), False)
        self._text = b''
        self._is_over = False

    def waitables(self) -> list[int]:
        """Return the descriptors that become ready when there is something to take in."""
        return [] if self._is_over else [self._reader.fileno()]

    def take_in(self) -> None:
        """Read what is there, without waiting."""
        try:
            while not self._is_over:
                printed = os.read(self._reader.fileno(), _KEPT_BYTES)
                self._is_over = not printed
                self._text = (self._text + printed)[-_KEPT_BYTES:]
        except BlockingIOError:
            return   # that was all for now

    def quote(self) -> str:
        """Return the last printed line as plain text, or an empty text."""
        text = _CONTROL.sub(b'', self._text).decode(errors='replace')
        lines = [' '.join(line.split()) for line in text.splitlines() if line.strip()]
        return _FOLDER.sub('', lines[-1])[:_LONGEST_QUOTE] if lines else ''

    def close(self) -> None:
        self._reader.close()


def redirect_output(theirs: Connection) -> None:
    """Send what this process and its libraries print to the pipe; the child calls this."""
    for descriptor in (1, 2):
        os.dup2(theirs.fileno(), descriptor)
    theirs.close()
