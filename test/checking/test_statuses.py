# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Diagnostics of cameras, as the nodes publish them, are read with the name of each camera."""

from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import share_status
from made_up_run import status
from made_up_run import stick_status
from ncs_cluster_detector.checking.statuses import read_cameras
from ncs_cluster_detector.checking.statuses import read_statuses
from ncs_cluster_detector.checking.statuses import ReportedCamera
from ncs_cluster_detector.checking.statuses import ReportedCameraNode
from ncs_cluster_detector.ros.diagnostic_status import owner_of
import pytest


def test_what_the_detector_tells_of_each_camera_is_read_in_its_order():
    published = [cluster_status(), share_status('rear', 11.5, 7, 1, 'no image for 6 s'),
                 share_status('arm/wrist', 'unknown', 'unknown'), stick_status(0, 30.0)]
    assert read_cameras(published) == (
        ReportedCamera('rear', 1, 'no image for 6 s', 24.0, 11.5, 87.3, 143.1, 7),
        ReportedCamera('arm/wrist', 0, 'all is well', 24.0, None, 87.3, 143.1, 0))
    node, cluster, sticks = read_statuses(published)
    assert (node, cluster.dropped, len(sticks)) == (None, 16, 1)


@pytest.mark.parametrize('name', [
    'camera: front', 'front/camera: usb', 'detector: camera', 'detector: camera ',
    'my detector: camera front', 'detector: cameras'])
def test_nothing_else_is_a_camera_of_the_detector(name):
    assert read_cameras([status(name)]) == ()


@pytest.mark.parametrize('fully_qualified_name, node', [
    ('/camera', 'camera'), ('/camera/camera', 'camera'), ('/front/camera', 'front/camera'),
    ('/arm/wrist/camera', 'arm/wrist/camera')])
def test_a_camera_node_is_known_by_the_name_of_its_status(fully_qualified_name, node):
    told = status(f'{owner_of(fully_qualified_name)}: video', 2, 'away', frames_published=12)
    assert read_statuses([told])[0] == ReportedCameraNode(node, 2, 'away', 12)


@pytest.mark.parametrize('name', [
    'detector: camera front', 'detector: cluster', 'detector: camera: usb', 'mycamera: usb',
    'front/camera usb', 'camera'])
def test_nothing_else_is_a_camera_node(name):
    assert read_statuses([status(name)])[0] is None


def test_a_camera_node_without_a_namespace_is_that_of_the_only_camera():
    assert read_statuses([camera_status(5)])[0] == ReportedCameraNode(
        'camera', 0, 'all is well', 5)
