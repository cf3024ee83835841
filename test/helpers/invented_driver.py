# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A driver as a stranger might add it; the tests copy this module into the package."""

import os
import queue

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.stick import ThermalState
import numpy as np

SIZE = (64, 48)   # of its network's input, in pixels
PERSON, SCORE = 15, 0.75
CELSIUS = 31.5
GRAPH = b'invented graph'


class InventedDriver(Driver):
    """Sticks that are files in a folder, without a vendor's API, USB or a machine-wide lock."""

    title = 'invented sticks'
    description = 'files in a folder'
    no_stick_found = 'no stick found: put a file into the folder'
    reserve_devices = ('PAINT',)

    def __init__(self, folder):
        """Remember where the sticks are."""
        self._folder = folder

    @classmethod
    def from_parameters(cls, values):
        """Return the driver; the folder is told by the environment, that of a device by name."""
        kinds = values.get('invented.devices', ['STICKS'])
        return cls(os.environ[f'INVENTED_{kinds[0]}'])

    def read_graph(self, name):
        """Return a graph that begins as it must."""
        with open(name, 'rb') as file:
            graph = file.read()
        if not graph.startswith(GRAPH):
            raise ValueError('not an invented graph; name one')
        return graph

    def make_stick(self, graphs):
        """Return a stick."""
        return InventedStick(self._folder, graphs)


class InventedStick(Stick):
    """Finds what is blue in a picture, and says that it is a person."""

    def __init__(self, folder, graphs):
        """Open nothing yet."""
        self._folder = folder
        self._graphs = graphs
        self._results = queue.SimpleQueue()

    @property
    def input_sizes(self):
        """Return the same size for every graph."""
        return [SIZE] * len(self._graphs)

    def device_names(self):
        """Return the files."""
        return sorted(os.listdir(self._folder))

    def open_stick(self, wanted, other_ports=(), tell=lambda step: None):
        """Find the file."""
        assert os.path.exists(os.path.join(self._folder, wanted))

    def send(self, tensors):
        """Look at the pictures at once."""
        self._results.put([found_in(tensor) for tensor in tensors])

    def receive(self):
        """Return what was found."""
        return self._results.get()

    def thermal_state(self):
        """Return the same temperature all the time."""
        return ThermalState(CELSIUS, 0)

    def close(self):
        """Let go of nothing."""


def found_in(tensor):
    """Return an output vector with the box around all that is blue."""
    rows, columns = np.nonzero((tensor[..., 0] > 0.5) & (tensor[..., 2] < -0.5))
    if not len(rows):
        return np.zeros(7, np.float32)
    box = [columns.min() / SIZE[0], rows.min() / SIZE[1],
           (columns.max() + 1) / SIZE[0], (rows.max() + 1) / SIZE[1]]
    return np.array([1, 0, 0, 0, 0, 0, 0, 0, PERSON, SCORE, *box], np.float32)
