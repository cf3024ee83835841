# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Text on pictures: a font that is the same on every machine, in a legible size."""

from functools import lru_cache

import numpy as np
import numpy.typing as npt
from PIL import Image
from PIL import ImageDraw
from PIL import ImageFont

# Pixels. Smaller text of this font is illegible on a picture.
SMALLEST = 11
# Label texts repeat: a label, its percents, its distances. One takes 24 KB at 1920x1080.
TILES_KEPT = 256


def text_height(width: int, height: int) -> int:
    """Return the size of text, in pixels, that is legible in a picture of this size."""
    # A line of an upright picture has no more room than that of a wide one.
    return max(SMALLEST, round(5.5 + 0.0185 * min(height, 0.75 * width)))


@lru_cache(maxsize=16)
def font_of(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own scalable font, which needs no file, with a size in pixels."""
    return ImageFont.load_default(size)


def drawable(text: str) -> str:
    """Return a text with a question mark for each letter that the font does not have."""
    return ''.join(letter if ' ' <= letter <= '~' or letter == '°' else '?' for letter in text)


@lru_cache(maxsize=TILES_KEPT)
def text_tile(text: str, size: int, colour: tuple[int, int, int],
              background: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    """
    Return a text on a plain background.

    :param size: in pixels, as of :func:`text_height`.
    :param colour: of the text, blue-green-red, as ``background`` is.
    :return: uint8 array, height x width x 3; of the same height for all texts of a size. Shared,
        so not to be written to.
    """
    font = font_of(size)
    text = drawable(text)
    ascent, descent = font.getmetrics()
    pad = max(size // 4, 2)
    tile = Image.new(
        'RGB', (round(font.getlength(text)) + 2 * pad, ascent + descent + pad // 2), background)
    ImageDraw.Draw(tile).text((pad, pad // 4), text, fill=colour, font=font)
    pixels = np.asarray(tile)   # the order of the colours is that of what Pillow was given
    pixels.setflags(write=False)
    return pixels
