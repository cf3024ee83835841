# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A lock so that only one process of the machine at a time lists and opens sticks."""

from collections.abc import Sequence
import fcntl
import os

# The first one is the same directory for every process and user, and for every container that
# bind-mounts it as usual. The others are for machines without USB devices.
DIRECTORIES = ('/dev/bus/usb', '/dev/shm', '/tmp')


class MachineLock:
    """
    A context manager that holds the lock; it waits while another process has it.

    A process that lists the sticks for the first time takes and resets a stick that another
    process has just booted and not yet claimed. Two graphs that are loaded at once can exceed the
    kernel's memory for USB transfers. So the lock is held from the first listing until the stick
    is open and its graphs are loaded. It is an advisory ``flock`` on an existing directory, so
    nothing is written, and the system releases it when its process ends.
    """

    def __init__(self, directories: Sequence[str] = DIRECTORIES) -> None:
        """Choose the first directory that exists; do not take the lock yet."""
        self._directory = next(filter(os.path.isdir, directories), directories[-1])
        self._descriptor: int | None = None

    def __enter__(self) -> 'MachineLock':
        """Wait for the lock and take it; OSError if the directory cannot be opened."""
        self._descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lock to the next process."""
        assert self._descriptor is not None
        os.close(self._descriptor)
        self._descriptor = None
