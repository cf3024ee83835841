# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The smallest ROS 2 node that does a detector's part: an image in, one detection out."""

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import ObjectHypothesisWithPose


class BareNode(Node):

    def __init__(self) -> None:
        super().__init__('bare')
        self.publisher = self.create_publisher(Detection2DArray, 'detections', 10)
        self.subscription = self.create_subscription(
            Image, 'image_raw', self.on_image,
            QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))

    def on_image(self, image: Image) -> None:
        detection = Detection2D()
        detection.header = image.header
        detection.bbox.center.position.x = 120.0
        detection.bbox.center.position.y = 90.0
        detection.bbox.size_x = 80.0
        detection.bbox.size_y = 60.0
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = 'cat'
        result.hypothesis.score = 0.9
        detection.results.append(result)
        array = Detection2DArray()
        array.header = image.header
        array.detections.append(detection)
        self.publisher.publish(array)


def main() -> None:
    rclpy.init()
    try:
        rclpy.spin(BareNode())
    except (KeyboardInterrupt, rclpy.executors.ExternalShutdownException):
        pass   # the usual end


if __name__ == '__main__':
    main()
