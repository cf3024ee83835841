# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What both nodes know of image topics: the names of those for depth, and how to compress."""

import array

import cv2
import numpy as np
import numpy.typing as npt
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

DEPTH_TOPIC = 'aligned_depth_to_color/image_raw'
DEPTH_INFO_TOPIC = 'aligned_depth_to_color/camera_info'
LARGEST_JPEG = 65500   # pixels a side; libjpeg's own limit


def publish_compressed(publisher: Publisher, header: Header, image: npt.NDArray[np.uint8],
                       logger: RcutilsLogger) -> None:
    """
    Publish a picture as image_transport's plugin for JPEG does, if anybody subscribes.

    :param publisher: a publisher of CompressedImage.
    :param header: std_msgs/Header.
    :param image: uint8 array, height x width x 3, blue-green-red.
    :param logger: gets one warning about pictures that are too large for the format.
    """
    if not publisher.get_subscription_count():
        return
    height, width = image.shape[:2]
    if max(height, width) > LARGEST_JPEG:
        logger.warning(f'image {width}x{height} on {publisher.topic_name}: left out, a JPEG has '
                       f'at most {LARGEST_JPEG} pixels a side; take smaller images', once=True)
        return
    data = array.array('B')
    data.frombytes(cv2.imencode('.jpg', image)[1].data)
    publisher.publish(
        CompressedImage(header=header, format='bgr8; jpeg compressed bgr8', data=data))
