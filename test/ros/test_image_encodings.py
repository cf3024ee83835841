# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Image messages of every encoding that is taken, and malformed ones among them."""

import array

import cv2
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import image_of_network_input
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.ros.image_messages import BadImageError
from ncs_cluster_detector.ros.image_messages import bgr_image_of
from ncs_cluster_detector.simulation.networks.shapes import detect_shapes
import numpy as np
import pytest
from sensor_msgs.msg import Image

NETWORK_SIZE = 300
PICTURE = np.random.default_rng(3).integers(0, 256, (24, 32, 3), dtype=np.uint8)
# Neither height nor width of the scene is even, except where two pixels share their colour.
HEIGHT, WIDTH, EVEN_WIDTH = 241, 321, 322


def grey_of(bgr):
    """Return the grey of a picture, height x width."""
    return cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)


def with_alpha(pixels):
    """Return three colours and an alpha, which is all but constant."""
    return np.dstack([pixels, pixels[:, :, 0]])


def mosaic(bgr, pattern):
    """Return what a sensor sees with these colour filters before each 2x2 pixels, row by row."""
    seen = np.empty(bgr.shape[:2], dtype=np.uint8)
    for index, colour in enumerate(pattern):
        part = (slice(index // 2, None, 2), slice(index % 2, None, 2))
        seen[part] = bgr[(*part, 'bgr'.index(colour))]
    return seen


def packed_yuv(bgr, luma_first):
    """Return YUV 4:2:2 by ITU-R BT.601, height x width x 2; pairs of pixels share a colour."""
    blue, green, red = np.moveaxis(bgr / 255, 2, 0)
    luma = 16 + 65.481 * red + 128.553 * green + 24.966 * blue
    chroma_blue = 128 - 37.797 * red - 74.203 * green + 112.0 * blue
    chroma_red = 128 + 112.0 * red - 93.786 * green - 18.214 * blue
    chroma = np.empty_like(luma)
    chroma[:, 0::2] = (chroma_blue[:, 0::2] + chroma_blue[:, 1::2]) / 2
    chroma[:, 1::2] = (chroma_red[:, 0::2] + chroma_red[:, 1::2]) / 2
    planes = (luma, chroma) if luma_first else (chroma, luma)
    return np.rint(np.dstack(planes)).astype(np.uint8)


ENCODERS = {
    'mono8': grey_of,
    'rgb8': lambda bgr: bgr[:, :, ::-1],
    'bgr8': lambda bgr: bgr,
    'rgba8': lambda bgr: with_alpha(bgr[:, :, ::-1]),
    'bgra8': with_alpha,
    'bayer_rggb8': lambda bgr: mosaic(bgr, 'rggb'),
    'bayer_bggr8': lambda bgr: mosaic(bgr, 'bggr'),
    'bayer_gbrg8': lambda bgr: mosaic(bgr, 'gbrg'),
    'bayer_grbg8': lambda bgr: mosaic(bgr, 'grbg'),
    'yuv422': lambda bgr: packed_yuv(bgr, luma_first=False),
    'yuv422_yuy2': lambda bgr: packed_yuv(bgr, luma_first=True),
    '8UC1': grey_of, '8UC3': lambda bgr: bgr, '8UC4': with_alpha,
}
DEEP = {encoding.replace('8', '16', 1): encoding for encoding in ENCODERS if 'yuv' not in encoding}
ENCODERS['uyvy'] = ENCODERS['yuv422']
ENCODERS['yuyv'] = ENCODERS['yuv422_yuy2']
ENCODINGS = [*ENCODERS, *DEEP]
PAIRED = ('yuv', 'uyvy', 'yuyv')
LOSSY = ('bayer', *PAIRED)
GREY = ('mono', '8UC1', '16UC1')


def message_of(bgr, encoding, padding=0, is_bigendian=False):
    """Return an Image message with a picture in an encoding; padding is in bytes of a row."""
    pixels = ENCODERS[DEEP.get(encoding, encoding)](bgr)
    height, width = pixels.shape[:2]
    if encoding in DEEP:
        # Two equal bytes would not tell the byte orders apart; these still round to the value.
        noise = np.random.default_rng(5).integers(-128, 129, pixels.shape)
        wide = (pixels * np.int64(257) + noise).clip(0, 65535)
        pixels = wide.astype('>u2' if is_bigendian else '<u2')
    rows = np.ascontiguousarray(pixels).reshape(height, -1).view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=0xA5)
    return Image(height=height, width=width, encoding=encoding, step=rows.shape[1],
                 is_bigendian=is_bigendian, data=array.array('B', rows.tobytes()))


def scene_for(encoding):
    """Return a picture with a blue, a green and a red rectangle."""
    width = EVEN_WIDTH if encoding.startswith(PAIRED) else WIDTH
    scene = np.full((HEIGHT, width, 3), 40, dtype=np.uint8)
    for channel in range(3):
        left, top = 27 + channel * 107, 48 + channel * 27
        scene[top:top + 80, left:left + 53] = np.eye(3, dtype=np.uint8)[channel] * 255
    return scene


def expected_of(bgr, encoding):
    """Return what is left of a picture in an encoding: only grey encodings lose anything."""
    return np.dstack([grey_of(bgr)] * 3) if encoding.startswith(GREY) else bgr


def boxes_in(image):
    """Return what the detector shapes finds: rows of class and box in pixels of the network."""
    size = NETWORK_SIZE, NETWORK_SIZE
    tensor = Preprocessor().network_input(image, NetworkInput(size))
    found = sorted(detect_shapes(image_of_network_input(tensor, size, 'bgr')))
    return np.array([(row[0], *np.multiply(row[2:], NETWORK_SIZE)) for row in found])


@pytest.mark.parametrize('is_bigendian', [False, True])
@pytest.mark.parametrize('padding', [0, 7])
@pytest.mark.parametrize('encoding', ENCODINGS)
def test_every_encoding_gives_the_picture_and_the_same_boxes(encoding, padding, is_bigendian):
    scene = scene_for(encoding)
    expected = expected_of(scene, encoding)
    image = bgr_image_of(message_of(scene, encoding, padding, is_bigendian))
    assert (image.shape, image.dtype) == (scene.shape, np.uint8)
    if encoding.startswith(LOSSY):
        # Beside an edge colours are mixed from both sides; elsewhere only rounding is left.
        square = np.ones((5, 5), dtype=np.uint8)
        even = (cv2.dilate(scene, square) == cv2.erode(scene, square)).all(axis=2)
        assert even.mean() > 0.9
        assert np.abs(image.astype(int) - expected)[even].max() <= 3
    else:
        np.testing.assert_array_equal(image, expected)
    boxes = boxes_in(image)
    assert len(boxes) == (0 if encoding.startswith(GREY) else 3)
    np.testing.assert_allclose(boxes, boxes_in(expected), rtol=0, atol=2.0)


@pytest.mark.parametrize('encoding', [name for name in ENCODINGS if not name.startswith(LOSSY)])
def test_every_value_of_every_channel_is_kept(encoding):
    image = bgr_image_of(message_of(PICTURE, encoding, padding=3, is_bigendian=True))
    np.testing.assert_array_equal(image, expected_of(PICTURE, encoding))


@pytest.mark.parametrize('encoding', ENCODINGS)
def test_a_picture_may_be_tiny(encoding):
    pixels = PICTURE[:1, :2 if encoding.startswith(PAIRED) else 1]
    assert bgr_image_of(message_of(pixels, encoding)).shape == pixels.shape


@pytest.mark.parametrize('encoding', [name for name in ENCODINGS if name.startswith(PAIRED)])
def test_pixels_that_share_a_colour_come_in_pairs(encoding):
    message = message_of(PICTURE, encoding)
    message.width -= 1
    with pytest.raises(BadImageError, match='expected an even width'):
        bgr_image_of(message)


def test_a_node_drops_malformed_images_and_detects_on_with_any_encoding(probe, start_detector):
    node = start_detector(**{'graph_paths': "['shapes']", 'simulated.sticks': '1'})
    # So small that no message is lost on the way: each is sent once.
    scene = np.ascontiguousarray(scene_for('rgb16')[::3, ::3])
    probe.detect(scene)
    before = int(probe.next_status('detector: cluster')['frames_dropped'])
    for count, change in enumerate((
            {'encoding': ''}, {'width': 2**32 - 1}, {'step': 191}, {'data': array.array('B')},
            {'data': array.array('B', bytes(24 * 192 + 1))}), start=1):
        message = message_of(PICTURE, 'rgb16')
        for name, value in change.items():
            setattr(message, name, value)
        probe.publish(message)
        probe.wait_for(lambda: probe.status('detector: cluster')[1]['frames_dropped'] ==
                       str(before + count))
    good = message_of(scene, 'rgb16', padding=7, is_bigendian=True)
    good.header.frame_id = 'sixteen bits'
    probe.publish(good)
    answer = probe.wait_for(lambda: next(
        (array_message for array_message in probe.detections
         if array_message.header == good.header), None))
    assert len(answer.detections) == 3
    probe.detect(scene)
    assert node.output.count('further bad images are only counted') == 1
    assert node.output.count('[ERROR]') == 1
