# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A driver whose sticks start together; each is a file that says how it answers, for tests."""

from contextlib import suppress
import fcntl
import os
import struct
import threading

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.stick import StickDeadError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import ThermalState
import numpy as np

KIND = 'ma2450'
DEAD, HANGS = 'dead', 'hangs'
LOCK = 'hhqqi'   # struct flock of Linux on 64 bits: type, whence, start, length, process


class TogetherDriver(Driver):
    """
    Sticks that are files in a folder, named by their ports.

    A file has what its stick does when it is opened: seconds to take, DEAD or HANGS. It is
    locked while a process has the stick.
    """

    title = 'sticks in files'
    description = 'files in a folder'
    starts_together = True

    def __init__(self, folder):
        """Remember where the sticks are."""
        self._folder = str(folder)

    @classmethod
    def from_parameters(cls, values):
        """Not used: tests make it."""
        raise NotImplementedError

    def read_graph(self, name):
        """Not used: the sticks need none."""
        raise NotImplementedError

    def usb_bus(self):
        """Fail: nothing is cleaned for such sticks."""
        raise AssertionError('the bus of sticks that start together was asked for')

    def make_stick(self, graphs):
        """Return a stick."""
        return FileStick(self._folder)


class FileStick(Stick):
    """A stick that finds nothing, and answers at once."""

    input_sizes = [(8, 8)]

    def __init__(self, folder):
        self._folder = folder
        self._file = None
        self._sent = threading.Semaphore(0)

    def _open(self, port):
        return open(os.path.join(self._folder, port), 'r+')

    def device_names(self):
        """Return the files; one that is locked has no kind."""
        names = []
        for port in sorted(os.listdir(self._folder)):
            with suppress(FileNotFoundError), self._open(port) as file:
                names.append(f'{port}-{KIND if is_free(file) else ""}')
        return names

    def open_stick(self, wanted, other_ports=(), tell=lambda step: None):
        """Lock the file, and do what is in it."""
        port = wanted.partition('-')[0]
        try:
            self._file = self._open(port)
        except FileNotFoundError as error:
            raise StickNotFoundError(f'opening stick {wanted}: it is not there') from error
        if not take(self._file):
            raise StickInUseError(f'opening stick {wanted}: another program has it')
        says = self._file.read()
        if says == DEAD:
            raise StickDeadError(f'opening stick {wanted}: no answer')
        threading.Event().wait(None if says == HANGS else float(says))

    def send(self, tensors):
        """Take an input."""
        self._sent.release()

    def receive(self):
        """Return that nothing was found."""
        self._sent.acquire()
        return [np.zeros(7, np.float32)]

    def thermal_state(self):
        """Return the same temperature all the time."""
        return ThermalState(31.5, 0)

    def close(self):
        """Give the stick back."""
        if self._file is not None:
            self._file.close()


def is_free(file):
    """Tell whether no process has locked a file; no lock is taken, not even for a moment."""
    answer = fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(
        LOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
    return struct.unpack(LOCK, answer)[0] == fcntl.F_UNLCK


def take(file):
    """Lock a file until its process ends or closes it; return False if another one has it."""
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
