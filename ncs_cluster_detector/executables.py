# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Entry points of the executables.

They import the rest late, after the module path and the environment that ROS needs are in order.
So a signal that arrives during the import of a node ends the process as quietly as a later one.
"""

from contextlib import suppress
import os
import signal
import sys
import time

from ncs_cluster_detector.processes.process_start import loading_modules
from ncs_cluster_detector.processes.process_start import settle
from ncs_cluster_detector.processes.process_start import stop_signals

STARTUP_ERROR = 2


def camera_node() -> int:
    """Run the camera node; return its exit code."""
    if not _is_ready_for_ros('camera'):
        return STARTUP_ERROR
    with loading_modules():
        from ncs_cluster_detector.camera_node.node import main
    return main()


def detector_node() -> int:
    """Run the detector node; return its exit code."""
    if not _is_ready_for_ros('detector'):
        return STARTUP_ERROR
    with loading_modules():
        _load_workers()
        from ncs_cluster_detector.ros.network_transport import names_remote_hosts
        from ncs_cluster_detector.ros.network_transport import use_network_profile
        notes = [use_network_profile()] if names_remote_hosts(sys.argv) else []
        from ncs_cluster_detector.detector_node.node import main
    return main(notes=notes)


def stick_server() -> int:
    """Run the stick server node; return its exit code."""
    if not _is_ready_for_ros('stick_server'):
        return STARTUP_ERROR
    with loading_modules():
        _load_workers()
        from ncs_cluster_detector.ros.network_transport import use_network_profile
        notes = [use_network_profile()]
        from ncs_cluster_detector.stick_server.node import main
    return main(notes=notes)


def check_sticks() -> int:
    """Run the check of real sticks; return its exit code."""
    settle()
    with loading_modules():
        from ncs_cluster_detector.checking.check_sticks import main
    return main()


def thermal_plan() -> int:
    """Run the planner; return its exit code."""
    settle()
    with loading_modules():
        from ncs_cluster_detector.planning.thermal_plan import main
    return main()


def _load_workers():
    """Have the programs of the workers loaded by another process, while this one loads ROS."""
    from ncs_cluster_detector.processes.fork_server import server
    from ncs_cluster_detector.worker import PROGRAMS
    server.preload = PROGRAMS
    with suppress(OSError):   # the supervisor tries again, and reports it
        server.begin()


def _is_ready_for_ros(name):
    """Prepare what must be in order before ROS is loaded; report a fault as ROS would."""
    settle()
    for number in stop_signals():   # nothing has been started yet
        signal.signal(number, lambda *_: os._exit(0))
    from ncs_cluster_detector.ros.environment import fault_in_environment
    from ncs_cluster_detector.shown_text import shown
    fault = fault_in_environment()
    if fault:
        print(f'[FATAL] [{time.time():.9f}] [{name}]: {shown(fault)}', file=sys.stderr)
    return not fault
