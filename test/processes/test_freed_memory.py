# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of what gives freed memory back to the system."""

import subprocess
import sys

# In a process of its own, whose heap has no gaps from before. The small objects keep the system's
# own limit from applying: the end of the heap is in use.
PROGRAM = """
from ncs_cluster_detector.processes.freed_memory import give_back_freed_memory
import psutil
kept, blocks = [], []
for _ in range(400):
    blocks.append(bytearray(b'x') * 60000)
    kept.append(bytearray(b'x') * 1000)
blocks.clear()
before = psutil.Process().memory_info().rss
give_back_freed_memory()
print(before - psutil.Process().memory_info().rss)
"""


def test_memory_between_what_is_in_use_goes_back_to_the_system():
    told = subprocess.run([sys.executable, '-c', PROGRAM], stdout=subprocess.PIPE, check=True)
    assert int(told.stdout) > 400 * 60000 / 2
