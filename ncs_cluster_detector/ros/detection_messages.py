# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""ROS messages of detections."""

from collections.abc import Sequence
from typing import Any

from std_msgs.msg import Header
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import ObjectHypothesisWithPose


class DetectionMessages:
    """
    Makes the Detection2DArray of one frame after the other.

    Their parts are made once and filled anew: to make those of a detection takes several times as
    long as to fill them.
    """

    def __init__(self) -> None:
        """Begin without parts."""
        self._array = Detection2DArray()
        self._parts: list[Detection2D] = []

    def array_of(self, header: Header, image_size: Sequence[int],
                 detections: Sequence[Any]) -> Detection2DArray:
        """
        Return the Detection2DArray for one frame; it is valid until the next call.

        :param header: the image's, used unchanged in the array and in every detection.
        :param image_size: ``(height, width)`` in pixels.
        """
        while len(self._parts) < len(detections):
            self._parts.append(Detection2D(results=[ObjectHypothesisWithPose()]))
        height, width = image_size
        parts = self._parts[:len(detections)]
        for part, detection in zip(parts, detections):
            part.header = header
            fill_hypothesis(part.results[0], detection)
            box = part.bbox
            box.center.position.x = (detection.x_min + detection.x_max) / 2 * width
            box.center.position.y = (detection.y_min + detection.y_max) / 2 * height
            box.size_x = (detection.x_max - detection.x_min) * width
            box.size_y = (detection.y_max - detection.y_min) * height
        self._array.header = header
        self._array.detections = parts
        return self._array


def fill_hypothesis(message: ObjectHypothesisWithPose, detection: Any) -> None:
    """Write label and score of a Detection into a message, whose pose stays."""
    message.hypothesis.class_id = detection.label
    message.hypothesis.score = detection.score
