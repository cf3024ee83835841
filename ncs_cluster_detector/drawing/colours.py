# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The colours of drawings: blue, green, red, 0 to 255 each."""

import zlib

DARK = (24, 22, 20)
PALE = (230, 230, 230)
ACTIVE = (94, 214, 78)
RESTING = (176, 170, 164)
HOT = (40, 140, 255)
GROOVE = (70, 66, 62)   # of a bar
FAILED = (120, 90, 255)
# Bright enough for dark text on them.
OF_LABELS = ((60, 190, 255), (255, 178, 84), (160, 140, 255), (214, 214, 60), (234, 130, 230),
             (120, 230, 240), (180, 200, 130), (140, 240, 170), (255, 220, 180), (190, 220, 255),
             (220, 180, 200))


def label_colour(label: str) -> tuple[int, int, int]:
    """
    Return the colour of a label, the same in every run and on every machine.

    Person, face, bicycle, car, dog, cat, bottle and chair differ from each other.
    """
    return OF_LABELS[zlib.adler32(label.encode()) % len(OF_LABELS)]
