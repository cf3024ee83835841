# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fixtures for stick server nodes and detectors that use their sticks."""

import pytest

SHAPES = {'driver': 'simulated', 'graph_paths': "['shapes']", 'simulated.inference_ms': '20.0',
          'simulated.boot_ms': '20.0'}


@pytest.fixture
def start():
    """Return a function that starts a node in a namespace; all are ended after the test."""
    from node_harness import NodeProcess
    started = []

    def start_node(executable, namespace='/', remappings=(), **parameters):
        started.append(NodeProcess(executable, {**SHAPES, **parameters},
                                   remappings={'__ns': namespace, **dict(remappings)}))
        return started[-1]

    yield start_node
    for process in started:
        process.end()


@pytest.fixture
def start_server(start):
    """Return a function that starts a stick server, by default with one stick."""
    def start_one(namespace='/pi2', **parameters):
        return start('stick_server', namespace, **{'simulated.sticks': '1', **parameters})
    return start_one


@pytest.fixture
def start_remote(start):
    """Return a function that starts a detector, by default without sticks of its own."""
    def start_one(namespace='/', **parameters):
        return start('detector_node', namespace, **{
            'local_sticks': 'false', 'remote_hosts': "['*']", **parameters})
    return start_one
