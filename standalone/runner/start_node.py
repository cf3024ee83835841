# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Become a node that gets SIGINT when its runner dies, even when that is killed.

Arguments: the runner's process id, then the node's program and its arguments.
"""

import ctypes
import os
import signal
import sys

SET_PARENT_DEATH_SIGNAL = 1   # PR_SET_PDEATHSIG of prctl(2); it outlives the exec below

if __name__ == '__main__':
    # A shell lets what it runs in the background ignore SIGINT, and a program inherits that.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, signal.SIGINT)
    if os.getppid() == int(sys.argv[1]):   # else it was killed before the line above
        os.execv(sys.argv[2], sys.argv[2:])
