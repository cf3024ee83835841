# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Keeps the memory of images that came and went, because as large ones come next."""

import ctypes

# glibc's mallopt(3): below which size memory is not mapped for each block, its own upper limit,
# and how much freed memory a process keeps.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
KEPT_BYTES = 32 * 2**20


def keep_freed_memory():
    """
    Let this process keep up to 32 MB of freed memory (in each of glibc's few arenas).

    Otherwise each image's memory goes back to the system and comes anew, page by page: at
    1280x720 and 30 Hz that is a quarter of a camera's CPU time. Without glibc nothing happens.
    """
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
