# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Choose a built-in detector to run in place of graph files that only the stick's chip can run."""

import os

# The name of the detector; child processes inherit it.
ENVIRONMENT_VARIABLE = 'NCS_STAND_IN_DETECTOR'


def stand_in_for(graph_buffer: bytes | str) -> bytes | str:
    """Return the graph to run: the stand-in's for a compiled one, any other unchanged."""
    # Imported here because it loads OpenCV, which the runner does not need.
    from ncs_cluster_detector.simulation.networks import graphs
    name = os.environ.get(ENVIRONMENT_VARIABLE)
    if name and isinstance(graph_buffer, bytes) and graphs.is_compiled(graph_buffer):
        return graphs.read_graph(name)
    return graph_buffer
