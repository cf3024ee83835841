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

"""Between ROS messages and the data that the other folders work on."""

from cv_bridge import CvBridge
import numpy as np
from vision_msgs.msg import Detection2D
from vision_msgs.msg import Detection2DArray
from vision_msgs.msg import ObjectHypothesisWithPose

_bridge = CvBridge()


class BadImageError(ValueError):
    """An Image message that holds no usable picture; the text is one line."""


def bgr_image_of(message):
    """
    Return the picture in an Image message.

    A bgr8 message's own memory is used, without a copy; other encodings go through cv_bridge.

    :param message: sensor_msgs/Image of any encoding that cv_bridge turns into bgr8.
    :return: uint8 array, height x width x 3, blue-green-red; not to be written to.
    :raises BadImageError: sizes, data and encoding do not fit together.
    """
    height, width, step, size = message.height, message.width, message.step, len(message.data)
    attempt = f'image {width}x{height} {message.encoding!r} with step {step} and {size} bytes'
    if height < 1 or width < 1:
        raise BadImageError(f'{attempt}: expected at least 1x1 pixel')
    if step < width or size < step * height:
        raise BadImageError(f'{attempt}: expected {step * height} bytes and a step of at least '
                            f'{width}')
    if message.encoding == 'bgr8':
        if step < 3 * width:
            raise BadImageError(f'{attempt}: expected a step of at least {3 * width}')
        rows = np.frombuffer(message.data, dtype=np.uint8, count=step * height)
        return rows.reshape(height, step)[:, :3 * width].reshape(height, width, 3)
    try:
        return _bridge.imgmsg_to_cv2(message, 'bgr8')
    except Exception as error:   # cv_bridge lets errors of numpy, OpenCV and its own through
        reason = ' '.join(str(error).split())   # OpenCV's texts have several lines
        raise BadImageError(f'{attempt}: cannot be converted to bgr8 '
                            f'({type(error).__name__}: {reason})') from error


def detection_array_of(header, image_size, detections):
    """
    Return the Detection2DArray for one frame.

    :param header: the image's header; used as it is, in the array and in every detection.
    :param image_size: ``(height, width)`` in pixels.
    :param detections: iterable of Detection.
    """
    height, width = image_size
    array = Detection2DArray(header=header)
    array.detections = [_detection_2d(header, height, width, detection)
                        for detection in detections]
    return array


def _detection_2d(header, height, width, detection):
    message = Detection2D(header=header)
    hypothesis = ObjectHypothesisWithPose()
    hypothesis.hypothesis.class_id = detection.label
    hypothesis.hypothesis.score = detection.score
    message.results = [hypothesis]
    box = message.bbox
    box.center.position.x = (detection.x_min + detection.x_max) / 2 * width
    box.center.position.y = (detection.y_min + detection.y_max) / 2 * height
    box.size_x = (detection.x_max - detection.x_min) * width
    box.size_y = (detection.y_max - detection.y_min) * height
    return message
