# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""ROS messages of images: names of topics, and conversions to and from them."""

import array
from typing import Any

import numpy as np
import numpy.typing as npt
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.publisher import Publisher
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from std_msgs.msg import Header

DEPTH_TOPIC = 'aligned_depth_to_color/image_raw'
DEPTH_INFO_TOPIC = 'aligned_depth_to_color/camera_info'
LARGEST_JPEG = 65500   # pixels a side; libjpeg's own limit

# By the layout of the values: the number of values of a pixel, and the name of OpenCV's code to
# blue-green-red that cv_bridge uses. OpenCV names a Bayer pattern by the second and third pixel of
# its second row: RGGB, whose second row is GBGB, is BayerBG. OpenCV itself is imported where it
# is needed, as a detector may never need it: 8 MB, and some 0.1 s once, in the thread of the
# first image that is not bgr8.
_LAYOUTS = {
    'mono': (1, 'COLOR_GRAY2BGR'),
    'rgb': (3, 'COLOR_RGB2BGR'),
    'bgr': (3, None),
    'rgba': (4, 'COLOR_RGBA2BGR'),
    'bgra': (4, 'COLOR_BGRA2BGR'),
    'bayer_rggb': (1, 'COLOR_BayerBG2BGR'),
    'bayer_bggr': (1, 'COLOR_BayerRG2BGR'),
    'bayer_gbrg': (1, 'COLOR_BayerGR2BGR'),
    'bayer_grbg': (1, 'COLOR_BayerGB2BGR'),
}
# By the encoding of a message: bytes of a value, number of values of a pixel, name of the code.
_FORMATS = {f'{layout}{8 * depth}': (depth, *_LAYOUTS[layout])
            for layout in _LAYOUTS for depth in (1, 2)}
# Encodings that name no colours mean what cv_bridge takes them for when it shows them.
_FORMATS.update({f'{8 * depth}UC{values}': (depth, *_LAYOUTS[layout])
                 for values, layout in ((1, 'mono'), (3, 'bgr'), (4, 'bgra'))
                 for depth in (1, 2)})
_FORMATS['yuv422'] = _FORMATS['uyvy'] = (1, 2, 'COLOR_YUV2BGR_UYVY')
_FORMATS['yuv422_yuy2'] = _FORMATS['yuyv'] = (1, 2, 'COLOR_YUV2BGR_YUY2')
_PAIRED = ('COLOR_YUV2BGR_UYVY', 'COLOR_YUV2BGR_YUY2')

_SHOWN_CHARACTERS = 32


class BadImageError(ValueError):
    """An Image message that holds no usable picture; the text is one line."""


def bgr_image_of(message: Image) -> npt.NDArray[np.uint8]:
    """
    Return the picture in an Image message.

    A bgr8 message (or 8UC3, which is the same) is used without a copy; OpenCV converts other
    encodings. Nothing is allocated before sizes and data are found to fit together, and then only
    a few times the size of the data.

    :param message: sensor_msgs/Image of any encoding that cv_bridge turns into bgr8; besides
        uyvy, yuyv, and 8UC and 16UC with 1, 3 or 4 channels. 65535 becomes 255.
    :return: uint8 array, height x width x 3, blue-green-red; not to be written to.
    :raises BadImageError: sizes, data and encoding do not fit together, by the rules of the
        cv_bridge of ROS.
    """
    height, width, step, size = message.height, message.width, message.step, len(message.data)
    attempt = (f'image {width}x{height} {message.encoding[:_SHOWN_CHARACTERS]!r} with step {step} '
               f'and {size} bytes')
    if message.encoding not in _FORMATS:
        raise BadImageError(f'{attempt}: expected an encoding with colours or grey that cv_bridge '
                            'turns into bgr8')
    depth, values, code = _FORMATS[message.encoding]
    if height < 1 or width < 1:
        raise BadImageError(f'{attempt}: expected at least 1x1 pixel')
    if step < width * values * depth or size != step * height:
        raise BadImageError(f'{attempt}: expected {step * height} bytes and a step of at least '
                            f'{width * values * depth}')
    if code in _PAIRED and width % 2:
        # OpenCV 4.6 does not refuse it, but reads in pairs, beyond the end of the picture.
        raise BadImageError(f'{attempt}: expected an even width, as two pixels share a colour')
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(height, step)
    rows = rows[:, :width * values * depth]
    if depth == 2:
        rows = _with_one_byte_a_value(rows, message.is_bigendian)
    pixels = rows.reshape(height, width, values)
    if code is None:
        return pixels
    import cv2
    try:
        return cv2.cvtColor(pixels, getattr(cv2, code))
    except cv2.error as error:
        reason = ' '.join(str(error).split())   # OpenCV's texts have several lines
        raise BadImageError(f'{attempt}: cannot be converted to bgr8 ({reason})') from error


def encoded_image_of(message: CompressedImage) -> npt.NDArray[np.uint8]:
    """
    Return the bytes of the file, JPEG or PNG, in a CompressedImage message, without a copy.

    :raises BadImageError: it is empty.
    """
    if not message.data:
        raise BadImageError(f'compressed image {message.format[:_SHOWN_CHARACTERS]!r} with 0 '
                            'bytes: expected a JPEG or PNG')
    return np.frombuffer(message.data, np.uint8)


def _with_one_byte_a_value(rows, is_bigendian):
    """Return rows of 16-bit values as 8-bit values, scaled as by cv_bridge: 65535 becomes 255."""
    import cv2
    pairs = np.ascontiguousarray(rows).view('>u2' if is_bigendian else '<u2')
    return cv2.convertScaleAbs(pairs.astype(np.uint16, copy=False), alpha=255 / 65535)


def image_message(header: Header, pixels: npt.NDArray[Any], encoding: str) -> Image:
    """Return an Image of pixels, height x width (x channels), in the encoding that they have."""
    height, width = pixels.shape[:2]
    data = _bytes_in(np.ascontiguousarray(pixels))
    return Image(header=header, height=height, width=width, encoding=encoding,
                 step=len(data) // height, data=data)


def compressed_message(header: Header, image_format: str,
                       data: npt.NDArray[np.uint8]) -> CompressedImage:
    """Return a CompressedImage with the bytes of an array, whatever its shape."""
    return CompressedImage(
        header=header, format=image_format, data=_bytes_in(np.ascontiguousarray(data)))


def publish_compressed(publisher: Publisher, header: Header, image: npt.NDArray[np.uint8],
                       logger: RcutilsLogger) -> None:
    """
    Publish a picture as image_transport's plugin for JPEG does, if anybody subscribes.

    :param publisher: of CompressedImage.
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
    import cv2
    publisher.publish(compressed_message(
        header, 'bgr8; jpeg compressed bgr8', cv2.imencode('.jpg', image)[1]))


def _bytes_in(values):
    data = array.array('B')   # the only type that rclpy copies at once
    data.frombytes(values.data.cast('B'))
    return data
