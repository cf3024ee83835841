# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Another process on the same simulated bus, which does what a test tells it."""

import json
import os
import select
import signal
import subprocess
import sys

from blocking_calls import LIMIT_SEC

# It evaluates one line of Python after the other and answers with JSON: a value, or the status
# with which a call failed.
_LOOP = """
import json
import sys
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
import numpy

NAME = mvncapi.DeviceOption.RO_DEVICE_NAME
THERMAL = mvncapi.DeviceOption.RO_THERMAL_STATS
if len(sys.argv) > 1:
    mvncapi.plug_in(SimulatedBus.attach(sys.argv[1]))


def devices():
    found = [mvncapi.Device(handle) for handle in mvncapi.enumerate_devices()]
    return {device.get_option(NAME): device for device in found}


def names():
    return list(devices())


def ready(port):
    device = devices()[f'{port}-ma2450']
    device.open()
    graph = mvncapi.Graph('graph')
    fifos = graph.allocate_with_fifos(device, b'detector: shapes')
    return graph, fifos, numpy.zeros((300, 300, 3), numpy.float32)


print(json.dumps('begun'), flush=True)
for line in sys.stdin:
    try:
        try:
            answer = eval(line)
        except SyntaxError:
            answer = exec(line)
    except Exception as error:
        answer = getattr(error.args[0], 'name', f'{type(error).__name__}: {error}')
    print(json.dumps(answer), flush=True)
"""


class OtherProcess:
    """A process that has plugged in a bus; it ends with the ``with`` block at the latest."""

    def __init__(self, bus=None, **environment):
        """Start it; without a bus it sees what its environment says."""
        self._process = subprocess.Popen(
            [sys.executable, '-c', _LOOP] + ([] if bus is None else [bus.path]),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            env={**os.environ, **environment})
        assert self.answer() == 'begun'

    def __enter__(self):
        """Return the process itself."""
        return self

    def __exit__(self, *_):
        """Kill it, if it still runs."""
        if self._process.returncode is None:
            self.kill()
        self._process.stdin.close()
        self._process.stdout.close()

    @property
    def pid(self):
        """Return its id."""
        return self._process.pid

    def do(self, line):
        """Let it evaluate a line and return the value or the name of the status."""
        self.begin(line)
        return self.answer()

    def begin(self, line):
        """Let it evaluate a line without waiting for it."""
        self._process.stdin.write(line.encode() + b'\n')

    def has_answered(self, within_sec=0.0):
        """Tell whether there is an answer, waiting for it for a while."""
        return bool(select.select([self._process.stdout], [], [], within_sec)[0])

    def answer(self):
        """Return the answer to what was begun."""
        assert self.has_answered(LIMIT_SEC)
        return json.loads(self._process.stdout.readline())

    def stop(self):
        """Keep it from doing anything until it is killed."""
        self._process.send_signal(signal.SIGSTOP)

    def kill(self):
        """End it without any chance to tidy up."""
        self._process.send_signal(signal.SIGKILL)
        self.wait()

    def wait(self):
        """Return its exit code when it has ended."""
        return self._process.wait(LIMIT_SEC)
