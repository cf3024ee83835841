# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Processes that are killed while they have a stick, and a supervisor in a process of its own."""

from pathlib import Path
import subprocess
import sys

from blocking_calls import wait_until
from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from other_process import OtherProcess

__all__ = ['boot', 'leave_booted', 'OtherProcess', 'QUEUE', 'start_supervisor', 'usb_stick']

QUEUE = 'graph.queue_inference_with_fifo_elem(*fifos, picture, None)'
_SUPERVISOR = Path(__file__).parent / 'supervisor_process.py'


def leave_booted(bus, port, inferences=0):
    """
    Let a process open a stick and be killed.

    :param inferences: how many are under way then; the stick has results left for that process.
    """
    with OtherProcess(bus) as other:
        assert other.do(f'graph, fifos, picture = ready("{port}")') is None
        for _ in range(inferences):
            assert other.do(QUEUE) is None
        other.kill()
    assert bus.port(port).has_booted()


def boot(bus, port):
    """Boot a stick that nobody has then, beside others on which the library would stumble."""
    plugs = bus.port(port).state().plugs
    claim = bus.port(port).claim(plugs)
    bus.port(port).boot(plugs)
    claim.close()
    wait_until(bus.port(port).has_booted)


def usb_stick(bus, port):
    """Return the UsbBus of a SimulatedBus, and its stick at a port, or None when there is none."""
    usb = UsbBus(SimulatedUsbBackend(bus))
    return usb, next((stick for stick in usb.sticks() if stick.port == port), None)


def start_supervisor(bus):
    """Return a process with a supervisor of all sticks of a bus, once all of them are at work."""
    process = subprocess.Popen([sys.executable, _SUPERVISOR, bus.path], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b'at work\n'
    return process
