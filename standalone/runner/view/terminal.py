# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Shows the live view: redrawn in place on a terminal, a plain line a second elsewhere."""

from collections.abc import Mapping
import os
import textwrap
from typing import TextIO

from rich.console import Console
from runner.state import RunState
from runner.view import live_view

REDRAW_SEC = 0.2
LINE_SEC = 1.0
HIDE_CURSOR, SHOW_CURSOR = '\033[?25l', '\033[?25h'
# A line must never wrap, or the next frame would begin in the wrong place.
NO_WRAP, WRAP = '\033[?7l', '\033[?7h'
ERASE_LINE, ERASE_BELOW, CLEAR = '\033[K', '\033[J', '\033[2J\033[H'


class Terminal:
    """The terminal of a run; use it as a context manager, so that the cursor comes back."""

    def __init__(self, stream: TextIO, environment: Mapping[str, str]) -> None:
        """Find out what a text stream can show; of the environment TERM and NO_COLOR count."""
        self._stream = stream
        self.closed = False   # nobody reads the output any more
        self.redraws = stream.isatty() and environment.get('TERM', 'dumb') not in ('', 'dumb')
        self._console = console_for(stream, environment)
        self._drawn = []
        self._ports = ''
        self._shown_at = None

    def __enter__(self) -> 'Terminal':
        if self.redraws:
            self._write(HIDE_CURSOR)
        return self

    def __exit__(self, *_: object) -> None:
        if self.redraws:
            self._write(WRAP + SHOW_CURSOR)

    def leave_picture(self) -> None:
        """Leave the last picture where it is: later lines come below it."""
        if self._drawn:
            self._write('\r' + ERASE_BELOW)   # the terminal may have echoed a Ctrl-C there
        self._drawn = []

    def due(self, now: float) -> bool:
        """Return whether enough time has passed since the last time to show something."""
        period = REDRAW_SEC if self.redraws else LINE_SEC
        return self._shown_at is None or now - self._shown_at >= period

    def show(self, state: RunState, facts: live_view.Facts) -> None:
        """Show the RunState and the Facts."""
        self._shown_at = facts.now
        if not self.redraws:
            ports = live_view.ports_line(state)
            if ports != self._ports:
                self._ports = ports
                self._write(ports + '\n')
            self._write(live_view.plain_line(state, facts) + '\n')
            return
        columns, rows = self._measure()
        # The first column is a space, and the last one stays free: erasing the rest of a full line
        # would take its last letter. The cursor stands in the line below.
        size = max(columns - 2, 19), max(rows - 1, 3)
        # A resize may have wrapped the old lines.
        start = CLEAR if self._drawn and size != self._console.size else self._to_top()
        self._console.size = size
        self._drawn = live_view.render(state, facts, self._console)
        self._write(start + self._picture())

    def say(self, text: str) -> None:
        """Print lines that stay above the picture, wrapped between words on a terminal."""
        if self.redraws:
            text = _wrapped(text, self._measure()[0])
        above = self._to_top() + ERASE_BELOW if self._drawn else ''
        self._write(f'{above}{text}\n{self._picture()}')

    def _measure(self):
        """Return (columns, rows), 80 x 24 if the terminal does not know them."""
        try:
            columns, rows = os.get_terminal_size(self._stream.fileno())
        except OSError:   # it is gone, as the next write will find
            columns, rows = 0, 0
        return columns or 80, rows or 24

    def _to_top(self):
        return f'\r\033[{len(self._drawn)}A' if self._drawn else ''

    def _picture(self):
        # The rest of a line is erased after its new text, so that it is never blank.
        lines = ''.join(line + ERASE_LINE + '\n' for line in self._drawn)
        return lines and NO_WRAP + lines + WRAP + ERASE_BELOW

    def _write(self, text):
        """Write in one piece, so that no half-drawn picture is ever seen."""
        if self.closed:
            return
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:   # a closed pipe or terminal: the owner asks for ``closed``
            self.closed = True
            # Else Python tries once more at its end, and complains.
            os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())


def console_for(stream: TextIO, environment: Mapping[str, str]) -> Console:
    """Return the rich Console that renders for a stream; it writes nothing to it."""
    # rich itself takes NO_COLOR for colours alone, and would still write bold and dim.
    return Console(file=stream, color_system=None if environment.get('NO_COLOR') else 'standard',
                   no_color=False, highlight=False, markup=False, emoji=False)


def _wrapped(text, columns):
    """Return lines broken between words; words without spaces, such as paths, stay whole."""
    return '\n'.join(part for line in text.split('\n') for part in textwrap.wrap(
        line, columns, break_long_words=False, break_on_hyphens=False, subsequent_indent='  ',
        replace_whitespace=False) or [''])
