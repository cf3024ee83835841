# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A detector whose camera is not calibrated, and one that is not asked for depth."""

from depth_camera import depth_of
from depth_camera import fresh_camera
from depth_camera import RECTANGLE
from ncs_cluster_detector.ros.image_messages import bgr_image_of


def test_without_intrinsics_there_is_no_position_but_a_cut_out():
    with fresh_camera() as camera:   # one that never had any
        for _ in range(10):
            positions, cut = camera.see(depth_of('16UC1'), '16UC1', info=False)
            assert not positions.detections
            if bgr_image_of(cut).any():
                break
    assert bgr_image_of(cut)[RECTANGLE].any()


def test_without_use_depth_there_is_nothing_of_it(start_detector, probe):
    start_detector(graph_paths='["shapes"]')
    probe.wait_for_running(1)
    topics = dict(probe.node.get_topic_names_and_types())
    assert not {'/detections_3d', '/markers', '/foreground_image', '/camera_info'} & set(topics)
