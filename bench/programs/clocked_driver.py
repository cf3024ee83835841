# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Simulated sticks that note how much CPU time of their worker is their own.

What the double of the vendor's API uses is not what a worker costs: with real sticks it is the
vendor's library and the chip. It counts in two parts: the calls to the API, each measured by the
CPU clock of the thread that makes it, and the threads that the double starts when a stick is
opened. The rest of the process is the worker itself.

Whenever the temperature is read, about once a second, a worker writes a line to the file
``<pid>`` in the folder that CLOCKED_FOLDER names: the time (monotonic clock), the CPU time of the
process, that of the double, in seconds, and the number of results.
"""

from collections.abc import Callable
from collections.abc import Sequence
import functools
import os
import threading
import time
from typing import Any

from ncs_cluster_detector.drivers import registry
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.sticks.stick import Stick

FOLDER_VARIABLE = 'CLOCKED_FOLDER'
NODE = """
import clocked_driver
clocked_driver.install()
from ncs_cluster_detector.executables import detector_node
raise SystemExit(detector_node())
"""


class ClockedDriver(SimulatedDriver):
    """The driver ``simulated`` with clocks around the calls to the double."""

    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """Return a stick, in a process whose double is clocked from here on."""
        from ncs_cluster_detector.simulation.api import mvncapi
        DoubleClock().put_around(mvncapi)
        return super().make_stick(graphs)


class DoubleClock:
    """Adds up the CPU time of the double in this process."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._inside = threading.local()
        self._calls_ns: dict[int, int] = {}   # by thread, so that no two write the same
        self._threads: list[threading.Thread] = []
        self._results = 0
        self._path = os.path.join(os.environ[FOLDER_VARIABLE], str(os.getpid()))

    def put_around(self, mvncapi: Any) -> None:
        """Clock the functions and methods of a double of the API."""
        for owner in (mvncapi.Device, mvncapi.Graph, mvncapi.Fifo):
            for name, function in list(vars(owner).items()):
                if callable(function) and (not name.startswith('_') or name == '__init__'):
                    setattr(owner, name, self._clocked(function))
        mvncapi.enumerate_devices = self._clocked(mvncapi.enumerate_devices)
        mvncapi.Device.open = self._noting_threads(mvncapi.Device.open)
        mvncapi.Fifo.read_elem = self._counting(mvncapi.Fifo.read_elem)
        mvncapi.Device.get_option = self._reporting(mvncapi.Device.get_option)

    def _clocked(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*arguments: Any, **named: Any) -> Any:
            if getattr(self._inside, 'call', False):   # the double calls itself
                return function(*arguments, **named)
            self._inside.call, began = True, time.thread_time_ns()
            try:
                return function(*arguments, **named)
            finally:
                me = threading.get_ident()
                self._calls_ns[me] = self._calls_ns.get(me, 0) + time.thread_time_ns() - began
                self._inside.call = False
        return call

    def _noting_threads(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            before = set(threading.enumerate())
            result = function(*arguments)
            self._threads += [one for one in threading.enumerate() if one not in before]
            return result
        return call

    def _counting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = function(*arguments)
            self._results += 1
            return result
        return call

    def _reporting(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            result = function(*arguments)
            double_ns = sum(self._calls_ns.values()) + sum(
                time.clock_gettime_ns(time.pthread_getcpuclockid(thread.ident))
                for thread in self._threads if thread.ident and thread.is_alive())
            with open(self._path, 'a') as file:
                file.write(f'{time.monotonic()} {time.process_time()} {double_ns / 1e9} '
                           f'{self._results}\n')
            return result
        return call


def install() -> None:
    """Make this the driver ``simulated`` of the process."""
    registry.DRIVERS['simulated'] = ClockedDriver
