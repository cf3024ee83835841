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

"""Depth pictures in, detections with positions out."""

from ncs_cluster_detector.detection.projection import position_of
from ncs_cluster_detector.nodes.conversions import BadImageError
from ncs_cluster_detector.nodes.conversions import hypothesis_of
import numpy as np
from vision_msgs.msg import Detection3D
from vision_msgs.msg import Detection3DArray

# REP 118: whole millimetres, 0 = unknown, or metres, NaN and infinite = unknown.
DEPTH_TYPES = {'16UC1': np.dtype(np.uint16), '32FC1': np.dtype(np.float32)}

# How many coefficients OpenCV's functions take for a distortion model.
COEFFICIENTS = {'equidistant': (4,)}
OTHER_COEFFICIENTS = (4, 5, 8, 12, 14)


def depth_picture_of(message):
    """
    Return the depth in an Image message, in the message's own memory where that is possible.

    :param message: sensor_msgs/Image, 16UC1 in millimetres or 32FC1 in metres.
    :return: uint16 or float32 array, height x width; not to be written to.
    :raises BadImageError: it is neither, or its sizes do not fit together.
    """
    height, width, step, size = message.height, message.width, message.step, len(message.data)
    attempt = (f'depth image {width}x{height} {message.encoding[:32]!r} with step {step} and '
               f'{size} bytes')
    if message.encoding not in DEPTH_TYPES:
        raise BadImageError(f'{attempt}: expected 16UC1 (millimetres) or 32FC1 (metres)')
    depth_type = DEPTH_TYPES[message.encoding]
    row = width * depth_type.itemsize
    if height < 1 or width < 1 or step < row or size != step * height:
        raise BadImageError(f'{attempt}: expected {step * height} bytes, a step of at least '
                            f'{row} and at least 1x1 pixel')
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(height, step)[:, :row]
    order = '>' if message.is_bigendian else '<'
    depth = np.ascontiguousarray(rows).view(depth_type.newbyteorder(order))
    return depth.astype(depth_type, copy=False)


def why_unusable(info, width, height):
    """
    Return why a CameraInfo tells no positions in an image of this size, or an empty text.

    :param info: sensor_msgs/CameraInfo, or None if none came.
    """
    if info is None:
        return 'no camera_info came; connect the topic camera_info to that of the camera'
    if info.k[0] <= 0.0 or info.k[4] <= 0.0:
        return 'camera_info is not calibrated; give the camera a calibration (camera_info_url)'
    if not np.isfinite(info.k).all() or not np.isfinite(info.d).all():
        return 'camera_info holds values that are not finite; calibrate the camera again'
    expected = COEFFICIENTS.get(info.distortion_model, OTHER_COEFFICIENTS)
    if np.any(info.d) and len(info.d) not in expected:
        return (f'camera_info has {len(info.d)} coefficients of the model '
                f'{info.distortion_model!r}, expected ' + ', '.join(map(str, expected))
                + '; calibrate the camera again')
    if info.width and info.height and (info.width, info.height) != (width, height):
        return (f'camera_info is for {info.width}x{info.height}, the images are {width}x{height}; '
                'connect those that belong together')
    return ''


def detection_3d_array_of(header, image_size, info, objects):
    """
    Return the Detection3DArray for one frame.

    :param header: the image's header; used as it is, in the array and in every detection.
    :param image_size: ``(height, width)`` in pixels.
    :param info: sensor_msgs/CameraInfo of images of this size.
    :param objects: iterable of ``(Detection, ObjectDepth)``.
    """
    array = Detection3DArray(header=header)
    array.detections = [_detection_3d(header, image_size, info, detection, depth)
                        for detection, depth in objects]
    return array


def _detection_3d(header, image_size, info, detection, depth):
    height, width = image_size
    corners = [
        position_of((x * width, y * height), depth.distance, info.k, info.d, info.distortion_model)
        for x, y in ((detection.x_min, detection.y_min), (detection.x_max, detection.y_max))]
    middle = ((detection.x_min + detection.x_max) / 2 * width,
              (detection.y_min + detection.y_max) / 2 * height)
    message = Detection3D(header=header)
    box = message.bbox
    place = box.center.position
    place.x, place.y, place.z = position_of(
        middle, depth.distance, info.k, info.d, info.distortion_model)
    box.size.x, box.size.y = (abs(high - low) for low, high in zip(*(c[:2] for c in corners)))
    box.size.z = depth.farthest - depth.nearest
    hypothesis = hypothesis_of(detection)
    hypothesis.pose.pose.position = place
    message.results = [hypothesis]
    return message
