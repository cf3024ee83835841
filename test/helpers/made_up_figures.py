# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Made-up figures of cameras, as a Snapshot has them."""

from ncs_cluster_detector.supervision.snapshot import CameraSnapshot
from ncs_cluster_detector.supervision.snapshot import DroppedFrames


def camera_figures(image_at, input_fps=24.0, detection_fps=23.5, dropped=DroppedFrames()):
    """Return the CameraSnapshot of a camera whose last image came at ``image_at``."""
    return CameraSnapshot(input_fps, detection_fps, None, None, dropped, image_at)


def one_camera(image_at, **figures):
    """Return the fields ``frames`` and ``cameras`` of a Snapshot with one camera."""
    camera = camera_figures(image_at, **figures)
    return {'frames': camera, 'cameras': (camera,)}
