# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Draws the strip at the lower edge of a picture: a mark for each stick, and the rates."""

from functools import lru_cache
from typing import NamedTuple

import cv2
from ncs_cluster_detector.drawing import colours
from ncs_cluster_detector.drawing.text import font_of
from ncs_cluster_detector.drawing.text import text_height
import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL import ImageChops
from PIL import ImageDraw

OPACITY = 0.78
# The strip covers at most this part of the picture; with more sticks it gets shorter marks.
MOST_OF_PICTURE = 0.4


class StickMark(NamedTuple):
    """
    The figures that are shown of a stick.

    ``celsius`` is None if it is not known, ``duty`` the part of the last minute that it worked, 0
    to 1; ``works`` is False for a stick that is not running.
    """

    number: int
    celsius: float | None
    active: bool
    hot: bool
    works: bool
    duty: float


class StripContent(NamedTuple):
    """The content of the strip: StickMarks, and frames a second in and out."""

    marks: tuple[StickMark, ...]
    playback_fps: float
    detection_fps: float


class Strip(NamedTuple):
    """
    A strip that is ready to be laid on the lower edge of pictures of one width.

    Both are uint8 arrays, rows x width x 3: the picture is multiplied by ``through`` / 255, then
    ``colour`` is added. They have no rows if there is no room for a strip.
    """

    colour: npt.NDArray[np.uint8]
    through: npt.NDArray[np.uint8]


def strip_for(content: StripContent, width: int, height: int) -> Strip:
    """Return the Strip that shows a StripContent on pictures of this size."""
    return _made(content._replace(
        # Rounded as it is shown, so that one strip serves for many pictures.
        marks=tuple(mark._replace(
            celsius=None if mark.celsius is None else round(mark.celsius),
            duty=round(mark.duty, 1)) for mark in content.marks),
        playback_fps=round(content.playback_fps, 1),
        detection_fps=round(content.detection_fps, 1)), width, height)


def lay_on(image: npt.NDArray[np.uint8], strip: Strip) -> None:
    """Lay a Strip on a picture: uint8 array, height x width x 3; drawn on."""
    rows = len(strip.colour)
    if rows:
        part = image[-rows:]
        cv2.multiply(part, strip.through, part, 1 / 255)
        cv2.add(part, strip.colour, part)


@lru_cache(maxsize=4)
def _made(content, width, height):
    size = text_height(width, height)
    # Short marks, or only the rates, before the strip hides too much of the picture.
    for shown, with_text in (
            (content, True), (content, False), (content._replace(marks=()), False)):
        layout = _Layout(shown, width, size, with_text)
        fits = layout.rows * layout.row_height <= MOST_OF_PICTURE * height
        if fits and (shown.marks or layout.rates):
            return _drawn(layout, shown, width)
    nothing = np.zeros((0, width, 3), np.uint8)
    return Strip(nothing, nothing)


class _Layout:
    """Where the parts of the strip are; lengths are pixels. The rates end the last row."""

    def __init__(self, content, width, size, with_text):
        """Lay out the marks, with their temperatures or without, and the rates."""
        self.font = font_of(size)
        self.small_font = font_of(max(round(0.85 * size), 9))
        self.with_text = with_text
        self.pad = max(size // 3, 2)
        self.badge = size + max(size // 4, 2)
        self.bar = max(size // 6, 2)
        self.row_height = self.pad + self.badge + self.bar // 2 + self.bar + self.pad
        # As wide as the widest usual text, so that a mark keeps its place.
        self.mark_width = self.badge + (
            self.pad + round(self.font.getlength('88°C!')) if with_text else 0)
        self.step = self.mark_width + 2 * self.pad
        self.columns = max((width - 2 * self.pad) // self.step, 1)
        self.rates = self._rates_that_fit(content, width)
        rates_width = round(self.font.getlength(self.rates))
        rows_of_marks = -(-len(content.marks) // self.columns)
        last_row = len(content.marks) - max(rows_of_marks - 1, 0) * self.columns
        beside = last_row * self.step + rates_width + 4 * self.pad <= width
        self.rows = max(rows_of_marks, 1) if beside else rows_of_marks + 1
        self.rates_left = width - 2 * self.pad - rates_width if beside else 2 * self.pad

    def _rates_that_fit(self, content, width):
        rates = f'{content.playback_fps:.1f}', f'{content.detection_fps:.1f}'
        for text in ('Playback {}   Detection {} FPS', 'In {}  Out {} FPS', '{} / {}'):
            if self.font.getlength(text.format(*rates)) + 4 * self.pad <= width:
                return text.format(*rates)
        return ''

    def place_of(self, index):
        """Return the upper left corner of a mark."""
        row, column = divmod(index, self.columns)
        return 2 * self.pad + column * self.step, row * self.row_height + self.pad


def _drawn(layout, content, width):
    strip = Image.new('RGB', (width, layout.rows * layout.row_height), colours.DARK)
    draw = ImageDraw.Draw(strip)
    for index, mark in enumerate(content.marks):
        _draw_mark(draw, layout, mark, *layout.place_of(index))
    middle = (layout.rows - 1) * layout.row_height + layout.pad + layout.badge // 2
    draw.text((layout.rates_left, middle), layout.rates, colours.PALE, layout.font, anchor='lm')
    # Only the background is transparent.
    drawn = ImageChops.difference(strip, Image.new('RGB', strip.size, colours.DARK)).convert('L')
    opacity = np.asarray(drawn.point([round(255 * OPACITY)] + 255 * [255]))
    opacity = cv2.merge([opacity] * 3)
    return Strip(cv2.multiply(np.asarray(strip), opacity, scale=1 / 255), 255 - opacity)


def _draw_mark(draw, layout, mark, left, top):
    """Draw number, temperature and duty: filled while active, crossed out if it does not run."""
    badge = layout.badge
    colour = (colours.FAILED if not mark.works else colours.HOT if mark.hot
              else colours.ACTIVE if mark.active else colours.RESTING)
    filled = mark.active and mark.works
    draw.rounded_rectangle(
        (left, top, left + badge - 1, top + badge - 1), radius=badge // 5,
        fill=colour if filled else None, outline=colour, width=max(badge // 12, 1))
    if not mark.works:
        draw.line((left, top + badge - 1, left + badge - 1, top), colour, max(badge // 12, 1))
    draw.text((left + badge / 2, top + badge / 2), str(mark.number),
              colours.DARK if filled else colour, layout.small_font, anchor='mm',
              stroke_width=0 if mark.works else max(badge // 8, 1), stroke_fill=colours.DARK)
    if layout.with_text:
        draw.text((left + badge + layout.pad, top + badge / 2), _text_of(mark),
                  colours.PALE if filled and not mark.hot else colour, layout.font, anchor='lm')
    top_of_bar = top + badge + layout.bar // 2
    right = left + layout.mark_width - 1
    draw.rectangle((left, top_of_bar, right, top_of_bar + layout.bar - 1), colours.GROOVE)
    if worked := round(mark.duty * layout.mark_width):
        draw.rectangle((left, top_of_bar, left + worked - 1, top_of_bar + layout.bar - 1), colour)


def _text_of(mark):
    if not mark.works:
        return 'off'
    if mark.celsius is None:
        return '?'
    return f'{mark.celsius:.0f}°C' + ('!' if mark.hot else '')
