# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads depth images, and makes the message of detections with positions."""

from collections.abc import Iterable
from dataclasses import dataclass

from ncs_cluster_detector.detector_node.positions.camera_geometry import differ
from ncs_cluster_detector.detector_node.positions.camera_geometry import quoted
from ncs_cluster_detector.detector_node.positions.camera_geometry import rays
from ncs_cluster_detector.geometry.distance import ObjectDepth
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.ros.detection_messages import fill_hypothesis
from ncs_cluster_detector.ros.image_messages import BadImageError
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection3D
from vision_msgs.msg import Detection3DArray
from vision_msgs.msg import ObjectHypothesisWithPose

# REP 118: whole millimetres, 0 = unknown, or metres, NaN and infinite = unknown.
DEPTH_TYPES = {'16UC1': np.dtype(np.uint16), '32FC1': np.dtype(np.float32)}
ALIGN = ('connect the depth that is aligned to the image (align_depth.enable of realsense-ros, or '
         'register of depth_image_proc)')


@dataclass(frozen=True, eq=False)   # two pictures are never the same one
class DepthPicture:
    """
    The depth in an Image message, and its frame.

    ``pixels`` is uint16 in millimetres or float32 in metres, height x width; not to be written to.
    """

    pixels: npt.NDArray[np.uint16] | npt.NDArray[np.float32]
    frame_id: str


def depth_picture_of(message: Image) -> DepthPicture:
    """
    Return the DepthPicture of an Image message, in its own memory where that is possible.

    :param message: 16UC1 in millimetres or 32FC1 in metres.
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
    return DepthPicture(depth.astype(depth_type, copy=False), message.header.frame_id)


def why_unfit(depth: DepthPicture, image_size: tuple[int, int], frame_id: str) -> str:
    """Return why depth does not fit an image pixel by pixel, or an empty text."""
    if differ(depth.frame_id, frame_id):
        return (f'the depth images have the frame_id {quoted(depth.frame_id)}, the images have '
                f'{quoted(frame_id)}; {ALIGN}')
    height, width = depth.pixels.shape
    if (width, height) != image_size:
        return (f'the depth images are {width}x{height}, the images are '
                f'{image_size[0]}x{image_size[1]}; {ALIGN}')
    return ''


def detection_3d_array_of(header: Header, image_size: tuple[int, int], info: CameraInfo | None,
                          objects: Iterable[tuple[Detection, ObjectDepth]]) -> Detection3DArray:
    """
    Return the Detection3DArray for one frame.

    Where the model of the lens cannot be inverted there are no rays. An object whose centre lies
    there has no position and is left out; one with a corner of its box there has no size: width
    and height are 0.

    :param header: the image's, used unchanged in the array and in every detection.
    :param image_size: ``(width, height)`` in pixels.
    :param info: that of the image; None only without objects.
    """
    objects = list(objects)
    array = Detection3DArray(header=header)
    if objects:
        # The corner of each box near the origin, its centre, and the opposite corner.
        corners = np.array([[(each.x_min, each.y_min), (each.x_max, each.y_max)]
                            for each, _ in objects])
        places = np.stack([corners[:, 0], corners.mean(axis=1), corners[:, 1]], axis=1)
        directions = rays(info, (places * image_size).reshape(-1, 2)).reshape(-1, 3, 2)
        array.detections = [
            _detection_3d(header, detection, depth, of_box * depth.distance)
            for (detection, depth), of_box in zip(objects, directions)
            if np.isfinite(of_box[1]).all()]
    return array


def _detection_3d(header, detection, depth, places):
    low, middle, high = places.tolist()
    message = Detection3D(header=header)
    box = message.bbox
    place = box.center.position
    place.x, place.y, place.z = *middle, depth.distance
    if np.isfinite([low, high]).all():
        box.size.x, box.size.y = (abs(far - near) for near, far in zip(low, high))
    box.size.z = depth.farthest - depth.nearest
    hypothesis = ObjectHypothesisWithPose()
    fill_hypothesis(hypothesis, detection)
    hypothesis.pose.pose.position = place
    message.results = [hypothesis]
    return message
