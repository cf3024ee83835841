# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A depth camera as a stranger might add it; the tests copy this module into the package."""

import time

from ncs_cluster_detector.cameras.camera import DepthCamera
from ncs_cluster_detector.geometry.calibration import pinhole
import numpy as np

FOCAL = 300.0   # pixels
BLUE, GREY = (255, 0, 0), 90


class InventedCamera(DepthCamera):
    """Looks at a grey wall with a blue square in the middle."""

    description = 'a wall with a square'
    device_description = 'distance of the wall in millimetres'
    live = True

    def __init__(self, device, width, height, fps, warn):
        """Take the wishes as they are."""
        self.width, self.height, self.fps = width, height, fps
        self.calibration = pinhole(width, height, (FOCAL, FOCAL), (width / 2, height / 2),
                                   'plumb_bob', [0.0] * 5)
        self._millimetres = int(device)

    def grab(self):
        """Wait for the next frame."""
        time.sleep(1 / self.fps)
        return True

    def retrieve(self):
        """Return the picture."""
        image = np.full((self.height, self.width, 3), GREY, np.uint8)
        image[self.height // 4:-self.height // 4, self.width // 4:-self.width // 4] = BLUE
        return image

    def retrieve_depth(self):
        """Return the same depth everywhere."""
        return np.full((self.height, self.width), self._millimetres, np.uint16)
