# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of what gives memory back to the system."""

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


# What is computed needs code and constants of both libraries again.
LIBRARIES = """
import cv2
from ncs_cluster_detector.processes.freed_memory import give_back_loading
import numpy as np
import psutil
before = psutil.Process().memory_info().rss
give_back_loading()
after = psutil.Process().memory_info().rss
grey = cv2.cvtColor(np.full((4, 4, 3), 200, np.uint8), cv2.COLOR_BGR2GRAY)
assert grey.sum() == 16 * 200 and np.isclose(np.linalg.inv(np.eye(2) * 4).sum(), 0.5)
print(before - after)
"""


def test_what_loading_libraries_read_goes_back_to_the_system():
    told = subprocess.run([sys.executable, '-c', LIBRARIES], stdout=subprocess.PIPE, check=True)
    assert int(told.stdout) > 10e6
