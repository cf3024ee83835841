# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tells the heads of YOLO apart by how many boxes they give for the size of an input."""

from collections.abc import Sequence
import enum

# Pixels from cell to cell, of one grid after another: the usual heads, those with a fourth grid
# for large (P6) or small (P2) objects, and those of two grids (tiny). Source: the heads in the
# models' configuration files (yolov5s, yolov5s6, yolov8-p2, yolov3-tiny).
_STRIDES = ((8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32), (16, 32))
_ANCHORS = 3   # boxes a cell of the heads with anchors: YOLOv3, v5 and v7
_BOX = 4
# Boxes of RT-DETR, whatever the input: centre, size and a score for each class, no objectness.
# Source: num_queries of its configuration.
_QUERIES = 300


class Head(enum.Enum):
    """What the values of an output stand for."""

    OBJECTNESS = enum.auto()   # N boxes x (box, objectness, classes), three a cell
    CLASSES = enum.auto()      # (box, classes) x N boxes, one a cell
    END_TO_END = enum.auto()   # N boxes x (box, score, class), suppression is done


def head_of(shape: Sequence[int | None], input_size: tuple[int, int]) -> Head | None:
    """
    Return what an output of these dimensions is, or None.

    What matches the number of cells that the input's size gives is decided by it. Other networks
    are decided by the longer side, which is that of the boxes, except that rows of six are
    boxes, score and class. A side that is not fixed is that of the boxes: rows of six then, as
    heads have a fixed number of them for a fixed input. Refused are one box a cell in rows
    (YOLOv6 and YOLOX, of which the latter still want decoding), three in columns, and the rows of
    RT-DETR.

    :param shape: 1 x a x b; None is a side that is not fixed.
    :param input_size: (width, height) of the input in pixels.
    """
    if len(shape) != 3 or shape[0] not in (1, None):
        return None
    _, rows, columns = shape
    one, three = _cells(input_size, 1), _cells(input_size, _ANCHORS)
    if rows is None or columns is None:
        return _unfixed(rows, columns)
    by_rows = rows in three and columns >= _BOX + 2
    by_columns = columns in one and rows > _BOX
    if by_rows != by_columns:
        return Head.OBJECTNESS if by_rows else Head.CLASSES
    if not by_rows and (rows in one and rows > columns or columns in three and columns > rows):
        return None
    if columns == _BOX + 2 and not by_rows:
        return Head.END_TO_END
    if rows == _QUERIES:
        return None
    if rows > columns:
        return Head.OBJECTNESS if columns >= _BOX + 2 else None
    return Head.CLASSES if columns > rows > _BOX else None


def _unfixed(rows: int | None, columns: int | None) -> Head | None:
    if rows is None and columns is not None and columns >= _BOX + 2:
        return Head.END_TO_END if columns == _BOX + 2 else Head.OBJECTNESS
    return Head.CLASSES if columns is None and rows is not None and rows > _BOX else None


def _cells(input_size: tuple[int, int], anchors: int) -> set[int]:
    """Return how many boxes the heads give for an input."""
    width, height = input_size
    return {sum(anchors * -(-width // stride) * -(-height // stride) for stride in strides)
            for strides in _STRIDES}
