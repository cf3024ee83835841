# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Image, depth and camera_info messages of any sizes, encodings and values."""

import array

from fuzz_door import ANY_FLOAT
from fuzz_door import ANY_TEXT
from fuzz_door import door
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.detector_node.positions.camera_geometry import CameraInfos
from ncs_cluster_detector.detector_node.positions.camera_geometry import why_unusable
from ncs_cluster_detector.detector_node.positions.markers import marker_array_of
from ncs_cluster_detector.detector_node.positions.messages import depth_picture_of
from ncs_cluster_detector.detector_node.positions.messages import detection_3d_array_of
from ncs_cluster_detector.geometry.distance import box_slices
from ncs_cluster_detector.geometry.distance import cut_out
from ncs_cluster_detector.geometry.distance import object_depth
from ncs_cluster_detector.geometry.distance import ObjectDepth
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.ros.image_messages import BadImageError
from ncs_cluster_detector.ros.image_messages import bgr_image_of
import numpy as np
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import Image
from sensor_msgs.msg import RegionOfInterest
from std_msgs.msg import Header

ENCODINGS = ['mono8', 'mono16', 'rgb8', 'rgb16', 'bgr8', 'bgr16', 'rgba8', 'rgba16', 'bgra8',
             'bgra16', '8UC1', '8UC2', '8UC3', '8UC4', '16UC1', '16UC3', '16UC4', '32FC1', '64FC1',
             'yuv422', 'yuv422_yuy2', 'uyvy', 'yuyv', 'nv21', *(
                 f'bayer_{order}{bits}' for order in ('rggb', 'bggr', 'gbrg', 'grbg')
                 for bits in (8, 16))]
UINT32 = st.integers(0, 2**32 - 1) | st.integers(0, 64)
FRAME_IDS = st.sampled_from(['', 'eye', '/eye', 'other', 'ü' * 200, 'a\nb'])
FRACTION = st.integers(0, 1024).map(lambda steps: steps / 1024)


@st.composite
def images(draw, encodings, value_bytes=st.sampled_from([1, 2, 3, 4, 6, 8])):
    """Make an Image message whose numbers mostly fit together."""
    height, width = draw(st.integers(0, 40)), draw(st.integers(0, 40))
    step = width * draw(value_bytes) + draw(st.sampled_from([0, 0, 0, 1, 7, -1]))
    step = max(step, 0)
    # Bytes of hypothesis for the first values only: it is slow with many.
    start = draw(st.binary(max_size=64))
    data = (start + bytes(step * height))[:step * height]
    if draw(st.booleans()) and data:
        data = np.random.default_rng(draw(st.integers(0, 9))).bytes(len(data))
    message = Image(
        header=Header(frame_id=draw(FRAME_IDS)), height=height, width=width, step=step,
        encoding=draw(st.sampled_from(encodings) | st.text(max_size=300)),
        is_bigendian=draw(st.integers(0, 255)), data=array.array('B', data))
    for name in draw(st.lists(st.sampled_from(['height', 'width', 'step', 'data']), max_size=2)):
        if name == 'data':
            message.data = array.array('B', data[:draw(st.integers(0, len(data)))])
        else:
            setattr(message, name, draw(UINT32))
    return message


@st.composite
def boxes(draw):
    """Make a Detection as the network's reader gives it."""
    x_min, x_max = sorted(draw(st.lists(FRACTION, min_size=2, max_size=2, unique=True)))
    y_min, y_max = sorted(draw(st.lists(FRACTION, min_size=2, max_size=2, unique=True)))
    return Detection('person', draw(FRACTION), x_min, y_min, x_max, y_max)


@door(300, message=images(ENCODINGS))
def test_an_image_is_a_picture_or_refused(message):
    picture = taken_or_refused(lambda: bgr_image_of(message), BadImageError)
    if picture is not None:
        assert picture.shape == (message.height, message.width, 3)
        assert picture.dtype == np.uint8


@door(150, message=images(['16UC1', '32FC1'], st.sampled_from([2, 4])),
      found=st.lists(boxes(), max_size=4), values=st.lists(ANY_FLOAT, max_size=40))
def test_a_depth_image_gives_distances_or_is_refused(message, found, values):
    if message.encoding == '32FC1' and len(message.data) >= 4 * len(values):
        with np.errstate(over='ignore'):   # a float64 may be infinite as a float32
            start = np.array(values, np.float32).tobytes()
        message.data = array.array('B', start) + message.data[len(start):]
    depth = taken_or_refused(lambda: depth_picture_of(message), BadImageError)
    if depth is None:
        return
    pixels = depth.pixels
    assert pixels.shape == (message.height, message.width)
    objects = []
    for box in found:
        distance = object_depth(pixels[box_slices(box, *pixels.shape)])
        if distance is not None:
            assert np.isfinite(distance).all() and 0.0 < distance.distance <= 1000.0
            objects.append((box, distance))
    image = np.full((24, 32, 3), 200, np.uint8)
    cut = cut_out(image, pixels, objects)
    assert cut.shape == image.shape and (objects or not cut.any())


LENGTHS = st.sampled_from([500.0, 1.0, 0.0, -1.0, 1e-300, 1e300, 320.0]) | ANY_FLOAT


@st.composite
def infos(draw):
    """Make a CameraInfo message, of a usable camera or not."""
    k = [draw(LENGTHS) if draw(st.integers(0, 5)) == 0 else good
         for good in (500.0, 0.0, 320.0, 0.0, 400.0, 240.0, 0.0, 0.0, 1.0)]
    coefficients = st.floats(-1.0, 1.0) | st.floats(-1e-3, 1e-3) | ANY_FLOAT
    roi = RegionOfInterest(**{name: draw(st.sampled_from([0, 0, 0, 1, 320, 640]) | UINT32)
                              for name in ('x_offset', 'y_offset', 'width', 'height')})
    return CameraInfo(
        header=Header(frame_id=draw(FRAME_IDS)), k=k, roi=roi,
        width=draw(st.sampled_from([640, 640, 0]) | UINT32),
        height=draw(st.sampled_from([480, 480, 0]) | UINT32),
        binning_x=draw(st.sampled_from([0, 1, 2]) | UINT32),
        binning_y=draw(st.sampled_from([0, 1, 2]) | UINT32),
        distortion_model=draw(st.sampled_from(
            ['plumb_bob', 'rational_polynomial', 'equidistant', '']) | ANY_TEXT.filter(
                lambda text: text.isprintable() and text.isascii())),
        d=draw(st.sampled_from([0, 4, 5, 8, 12, 14]).flatmap(
            lambda number: st.lists(coefficients, min_size=number, max_size=number))
            | st.lists(ANY_FLOAT, max_size=120)))


@door(150, info=infos(), found=st.lists(boxes(), max_size=3), frame_id=FRAME_IDS,
      distance=st.floats(0.001, 1000.0))
def test_a_camera_info_gives_positions_or_says_why_not(info, found, frame_id, distance):
    kept = CameraInfos()
    kept.take(info, 1)
    why = why_unusable(kept.of(1), (640, 480), frame_id)
    if why:
        assert len(why) < 1000
        return
    objects = [(box, ObjectDepth(distance, distance, distance)) for box in found]
    positions = detection_3d_array_of(Header(frame_id=frame_id), (640, 480), info, objects)
    for detection in positions.detections:
        place, size = detection.bbox.center.position, detection.bbox.size
        assert np.isfinite([place.x, place.y, place.z, size.x, size.y, size.z]).all()
    marker_array_of(positions)
