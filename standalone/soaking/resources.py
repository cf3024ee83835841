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
import os
from pathlib import Path
import re
import time
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
PART_FRAMES = 500
BUSY_SHARE = 0.5


class Sample(NamedTuple):
    """
    The node at one moment; ``frames`` since its start, sizes in bytes.

    ``private`` is the anonymous part of ``rss``: shared memory, such as that for the frames of a
    stick, is as large as the largest images so far, and ends with the worker.

    ``memory_files`` are the descriptors of memory shared with the workers, ``descriptors`` all
    others.
    ``others_share`` is the part, 0 to 1, of all processors' time since the last sample that other
    programs took, ``waited_sec`` the longest time in it that one thread of the soak was ready to
    run and waited for a processor.
    """

    time_sec: float
    life: int
    frames: int
    rss: int
    private: int
    descriptors: int
    memory_files: int
    threads: int
    workers: int
    workers_rss: int
    others_share: float = 0.0
    waited_sec: float = 0.0


class ResourceWatch:
    """Takes samples of the node's process and its children, the workers."""

    def __init__(self) -> None:
        self._busy_sec, self._own_sec, self._at = busy_sec_of_machine(), 0.0, time.monotonic()
        self._waited: dict[str, int] = {}   # ns by thread, since its start

    def sample(self, pid: int, time_sec: float, life: int, frames: int) -> Sample | None:
        """
        Return a sample, or None when the node has ended.

        :param pid: the node's process, which is the first one of its session.
        """
        try:
            node = psutil.Process(pid)
            with node.oneshot():
                rss, threads = node.memory_info().rss, node.num_threads()
            private = private_bytes(pid)
            links = links_of(pid)
        except (psutil.Error, OSError):
            return None
        memory_files = sum(link.startswith('/memfd:') for link in links)
        sizes, own_sec = [], cpu_sec(psutil.Process())
        members = session_members(pid)
        for member in members:
            with contextlib.suppress(psutil.Error):   # it has just ended
                process = psutil.Process(member)
                own_sec += cpu_sec(process)
                if member != pid:
                    sizes.append(process.memory_info().rss)
        return Sample(time_sec, life, frames, rss, private, len(links) - memory_files,
                      memory_files, threads, len(sizes), sum(sizes),
                      self._others_share(own_sec), self._longest_wait([os.getpid(), *members]))

    def _others_share(self, own_sec):
        busy_sec, now = busy_sec_of_machine(), time.monotonic()
        # A process that ends takes its time along if nobody waits for it.
        own = max(own_sec - self._own_sec, 0.0)
        others = max(busy_sec - self._busy_sec - own, 0.0)
        share = others / max(now - self._at, 1e-3) / psutil.cpu_count()
        self._busy_sec, self._own_sec, self._at = busy_sec, own_sec, now
        return min(share, 1.0)

    def _longest_wait(self, pids):
        before = self._waited
        self._waited = {task: waited for pid in pids for task, waited in waits_of(pid).items()}
        return max((waited - before[task] for task, waited in self._waited.items()
                    if task in before), default=0) / 1e9


def private_bytes(pid: int) -> int:
    """Return the anonymous memory of a process; OSError if it has ended."""
    found = re.search(r'^RssAnon:\s+(\d+) kB', Path(f'/proc/{pid}/status').read_text(), re.M)
    return 1024 * int(found[1]) if found else 0   # a process that is ending has none


def links_of(pid: int) -> list[str]:
    """Return what the descriptors of a process lead to; OSError if it has ended."""
    links = []
    for descriptor in Path(f'/proc/{pid}/fd').iterdir():
        with contextlib.suppress(FileNotFoundError):   # just closed
            links.append(os.readlink(descriptor))
    return links


def waits_of(pid: int) -> dict[str, int]:
    """Return for how long each thread of a process has waited for a processor, in ns."""
    waits = {}
    with contextlib.suppress(OSError):   # it has just ended, or the kernel does not tell
        for task in Path(f'/proc/{pid}/task').iterdir():
            with contextlib.suppress(OSError):
                waits[task.name] = int((task / 'schedstat').read_text().split()[1])
    return waits


def busy_sec_of_machine() -> float:
    """Return the time that all processors together have worked, in seconds."""
    times = psutil.cpu_times()
    return times.user + times.nice + times.system + times.irq + times.softirq + times.steal


def cpu_sec(process: psutil.Process) -> float:
    """Return the processor time of a process and those of its children that have ended."""
    return sum(process.cpu_times()[:4])


def memory_growth(samples: Sequence[Sample]) -> float | None:
    """
    Return by how many bytes the private memory grows in 10,000 frames, None for too few frames.

    The time after the warm-up is taken in parts, and the median of the steps from part to part
    counts: a leak grows in most of them. The memory of images, of which the process keeps as much
    as it needed at once, grows in a few: when large images come while a stick hangs.

    :param samples: of one life of the node.
    """
    warm = samples[int(len(samples) * WARM_UP_SHARE):]
    count = warm[-1].frames - warm[0].frames if warm else 0
    if count < LEAST_FRAMES:
        return None
    parts = np.array_split(np.array([(sample.frames, sample.private) for sample in warm]),
                           count // PART_FRAMES)
    frames, sizes = np.transpose([np.mean(part, axis=0) for part in parts])
    return float(np.median(np.diff(sizes) / np.maximum(np.diff(frames), 1))) * GROWTH_FRAMES


def waits(samples: Sequence[Sample]) -> list[tuple[float, float, float]]:
    """Return when (begin, end) and for how long others kept the soak from a processor, in sec."""
    return [(before.time_sec, sample.time_sec, sample.waited_sec)
            for before, sample in zip(samples, samples[1:]) if sample.others_share > BUSY_SHARE]
