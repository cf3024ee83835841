# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Test that the memory of images is kept, in a process of its own."""

import subprocess
import sys

import pytest

CODE = """
import resource, sys
import numpy as np
from ncs_cluster_detector.ros.malloc_tuning import keep_freed_memory
if sys.argv[1] == 'kept':
    keep_freed_memory()
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
def come_and_go():
    several = [np.ones(2_764_800, np.uint8) for _ in range(3)]
    del several
come_and_go()
before = faults()
for _ in range(20):
    come_and_go()
print(faults() - before)
"""


def faults(how):
    """Return the page faults of sixty images of 1280x720."""
    return int(subprocess.run([sys.executable, '-c', CODE, how], check=True, text=True,
                              capture_output=True).stdout)


@pytest.mark.skipif(sys.platform != 'linux', reason="mallopt is glibc's")
def test_images_that_come_and_go_cause_no_page_faults():
    assert faults('kept') < 100 < faults('as usual')
