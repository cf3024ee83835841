# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Text in colours for a terminal: segments, pairs of a text and its colour, made into lines."""

from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

PLAIN, DIM, BOLD, GREEN, AMBER, RED, CYAN = '', '2', '1', '32', '33', '31', '36'
INDENT = '   '


class Style(NamedTuple):
    """What the terminal can show."""

    colour: bool = True
    unicode: bool = True


def width_of(segments):
    """Return how many cells the segments take."""
    return sum(len(text) for text, _ in segments)


def wrapped(segments, columns):
    """
    Return the segments as lines of segments that are no wider than so many columns.

    A line ends between two words, rather where there are several spaces; only a word that is
    longer than a line is broken. Those after the first are indented.

    :param columns: more than the indent.
    """
    text = ''.join(printable(text) for text, _ in segments).rstrip()
    colours = [colour for text, colour in segments for _ in text]
    letters = list(zip(text, colours))
    lines = []
    while len(letters) > columns:
        at = _end_of_line(''.join(map(itemgetter(0), letters[:columns + 1])))
        lines.append(letters[:at])
        while letters[at][0] == ' ':
            at += 1
        letters = [(space, PLAIN) for space in INDENT] + letters[at:]
    lines.append(letters)
    return [[(''.join(map(itemgetter(0), group)), colour)
             for colour, group in groupby(line, itemgetter(1))] for line in lines]


def _end_of_line(text):
    """Return where to end a line that may have all letters of a text but the last."""
    # A gap in the first half would leave too short a line.
    for space, least in (('  ', len(text) // 2), (' ', 0)):
        at = len(text[:max(text.rfind(space), 0)].rstrip())
        if at > least:
            return at
    return len(text) - 1


def fitted(segments, columns, style):
    """Return segments as the text of one line, cut at the width."""
    parts, room = [], columns
    for text, colour in segments:
        text = printable(text)[:room]
        room -= len(text)
        if not style.unicode:
            text = text.replace('°C', ' C').replace('…', '.').encode('ascii', 'replace').decode()
        parts.append(f'\033[{colour}m{text}\033[0m' if colour and style.colour and text else text)
    return ''.join(parts).rstrip()


def printable(text):
    """Return a text without anything that a terminal would take for a command."""
    return ''.join(letter if letter.isprintable() else '?' for letter in text)
