# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Offers the fixtures of the tests of nodes."""

from camera_ear import Ear
from node_harness import NodeProcess
import pytest


@pytest.fixture
def start_camera():
    """Return a function that starts a camera node; all are ended after the test."""
    started = []

    def start(**parameters):
        started.append(NodeProcess('camera_node', parameters))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture
def ear(probe):
    """Return an Ear that listens."""
    listening = Ear(probe)
    listening.listen()
    return listening
