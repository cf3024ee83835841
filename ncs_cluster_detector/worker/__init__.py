# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The child's side of the process boundary: the programs of the child processes; no ROS."""

from typing import Any

# Their modules, and what they load on use, for a process that is to load them in advance. pyusb
# loads libusb only later.
PROGRAMS = ('ncs_cluster_detector.processes.child_process', f'{__name__}.worker_main',
            f'{__name__}.bus_cleaner_main', 'usb.core', 'usb.backend.libusb1')


def run_worker(*arguments: Any) -> None:
    """Run :func:`worker_main.main`; only the worker's process loads it, and OpenCV with it."""
    from ncs_cluster_detector.worker.worker_main import main
    main(*arguments)
