# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the node's process takes: memory, descriptors, threads, children; and their growth."""

from collections.abc import Sequence
import contextlib
from typing import NamedTuple

from ncs_cluster_detector.checking.node_process import session_members
import numpy as np
import psutil

MEGABYTE = 1e6
# Buffers reach their sizes while all kinds of images and subscribers come for the first time.
WARM_UP_SHARE = 0.4
# With fewer frames one buffer more looks like a growth.
LEAST_FRAMES = 5000
GROWTH_FRAMES = 10000


class Sample(NamedTuple):
    """The node at one moment; ``frames`` since its start, sizes in bytes."""

    time_sec: float
    life: int
    frames: int
    rss: int
    descriptors: int
    threads: int
    workers: int
    workers_rss: int


def sample_of(pid: int, time_sec: float, life: int, frames: int) -> Sample | None:
    """Return a sample of the node's process and its children, or None when it has ended."""
    try:
        node = psutil.Process(pid)
        with node.oneshot():
            rss, threads = node.memory_info().rss, node.num_threads()
        descriptors = node.num_fds()
    except psutil.Error:
        return None
    workers = []
    for member in session_members(pid):
        with contextlib.suppress(psutil.Error):
            if member != pid:
                workers.append(psutil.Process(member).memory_info().rss)
    return Sample(time_sec, life, frames, rss, descriptors, threads, len(workers), sum(workers))


def memory_growth(samples: Sequence[Sample]) -> float | None:
    """
    Return by how many bytes a process grows in 10,000 frames, or None for too few frames.

    The median of the slopes between the samples of the last part of the time and those of the part
    before it, so that a single step or spike does not count as growth.

    :param samples: of one life of the node.
    """
    warm = list(samples[int(len(samples) * WARM_UP_SHARE):])
    if len(warm) < 4 or warm[-1].frames - warm[0].frames < LEAST_FRAMES:
        return None
    frames = np.array([sample.frames for sample in warm], float)
    rss = np.array([sample.rss for sample in warm], float)
    half = len(warm) // 2
    steps = frames[half:2 * half] - frames[:half]
    return float(np.median((rss[half:2 * half] - rss[:half]) / np.maximum(steps, 1))
                 ) * GROWTH_FRAMES
