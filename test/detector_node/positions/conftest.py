# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fixtures of the tests that share one detector with depth, for a module each."""

from depth_camera import depth_of
from depth_camera import fresh_camera
from depth_camera import seen
import pytest


@pytest.fixture(scope='module')
def shared_camera():
    """Return a DepthCamera that the tests of this module share."""
    with fresh_camera() as camera:
        yield camera


@pytest.fixture
def camera(shared_camera):
    """Return a DepthCamera whose positions are known, before a detector that begins to talk."""
    assert shared_camera.probe.set_parameter('depth_timeout_ms', 200)[0]
    seen(shared_camera, depth_of('16UC1'), '16UC1')
    shared_camera.process.forget()
    return shared_camera
