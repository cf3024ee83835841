# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A camera whose pictures and depth tell whose they are and which: each message is checked."""

from depth_camera import WALL_METRES
from ncs_cluster_detector.drawing.colours import DARK
from ncs_cluster_detector.drawing.colours import label_colour
from ncs_cluster_detector.drawing.text import text_height
from ncs_cluster_detector.drawing.text import text_tile
from ncs_cluster_detector.ros.image_messages import bgr_image_of
import numpy as np
from ranging_camera import RangingCamera
from sensor_msgs.msg import Image
from several_cameras import HEARD
from several_cameras import key_of
from visualization_msgs.msg import Marker
from visualization_msgs.msg import MarkerArray

# The camera and the number of a picture are written in grey squares along its left edge, where
# neither labels nor the strip are drawn.
SQUARE, DIGITS, BASE = 8, 6, 16
# Pictures that follow each other differ in the distance, in steps of 1 cm, and in the car's shade.
DISTANCES, SHADES = 37, 17


class Checked:
    """
    Takes messages as a list does, checks each, and keeps only the newest.

    ``numbers`` are those of the pictures that the messages are of, ``complete`` is how many of
    the messages show a car, with its distance where there is one, and ``wrong`` says what was
    wrong about the others.
    """

    def __init__(self, check):
        """Begin; ``check`` returns of a message the picture's number and if it is complete."""
        self.numbers, self.complete, self.wrong = [], 0, []
        self._check, self._newest = check, []

    def __len__(self):
        """Return how many came."""
        return len(self.numbers)

    def __reversed__(self):
        """Return the newest, the newest first."""
        return reversed(self._newest)

    def append(self, message):
        """Take a message."""
        self._newest = [*self._newest[-9:], message]
        try:
            number, is_complete = self._check(message)
            assert not self.numbers or number > self.numbers[-1], 'out of order, or twice'
        except AssertionError as error:
            self.wrong.append(f'{error}: {str(message)[:300]}')
            return
        self.numbers.append(number)
        self.complete += is_complete


