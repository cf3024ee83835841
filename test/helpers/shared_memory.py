# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What lies in shared memory, for tests of what is left there."""

import os
import re


def shared_memory_names():
    """
    Return what lies in shared memory, DDS' own segments of live participants aside.

    So are those whose name the C library makes up for the moment in which it makes a semaphore,
    as DDS does; one of Python's own would be called sem.mp-something.
    """
    return {name for name in os.listdir('/dev/shm')
            if 'fastrtps' not in name and not re.fullmatch(r'sem\.\w{6}', name)}
