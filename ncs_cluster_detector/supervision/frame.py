# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A frame on its way through the node: one image of one camera."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.networks.region import WHOLE
import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False, repr=False)   # two frames are never equal
class Frame:
    """
    One camera image.

    ``sequence`` grows with each frame, of whatever camera. ``image`` is uint8, height x width x 3,
    blue-green-red, and must not be changed; ``header`` is passed on unchanged; ``arrived_at`` is
    in seconds of the monotonic clock. ``camera`` is the index of the camera, and ``region`` the
    part of the picture that the networks see.
    """

    sequence: int
    image: npt.NDArray[np.uint8]
    header: Any
    arrived_at: float
    camera: int = 0
    region: Region = WHOLE

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width) of the picture in pixels."""
        height, width = self.image.shape[:2]
        return height, width

    @property
    def nbytes(self) -> int:
        """Return how much memory it takes."""
        return self.image.nbytes


class EncodedFrame(Frame):
    """
    One camera image that came as a JPEG or PNG.

    ``data`` are its bytes, uint8. It is decoded by the worker whose stick takes it, and here once
    more when somebody asks for ``image``. ``size`` is known when there is a result.
    """

    def __init__(self, sequence: int, data: npt.NDArray[np.uint8], header: Any, arrived_at: float,
                 camera: int = 0, region: Region = WHOLE) -> None:
        # The fields are frozen; the image stays unset until it is asked for.
        self.__dict__.update(sequence=sequence, data=data, header=header, arrived_at=arrived_at,
                             camera=camera, region=region)

    data: npt.NDArray[np.uint8]

    @cached_property
    def image(self) -> npt.NDArray[np.uint8]:
        """Return the decoded picture; see Frame."""
        # Late, because OpenCV takes 8 MB and most nodes never decode.
        from ncs_cluster_detector.pictures.decoding import decode_message
        return decode_message(self.data)

    @property
    def size(self) -> tuple[int, int]:
        """Return (height, width) of the picture in pixels, as its worker found it."""
        height, width = self.__dict__['decoded_size']
        return height, width

    @property
    def nbytes(self) -> int:
        """Return how much memory it takes while it is not decoded here."""
        return self.data.nbytes

    def on_decoded(self, size: tuple[int, int]) -> None:
        """Record the (height, width) that a worker found."""
        self.__dict__['decoded_size'] = size