class CodedCamera(RangingCamera):
    """
    A camera with depth, on whose topics only what is of its own pictures may come.

    Its size, the squares, the shade of the car and the distance are its own. No two of its
    pictures have the same squares; those with the same place and shade of the car are 595 apart,
    those with the same place and distance 1,295.
    """

    def __init__(self, probe, name, index, size, transport):
        """Make it; ``index`` tells it from others, 0 to 2."""
        self.index, self.heard = index, {}
        super().__init__(probe, name, 0.5 * (index + 1), transport, 1000 * (index + 1), size)
        self.hear(Image, 'foreground_image')
        self.hear(MarkerArray, 'markers')

    def hear(self, message_type, topic):
        """Subscribe to a topic, each of whose messages is checked."""
        check = getattr(self, f'_check_{topic}')

        def check_one(message):
            header = message.markers[0].header if topic == 'markers' else message.header
            assert key_of(header) in self.sent, f'{self.name}: not a header of this camera'
            return self.number_of(header), check(message, header)

        self.heard[topic] = Checked(check_one)
        self.probe.listen(message_type, f'{self.prefix}{topic}', self.heard[topic], HEARD)
        return self.heard[topic]

    def number_of(self, header):
        """Return the number of the picture with a header."""
        passed_ns = (header.stamp.sec - 1000 * (self.index + 1)) * 10**9 + header.stamp.nanosec
        return passed_ns // 1_000_003 - 1

    def picture(self):
        """Return the next picture, the box of the car in it, and its grey."""
        image, box, grey = super(RangingCamera, self).picture()
        number = len(self.sent)
        image[box[1]:box[3], box[0]:box[2]] = self.shade(number)
        image[:SQUARE * DIGITS, :SQUARE] = self.squares(number)
        self._box = box
        return image, box, grey

    def squares(self, number):
        """Return the upper left part of a picture."""
        digits = [self.index, *(number // BASE**place % BASE for place in range(DIGITS - 1))]
        levels = np.repeat(np.array(digits, np.uint8) * 10 + 40, SQUARE)
        return np.broadcast_to(levels[:, np.newaxis, np.newaxis], (len(levels), SQUARE, 3))

    def shade(self, number):
        """Return the colour of the car in a picture: blue enough for the network."""
        return 255, number % SHADES, 1 + 8 * self.index

    def distance(self, number):
        """Return the distance of the car in a picture, in metres."""
        return self.metres + number % DISTANCES / 100

    def matrix(self):
        """Return the matrix of its lens."""
        height, width = self.size
        return [width, 0.0, width / 2, 0.0, width, height / 2, 0.0, 0.0, 1.0]

    def depth(self):
        """Return the depth of the picture that is being shown, in metres."""
        depth = np.full(self.size, WALL_METRES, np.float32)
        left, top, right, bottom = self._box
        depth[top:bottom, left:right] = self.distance(len(self.sent))
        return depth

    def _check_detections(self, message, header):
        for found in _cars(message, header):
            self.check_box(found, self.sent[key_of(header)][0])
        return bool(message.detections)

    def _check_annotated_image(self, message, header):
        number, (box, grey) = self.number_of(header), self.sent[key_of(header)]
        pixels = bgr_image_of(message)
        assert pixels.shape == (*self.size, 3), 'the size is that of another camera'
        assert (pixels[:SQUARE * DIGITS, :SQUARE] == self.squares(number)).all(), (
            'another picture')
        assert (pixels[0, -1] == grey).all(), 'another grey'
        middle = pixels[(box[1] + box[3]) // 2, (box[0] + box[2]) // 2]
        assert (middle == self.shade(number)).all(), 'the car of another picture'
        return self._has_distance(pixels, number, box)

    def _has_distance(self, pixels, number, box):
        """Check that above the car is nothing, or its label with its distance or without one."""
        height, width = self.size
        for text in (f'car 90%  {self.distance(number):.2f} m', 'car 90%'):
            tile = text_tile(text, text_height(width, height), DARK, label_colour('car'))
            rows, columns = tile.shape[:2]
            # A box is exact to a pixel.
            for left in range(box[0] - 1, box[0] + 2):
                left = max(min(left, width - columns), 0)
                for top in range(max(box[1] - rows - 1, 0), box[1] - rows + 2):
                    if np.array_equal(pixels[top:top + rows, left:left + columns], tile):
                        return 'm' in text
        assert (pixels[box[1] - 3, box[0] + 3] == pixels[0, -1]).all(), 'the label of another one'
        return False

    def _check_detections_3d(self, message, header):
        for found in _cars(message, header):
            self._check_place(found.bbox.center.position, header)
        return bool(message.detections)

    def _check_place(self, place, header):
        distance = self.distance(self.number_of(header))
        assert abs(place.z - distance) < 0.001, f'{self.name}: {place.z} m, not {distance} m'
        (height, width), (left, top, right, bottom) = self.size, self.sent[key_of(header)][0]
        expected = np.array([left + right - width, top + bottom - height]) / 2 / width * distance
        off = np.abs(expected - (place.x, place.y)) / distance * 300
        assert off.max() <= 2.0, f'{self.name}: the place of another car'

    def _check_foreground_image(self, message, header):
        number, (left, top, right, bottom) = self.number_of(header), self.sent[key_of(header)][0]
        pixels = bgr_image_of(message)
        assert pixels.shape == (*self.size, 3), 'the size is that of another camera'
        if not pixels.any():
            return False   # no depth came, or the score is too low
        assert (pixels[top + 1:bottom - 1, left + 1:right - 1] == self.shade(number)).all(), (
            'the car of another picture')
        around = pixels.any(axis=2)
        around[top:bottom, left:right] = False
        assert not around.any(), 'more than the car'
        return True

    def _check_markers(self, message, header):
        first, *others = message.markers
        assert first.action == Marker.DELETEALL, 'it does not begin with DELETEALL'
        assert [marker.ns for marker in others] in ([], ['box', 'label']), 'there is one car'
        for marker in others:
            assert marker.header == header, 'another header inside'
        if others:
            self._check_place(others[0].pose.position, header)
            text = f'car 90% {self.distance(self.number_of(header)):.2f} m'
            assert others[1].text == text, f'not {text}'
        return bool(others)

    def has_all(self, least):
        """Return whether so many complete messages have come on each topic, and no wrong one."""
        self.check_all()
        return all(heard.complete >= least for heard in self.heard.values())

    def show_until_all_is_heard(self):
        """Show pictures until all of the newest has come, with its car and its distance."""
        for _ in range(20):
            before = [heard.complete for heard in self.heard.values()]
            header = self.show()
            try:
                self.probe.wait_for(lambda: self.has_heard(header), 1.0)
            except AssertionError:
                continue   # lost on the way
            if all(heard.complete > had for heard, had in zip(self.heard.values(), before)):
                return
        raise AssertionError(f'{self.name}: never all of a picture')

    def has_heard(self, header):
        """Return whether the newest message on each topic is of the picture with a header."""
        number = self.number_of(header)
        return all(heard.numbers and heard.numbers[-1] == number
                   for heard in self.heard.values())

    def check_all(self):
        """Check that no message was wrong."""
        for topic, heard in self.heard.items():
            assert not heard.wrong, (self.name, topic, len(heard.wrong), heard.wrong[:3])

    def check_pictures_have_detections(self):
        """Check that what came on the other topics is of pictures whose detections came."""
        for topic, heard in self.heard.items():
            assert set(heard.numbers) <= set(self.detections.numbers), (self.name, topic)


def _cars(message, header):
    """Return the detections in a message with a header: one car or none; check that they are."""
    assert len(message.detections) in (0, 1), 'there is one car'
    for found in message.detections:
        assert found.header == header, 'another header inside'
        assert found.results[0].hypothesis.class_id == 'car', 'no car'
    return message.detections
