# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The distance of a detected object, and its own pixels, from a depth picture."""

from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

METRES_PER_UINT16 = 0.001
# The range of a depth camera; values beyond are noise of a float picture.
KNOWN_METRES = (0.001, 1000.0)
# Samples of a box in each direction; they show as much as all of its pixels.
SAMPLES = 64
# Depths are sorted into steps of 2 %, finer than a stereo camera measures at a few metres.
STEP = np.log(1.02)
# A front lies within 5 % on either side of some depth.
FRONT_STEPS = 2
# A nearer surface with less than this share of the known depths only stands in front of the
# object.
LEAST_SHARE = 0.25
# If less than this share of the box is known, weighted towards its middle, only its middle third
# can show the object, and only if this share of that is known: all around may be the wall behind.
LEAST_KNOWN, LEAST_KNOWN_IN_MIDDLE = 0.32, 0.1
# The object ends where this number of steps in a row holds next to nothing ...
GAP_STEPS = 2
NEXT_TO_NOTHING = 0.002
# ... or so far from its front at the latest.
REACH_METRES, REACH_SHARE = 0.3, 0.2
# Relative; a float32 has an accuracy of 6e-8.
ROUNDING = 1e-6


class ObjectDepth(NamedTuple):
    """An object's distance and its nearest and farthest part along the optical axis, in m."""

    distance: float
    nearest: float
    farthest: float


def object_depth(depth: npt.NDArray[Any]) -> ObjectDepth | None:
    """
    Return the ObjectDepth of what a box shows, or None if it is not known.

    A box holds the object in its middle, background at its edges, sometimes something in front,
    and pixels without depth. So pixels near the middle count more (a Hann window), and the nearest
    depth that is frequent enough is the object's.

    :param depth: the box cut out of a depth picture, height x width: uint16 in millimetres or
        float32 in metres; 0, negative, infinite and NaN mean unknown.
    """
    sampled = depth[_every(depth.shape[0]), _every(depth.shape[1])]
    with np.errstate(invalid='ignore'):   # a NaN may be a signalling one
        metres = in_metres(sampled).astype(float)
    weights = np.outer(*(np.hanning(size + 2)[1:-1] for size in metres.shape))
    known = _usable(is_known(metres), weights)
    if known is None:
        return None
    metres, weights = metres[known], weights[known]
    steps = np.floor(np.log(metres) / STEP).astype(int)
    first = steps.min() - FRONT_STEPS
    steps -= first
    counts = np.bincount(steps, weights, minlength=steps.max() + FRONT_STEPS + 1)
    front = _front(counts)
    if front is None:   # no front, as of a floor: take the middle
        distance = _median(metres, weights)
        return ObjectDepth(distance, *_reach(distance))
    low, high = _extent(counts, front)
    peak = low + np.argmax(counts[low:min(high, front + 2 * FRONT_STEPS) + 1])
    nearest, farthest = _reach(np.exp((peak + first + 0.5) * STEP))
    # Rounding must not put a flat surface outside of its own step.
    nearest = max(nearest, np.exp((low + first) * STEP) * (1 - ROUNDING))
    farthest = min(farthest, np.exp((high + first + 1) * STEP) * (1 + ROUNDING))
    own = (metres >= nearest) & (metres <= farthest)
    return ObjectDepth(_median(metres[own], weights[own]), float(nearest), float(farthest))


def cut_out(image: npt.NDArray[np.uint8], depth: npt.NDArray[Any] | None,
            objects: Iterable[tuple[Any, ObjectDepth]]) -> npt.NDArray[np.uint8]:
    """
    Return the objects on black: the pixels in an object's box and at its depth.

    Pixels of unknown depth stay black.

    :param image: uint8, height x width x 3.
    :param depth: as for object_depth, in any size, with the same view as the image; or None if
        there are no objects.
    :param objects: iterable of ``(box, ObjectDepth)``, the box being a Detection.
    :return: uint8, of the image's shape.
    """
    height, width = image.shape[:2]
    cut = np.zeros_like(image)
    if depth is not None and depth.shape != (height, width):
        depth = depth[np.ix_(_nearest(height, depth.shape[0]), _nearest(width, depth.shape[1]))]
    for box, found in objects:
        part = box_slices(box, height, width)
        metres = in_metres(depth[part])
        own = is_known(metres) & (metres >= found.nearest) & (metres <= found.farthest)
        np.copyto(cut[part], image[part], where=own[:, :, np.newaxis])
    return cut


def box_slices(box: Any, height: int, width: int) -> tuple[slice, slice]:
    """
    Return the rows and columns of a picture that a box covers, at least one of each.

    :param box: a Detection, whose edges are fractions of the picture.
    """
    top, bottom = _edges(box.y_min, box.y_max, height)
    left, right = _edges(box.x_min, box.x_max, width)
    return slice(top, bottom), slice(left, right)


def in_metres(depth: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return a depth picture in metres: a uint16 one holds millimetres."""
    if depth.dtype == np.uint16:
        return depth * np.float32(METRES_PER_UINT16)
    return depth


def is_known(metres: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Return a mask of the known values in a depth picture in metres."""
    low, high = KNOWN_METRES
    return (metres >= low) & (metres <= high)   # false for NaN


def _usable(known, weights):
    """Return the mask of the known pixels that show the object, or None if too few do."""
    if (weights * known).sum() >= LEAST_KNOWN * weights.sum():
        return known
    middle = tuple(slice(size // 3, size - size // 3) for size in known.shape)
    if known[middle].mean() < LEAST_KNOWN_IN_MIDDLE:
        return None
    usable = np.zeros_like(known)
    usable[middle] = known[middle]
    return usable


def _every(size):
    """Return a slice that takes at most SAMPLES of ``size`` pixels, with the middle one."""
    stride = -(-size // SAMPLES)
    return slice((size // 2) % stride, None, stride)


def _nearest(size, other_size):
    """Return for each of ``size`` pixels which of ``other_size`` pixels lies at the same place."""
    return (np.arange(size) * 2 + 1) * other_size // (2 * size)


def _edges(low, high, size):
    first = min(int(round(low * size)), size - 1)
    return first, max(first + 1, int(round(high * size)))


def _front(counts):
    """Return the step at which the nearest front is complete enough, or None without a front."""
    near = np.convolve(counts, np.ones(2 * FRONT_STEPS + 1), 'same')
    enough = np.flatnonzero(near >= LEAST_SHARE * counts.sum())
    # The last step of that sum made it enough, so it is not empty.
    return enough[0] + FRONT_STEPS if enough.size else None


def _extent(counts, front):
    """Return the first and the last step that are connected with the front without a gap."""
    held = np.flatnonzero(counts >= NEXT_TO_NOTHING * counts.sum())
    gaps = np.flatnonzero(np.diff(held) > GAP_STEPS)
    starts, ends = held[np.append(0, gaps + 1)], held[np.append(gaps, len(held) - 1)]
    part = np.searchsorted(starts, front, 'right') - 1   # the front's own step may hold little
    return starts[part], ends[part]


def _reach(distance):
    reach = max(REACH_METRES, REACH_SHARE * distance)
    return distance - reach, distance + reach


def _median(values, weights):
    order = np.argsort(values)
    middle = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order[min(middle, len(order) - 1)]])
