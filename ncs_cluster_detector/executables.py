# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
Entry points of the two executables.

They import the nodes late: a signal that arrives meanwhile ends the process as quietly as later
ones do, and a worker process, which loads its parent's main module, stays free of ROS.
"""

import os
import signal


def camera_node():
    """Run the camera node; return its exit code."""
    _end_quietly_while_importing()
    from ncs_cluster_detector.nodes.camera_node import main
    return main()


def detector_node():
    """Run the detector node; return its exit code."""
    _end_quietly_while_importing()
    from ncs_cluster_detector.nodes.detector_node import main
    return main()


def _end_quietly_while_importing():
    """Let SIGINT and SIGTERM end the process at once: nothing has been started yet."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
