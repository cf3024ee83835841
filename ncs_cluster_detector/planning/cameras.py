# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Several cameras that share the sticks: how many of its images a second each has inferred."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CameraRate:
    """
    What a camera brings: images a second, and its weight as in ``camera_weights``.

    With ``camera_max_fps`` it brings no more than that.
    """

    frames_per_sec: float
    weight: float = 1.0


def fair_shares(cameras: Sequence[CameraRate], frames_per_sec: float) -> tuple[float, ...]:
    """
    Return how many images a second of each camera are inferred: weighted max-min fairness.

    No camera gets more than it brings; what it leaves goes to the others by their weights. Cameras
    of weight 0 share, all alike, only what those with a weight leave.

    :param frames_per_sec: what the sticks sustain for all cameras.
    """
    shares = [0.0] * len(cameras)
    left = frames_per_sec
    for weights in ([camera.weight for camera in cameras],
                    [float(camera.weight == 0.0) for camera in cameras]):
        # Those that bring least for their weight get all of it, and go first.
        waiting = sorted((number for number, weight in enumerate(weights) if weight > 0.0),
                         key=lambda number: cameras[number].frames_per_sec / weights[number])
        for place, number in enumerate(waiting):
            weight = weights[number] / sum(weights[each] for each in waiting[place:])
            shares[number] = min(cameras[number].frames_per_sec, left * weight)
            left -= shares[number]
    return tuple(shares)


def lines_of_cameras(cameras: Sequence[CameraRate], policy: str,
                     frames_per_sec: float) -> list[str]:
    """Return the shares of several cameras under a policy as lines of text; of one, nothing."""
    if not cameras:
        return []
    rows = [('camera', 'weight', 'images a second', 'inferred')]
    rows += [(str(number), f'{camera.weight:g}', f'{camera.frames_per_sec:.1f}', f'{share:.1f}')
             for number, (camera, share) in enumerate(
                 zip(cameras, fair_shares(cameras, frames_per_sec)))]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['', f'Of these {frames_per_sec:.1f} frames a second with {policy} each camera has:',
            *('  '.join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows)]


def report_of_cameras(cameras: Sequence[CameraRate]) -> dict[str, Any]:
    """Return several cameras as an entry for JSON, in the order in which they were given."""
    return {'cameras': [{'input_frames_per_sec': camera.frames_per_sec, 'weight': camera.weight}
                        for camera in cameras]} if cameras else {}


def report_of_shares(cameras: Sequence[CameraRate], frames_per_sec: float) -> dict[str, Any]:
    """Return the shares of several cameras in an outcome as an entry for JSON."""
    return {'frames_per_sec_of_cameras': [
        round(share, 3) for share in fair_shares(cameras, frames_per_sec)]} if cameras else {}
