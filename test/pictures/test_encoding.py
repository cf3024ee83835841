# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Pictures on their way to another host: their size, and their JPEG."""

import cv2
from drawn_objects import OBJECTS
from drawn_objects import picture
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.pictures.decoding import decode_message
from ncs_cluster_detector.pictures.encoding import jpeg_of
from ncs_cluster_detector.pictures.encoding import JpegEncoder
from ncs_cluster_detector.pictures.encoding import MOST_BYTES_A_PIXEL
from ncs_cluster_detector.pictures.encoding import shrunk
from ncs_cluster_detector.pictures.head import START_OF_FRAME
from ncs_cluster_detector.simulation.networks.shapes import detect_shapes
import numpy as np
import pytest

SIZE = 300, 300
QUALITY = next(spec.default for spec in PARAMETERS if spec.name == 'remote_jpeg_quality')


def noise(width, height):
    """Return a picture whose pixels have nothing in common."""
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def sampling_of(data):
    """Return the sampling factors of a JPEG's colour channels: (across, down) of each."""
    content, at = data.tobytes(), 2
    while content[at + 1] not in START_OF_FRAME:
        at += 2 + int.from_bytes(content[at + 2:at + 4], 'big')
    channels = content[at + 9]
    return [divmod(content[at + 11 + 3 * channel], 16) for channel in range(channels)]


@pytest.mark.parametrize('size', [(640, 480), (1280, 720), (301, 300), (240, 640)])
def test_a_larger_picture_becomes_the_input_of_the_networks(size):
    image = noise(*size)
    small = shrunk(image, SIZE)
    assert small.shape == (300, 300, 3) and small.dtype == np.uint8
    preprocessor = Preprocessor()   # a stick of this host sees the very same
    assert np.array_equal(preprocessor.network_input(small, NetworkInput(SIZE)),
                          preprocessor.network_input(image, NetworkInput(SIZE)))


@pytest.mark.parametrize('size', [(320, 240), (300, 300), (16, 16)])
def test_a_picture_that_has_fewer_pixels_stays_as_it_is(size):
    image = noise(*size)
    assert shrunk(image, SIZE) is image


def test_width_and_height_are_not_mistaken_for_each_other():
    assert shrunk(noise(1280, 720), (512, 384)).shape == (384, 512, 3)


def test_a_region_of_a_picture_is_shrunk_and_encoded():
    image = noise(1280, 720)
    part = image[100:500, 300:1000]
    assert not part.flags.c_contiguous
    assert np.array_equal(shrunk(part, SIZE), shrunk(part.copy(), SIZE))
    assert np.array_equal(jpeg_of(part, QUALITY), jpeg_of(part.copy(), QUALITY))


def test_every_channel_has_all_of_its_pixels():
    assert sampling_of(jpeg_of(noise(*SIZE), QUALITY)) == [(1, 1)] * 3
    halved = cv2.imencode('.jpg', noise(*SIZE), [
        cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420])[1]
    assert sampling_of(halved) == [(2, 2), (1, 1), (1, 1)]


def test_an_older_opencv_without_a_choice_of_sampling_encodes_all_the_same(monkeypatch):
    monkeypatch.delattr(cv2, 'IMWRITE_JPEG_SAMPLING_FACTOR')
    assert decode_message(jpeg_of(noise(*SIZE), QUALITY)).shape == (300, 300, 3)


def test_a_lower_quality_is_smaller_and_differs_more():
    image = shrunk(picture(), SIZE)
    sent = [jpeg_of(image, quality) for quality in (1, 50, QUALITY, 100)]
    errors = [np.abs(decode_message(data).astype(int) - image).mean() for data in sent]
    assert sorted(data.size for data in sent) == [data.size for data in sent]
    assert sorted(errors, reverse=True) == errors
    assert all(data.ndim == 1 and data.dtype == np.uint8 for data in sent)


def test_colours_stay_with_their_channel():
    image = np.full((300, 300, 3), (200, 60, 20), np.uint8)   # mostly blue
    sent = decode_message(jpeg_of(image, QUALITY))
    assert np.abs(sent.astype(int) - image).max() <= 3


@pytest.mark.parametrize('size', [(640, 480), (1280, 720), (320, 240), (300, 300)])
def test_the_shapes_of_simulated_sticks_are_found_to_a_pixel_after_the_default_jpeg(size):
    image = cv2.resize(picture(), size, interpolation=cv2.INTER_AREA)
    sent = decode_message(jpeg_of(shrunk(image, SIZE), QUALITY))
    rows = detect_shapes(cv2.resize(sent, SIZE, interpolation=cv2.INTER_LINEAR))
    found, unusable = ssd.decode(ssd.encode(rows), PASCAL_VOC)
    assert unusable == 0
    boxes = {box.label: np.multiply(box[2:], SIZE[0]) for box in found}
    assert len(found) == len(OBJECTS) == len(boxes)
    for label, _, drawn in OBJECTS:
        expected = np.array(drawn) / (640, 480, 640, 480) * SIZE[0]
        assert np.abs(boxes[label] - expected).max() <= 1.0, label


def noisy(seed=1):
    return np.random.default_rng(seed).integers(0, 256, (300, 300, 3), dtype=np.uint8)


def test_a_picture_of_noise_does_not_fill_the_link():
    assert len(jpeg_of(noisy(), 95)) > 150_000
    encoder = JpegEncoder(95)
    sizes = [len(encoder.encode(noisy(seed))) for seed in range(20)]
    assert max(sizes) <= MOST_BYTES_A_PIXEL * 300 * 300
    assert min(sizes) > 50_000   # as good as there is room for


def test_after_noise_the_quality_comes_back():
    encoder, calm = JpegEncoder(95), np.full((300, 300, 3), 90, np.uint8)
    best = bytes(encoder.encode(calm))
    encoder.encode(noisy())
    assert bytes(encoder.encode(calm)) != best
    assert any(bytes(encoder.encode(calm)) == best for _ in range(50))


@pytest.mark.parametrize('quality', [1, 30, 50])
def test_a_low_quality_is_never_raised(quality):
    encoder = JpegEncoder(quality)
    assert bytes(encoder.encode(noisy())) == bytes(jpeg_of(noisy(), quality))


def test_a_small_picture_has_the_quality_that_is_wanted():
    small = noisy()[:40, :60]
    assert bytes(JpegEncoder(95).encode(small)) == bytes(jpeg_of(small, 95))
