# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick with a network of the test's own behind the double of the vendor's API."""

import threading

import blocking_calls
from blocking_calls import LIMIT_SEC
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.api import simulated_sticks
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
import numpy as np
import pytest

GRAPH = b'some graph'


class EchoNetwork:
    """A network with a small input that returns it, when ``may_end`` is set."""

    input_shape = (2, 2, 3)
    output_shape = (1, 1, 12)

    def __init__(self):
        """Make a network that may end and has no fault."""
        self.may_end = threading.Event()
        self.may_end.set()
        self.fault = None

    def run(self, tensor):
        """Return the input, or raise the fault."""
        assert self.may_end.wait(LIMIT_SEC)
        if self.fault is not None:
            raise self.fault
        return np.asarray(tensor).reshape(-1)


class StickBench:
    """Opens sticks whose graph files all hold one :class:`EchoNetwork`, and closes them."""

    def __init__(self, monkeypatch):
        """Put the network in the place of every graph file."""
        self.network = EchoNetwork()
        self.bus = None
        self._devices = []
        monkeypatch.setattr(simulated_sticks, 'load_network', lambda data: self.network)

    def __enter__(self):
        """Return the bench itself."""
        return self

    def __exit__(self, *_):
        """Close all sticks and unplug them."""
        self.network.may_end.set()
        for device in self._devices:
            device.destroy()
        mvncapi.plug_in(mvncapi.BusSpec(sticks=0))

    def plug_in(self, **properties):
        """Make a bus, ``self.bus``; one stick, and all times are 0 where not given."""
        quick = {'sticks': 1, 'inference_ms': 0.0, 'transfer_ms': 0.0, 'boot_ms': 0.0}
        self.bus = SimulatedBus(mvncapi.BusSpec(**{**quick, **properties}))
        mvncapi.plug_in(self.bus)

    def open_stick(self, **properties):
        """Return the first stick of a new bus, opened."""
        self.plug_in(**properties)
        return self.open_listed(0)

    def open_listed(self, index):
        """Return a stick of the present bus, opened."""
        device = mvncapi.Device(mvncapi.enumerate_devices()[index])
        device.open()
        self._devices.append(device)
        return device


def load(device, **fifo_options):
    """Return a graph on a stick, its input and its output queue."""
    graph = mvncapi.Graph('graph')
    return (graph, *graph.allocate_with_fifos(device, GRAPH, **fifo_options))


def tensor(value):
    """Return an input full of one value."""
    return np.full((2, 2, 3), value, dtype=np.float32)


def status_of(call, *arguments):
    """Return the status with which a call fails."""
    with pytest.raises(Exception) as caught:
        call(*arguments)
    assert type(caught.value) is Exception
    (status,) = caught.value.args
    return status


def in_thread(call, *arguments):
    """Start a call in a thread; return it and the list that will hold a value or a status."""
    return blocking_calls.in_thread(call, *arguments, of_error=lambda error: error.args[0])
