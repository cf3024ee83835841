# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of what gives freed memory back to the system."""

from ncs_cluster_detector.processes.freed_memory import give_back_freed_memory
import psutil

BLOCK_BYTES = 60000   # too small to be mapped by itself
BLOCKS = 400


def resident():
    return psutil.Process().memory_info().rss


def test_memory_between_what_is_in_use_goes_back_to_the_system():
    # The small objects keep the system's own limit from applying: the end of the heap is in use.
    blocks, kept = [], []
    for _ in range(BLOCKS):
        blocks.append(bytearray(b'x') * BLOCK_BYTES)
        kept.append(bytearray(b'x') * 1000)
    blocks.clear()
    before = resident()
    give_back_freed_memory()
    assert before - resident() > BLOCKS * BLOCK_BYTES / 2
    assert len(kept) == BLOCKS
