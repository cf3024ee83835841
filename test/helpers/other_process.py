# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Another process on the same simulated bus, which does what a test tells it.

One that gets a bus is forked from a process that has loaded all it needs, which takes a tenth of
the time of a fresh start. One that gets none is started afresh, for its environment counts.
"""

from contextlib import suppress
import json
from multiprocessing import connection
import os
import signal
import subprocess
import sys

from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.processes.fork_server import ForkServer
from ncs_cluster_detector.processes.fork_server import NUMBER
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
import numpy
import psutil

NAME = mvncapi.DeviceOption.RO_DEVICE_NAME
THERMAL = mvncapi.DeviceOption.RO_THERMAL_STATS
_server = ForkServer()
_server.preload = ('other_process',)


def devices():
    """Return the sticks that this process sees, a dictionary of Device by name."""
    found = [mvncapi.Device(handle) for handle in mvncapi.enumerate_devices()]
    return {device.get_option(NAME): device for device in found}


def names():
    """Return their names."""
    return list(devices())


def ready(port):
    """Open the stick at a port; return a graph on it, its fifos and a picture."""
    device = devices()[f'{port}-ma2450']
    device.open()
    graph = mvncapi.Graph('graph')
    fifos = graph.allocate_with_fifos(device, b'detector: shapes')
    return graph, fifos, numpy.zeros((300, 300, 3), numpy.float32)


def _evaluate(line):
    try:
        try:
            return eval(line, globals())
        except SyntaxError:
            return exec(line, globals())
    except Exception as error:
        return getattr(error.args[0], 'name', f'{type(error).__name__}: {error}')


def main(orders, path=None):
    """Evaluate one line after the other, until nobody sends any more."""
    if path:
        mvncapi.plug_in(SimulatedBus.attach(path))
    with suppress(EOFError, ConnectionResetError):
        while True:
            line = orders.recv()
            orders.send('begun')
            orders.send(json.dumps(_evaluate(line)))


class OtherProcess:
    """A process that has plugged in a bus; it ends with the ``with`` block at the latest."""

    def __init__(self, bus=None, **environment):
        """Start it; without a bus it sees what its environment says."""
        self._exit_code = self._popen = self._sentinel = None
        self._bus = bus   # which lives as long as somebody holds it
        self._orders, theirs = connection.Pipe()
        with theirs:
            if bus is not None:
                self.pid, self._sentinel = _server.start(main, (theirs, bus.path))
                return
            self._popen = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())], pass_fds=[theirs.fileno()],
                env={**os.environ, **environment})
            self.pid = self._popen.pid
        assert self.do('"begun"') == 'begun'

    def __enter__(self):
        """Return the process itself."""
        return self

    def __exit__(self, *_):
        """Kill it, if it still runs."""
        if self._exit_code is None:
            self.kill()
        self._orders.close()
        if self._sentinel is not None:
            os.close(self._sentinel)

    def do(self, line):
        """Let it evaluate a line and return the value or the name of the status."""
        self.begin(line)
        return self.answer()

    def begin(self, line):
        """Let it evaluate a line; return once it is done with it, or waits within it."""
        self._orders.send(line)
        assert self.has_answered(LIMIT_SEC)
        assert self._orders.recv() == 'begun'
        wait_until(lambda: self._status() != psutil.STATUS_RUNNING)

    def _status(self):
        try:
            return psutil.Process(self.pid).status()
        except psutil.NoSuchProcess:
            return psutil.STATUS_DEAD

    def has_answered(self, within_sec=0.0):
        """Tell whether there is an answer, waiting for it for a while."""
        return self._orders.poll(within_sec)

    def answer(self):
        """Return the answer to what was begun."""
        assert self.has_answered(LIMIT_SEC)
        return json.loads(self._orders.recv())

    def stop(self):
        """Keep it from doing anything until it is killed."""
        os.kill(self.pid, signal.SIGSTOP)

    def kill(self):
        """End it without any chance to tidy up."""
        with suppress(ProcessLookupError):   # it has ended by itself
            os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def wait(self):
        """Return its exit code when it has ended."""
        if self._popen is not None:
            self._exit_code = self._popen.wait(LIMIT_SEC)
        elif self._exit_code is None:
            assert connection.wait([self._sentinel], LIMIT_SEC)
            (self._exit_code,) = NUMBER.unpack(os.read(self._sentinel, NUMBER.size))
        return self._exit_code


if __name__ == '__main__':
    main(connection.Connection(int(sys.argv[1])))
