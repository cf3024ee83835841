# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A picture with coloured rectangles, and whether detections are of them."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
import numpy as np

WIDTH, HEIGHT = 640, 480
# Label, colour in blue-green-red, and box in pixels: left, top, right, bottom.
OBJECTS = (('cat', (0, 0, 255), (101, 83, 290, 171)), ('person', (0, 255, 0), (300, 20, 377, 411)),
           ('car', (255, 0, 0), (33, 333, 214, 455)))
WORST_NETWORK_PIXELS = 1.5


def picture(objects=OBJECTS):
    """Return the picture, grey with the objects."""
    image = np.full((HEIGHT, WIDTH, 3), 90, dtype=np.uint8)
    for _, colour, (left, top, right, bottom) in objects:
        image[top:bottom, left:right] = colour
    return image


def are_found(output, size, objects=OBJECTS):
    """
    Tell whether an output vector has just the objects, each in its place.

    :param size: (width, height) of the network's input in pixels.
    """
    detections, unusable = ssd.decode(output, PASCAL_VOC)
    found = {detection.label: detection[2:] for detection in detections}
    if unusable or len(detections) != len(objects) or set(found) != {row[0] for row in objects}:
        return False
    picture_size = np.array([WIDTH, HEIGHT] * 2)
    network_pixel = picture_size / np.array([*size, *size])
    return all((np.abs(np.multiply(found[label], picture_size) - box)
                <= WORST_NETWORK_PIXELS * network_pixel).all() for label, _, box in objects)
