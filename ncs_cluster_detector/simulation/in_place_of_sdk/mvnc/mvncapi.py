# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The module ``mvnc.mvncapi`` of programs written for the vendor's SDK, with simulated sticks."""

import os
import sys

from ncs_cluster_detector.mvnc.api.leaked_names import *  # noqa: F401, F403
from ncs_cluster_detector.simulation.api import mvncapi as double
from ncs_cluster_detector.simulation.api.mvncapi import *  # noqa: F401, F403
from ncs_cluster_detector.simulation.api.process_state import STAND_IN_VARIABLE
from ncs_cluster_detector.simulation.networks.graphs import is_compiled
from ncs_cluster_detector.simulation.networks.graphs import read_graph


class Graph(double.Graph):
    """A network on a simulated stick, or its stand-in."""

    def allocate(self, device: double.Device, graph_buffer: bytes | str) -> None:
        """
        Send the bytes of a graph file, or the stand-in of a compiled one, to an opened stick.

        Say on stderr why a file is refused.
        """
        stand_in = os.environ.get(STAND_IN_VARIABLE)
        if stand_in and isinstance(graph_buffer, bytes) and is_compiled(graph_buffer):
            graph_buffer = read_graph(stand_in)
        try:
            super().allocate(device, graph_buffer)
        except Exception as error:
            if error.args == (double.Status.UNSUPPORTED_GRAPH_FILE,):
                print(f'simulated stick: cannot run the graph file: {error.__cause__}; the option '
                      '--stand-in people runs a detector in place of compiled ones',
                      file=sys.stderr, flush=True)
            raise
