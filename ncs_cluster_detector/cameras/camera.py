# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The interface of every source of pictures, and the error that it raises."""

from abc import ABC
from abc import abstractmethod
import os
from typing import Callable
from typing import ClassVar

from ncs_cluster_detector.pictures.opencv_log import set_opencv_log_level
from ncs_cluster_detector.pictures.opencv_log import SILENT
import numpy as np
import numpy.typing as npt

# An older picture must have been stamped by another clock.
OLDEST_SEC = 1.0


class CameraError(Exception):
    """
    A source of pictures cannot be opened, or does not deliver any more.

    The text is one line: what was attempted, on what, what was found, what to do.
    """


class Camera(ABC):
    """
    One open source of pictures.

    The class itself says what must be known before the source is opened; a :class:`DepthCamera`
    has depth.

    A constructor opens the source or raises CameraError. ``width`` and ``height`` in pixels and
    ``fps`` in frames a second are what the source grants, which may differ from what was asked; 0
    means unknown. ``pixel_format`` is how the pixels arrive, such as MJPG, or empty.
    ``skipped`` counts pictures that could not be decoded. ``calibration`` is a Calibration that
    the source itself has, or None. A ``live`` source delivers at its own pace, and ``grab`` waits
    for it; the pictures of any other source are shown as far apart as their times are, or every
    ``1 / fps`` seconds, by the parameter ``fps`` if the source has no rate.
    """

    # What the source is, and what ``device`` means for it (empty = not used), for the descriptions
    # of the parameters.
    description: ClassVar[str] = ''
    device_description: ClassVar[str] = ''
    needs_device: ClassVar[bool] = True   # ``device``, where it is used, may not be empty
    takes_url: ClassVar[bool] = False

    live = False
    width = 0
    height = 0
    fps = 0.0
    pixel_format = ''
    skipped = 0
    calibration = None

    @classmethod
    def open_camera(cls, device: str, width: int, height: int, fps: float,
                    warn: Callable[[str], None]) -> 'Camera':
        """
        Open the source; override it where the constructor takes other arguments.

        :param device: which camera, stream, file or folder.
        :param width: wanted size in pixels, as ``height``, for a source without one of its own.
        :param fps: wanted frames a second, for a source that has no rate of its own.
        :param warn: is called with one line for everything that had to be left out.
        :raises CameraError: it cannot be opened.
        """
        return cls(device, width, height, fps, warn)  # type: ignore[call-arg]

    @classmethod
    def check_installed(cls) -> None:
        """
        Check that the SDK is installed, if the source has one.

        :raises CameraError: it is not, or it cannot be loaded.
        """

    @classmethod
    def must_exist(cls, device: str) -> bool:
        """Return whether the source must exist at the start: a camera can appear later."""
        return False

    @classmethod
    def is_asked(cls, device: str) -> bool:
        """Return whether size and rate are requests, of which the source may grant others."""
        return False

    @classmethod
    def hardware(cls, device: str) -> str:
        """Return what only one node can open at a time, or an empty text, as for a file."""
        return ''

    @classmethod
    def shown_name(cls, device: str) -> str:
        """Return the name by which a person knows a device of this kind, without secrets."""
        return device

    @abstractmethod
    def grab(self) -> bool:
        """
        Go on to the next picture.

        :return: False at the end of a file or folder, otherwise True.
        :raises CameraError: the source is gone.
        """

    @abstractmethod
    def retrieve(self) -> npt.NDArray[np.uint8] | None:
        """
        Return the grabbed picture: uint8, height x width x 3, in the order blue, green, red.

        :return: None if just this one cannot be decoded; it is counted in ``skipped``.
        :raises CameraError: too many in a row cannot be decoded.
        """

    def age_sec(self) -> float:
        """Return how long ago the grabbed picture was captured, in seconds; 0.0 if not known."""
        return 0.0

    def time_sec(self) -> float | None:
        """Return the grabbed picture's time in its file, in seconds; None if it has none."""
        return None

    def rewind(self) -> None:
        """
        Go back to before the first picture.

        :raises CameraError: the source cannot be opened again.
        """

    def close(self) -> None:
        """Release the source; nothing else may be called afterwards."""


class DepthCamera(Camera):
    """A source that also measures depth."""

    @abstractmethod
    def retrieve_depth(self) -> npt.NDArray[np.uint16] | None:
        """
        Return the depth along the optical axis of every pixel of the grabbed picture.

        :return: uint16, height x width of the picture, in millimetres, 0 where it is unknown; or
            None, when the picture came without.
        """


def check_path(path: str) -> None:
    """
    Check that a path or an address can be handed to a native library.

    OpenCV ends the process when it cannot encode it.

    :raises CameraError: it holds bytes that are not UTF-8, or a zero.
    """
    try:
        path.encode()
    except UnicodeEncodeError:
        raise CameraError(f'opening {path} failed: its name is not UTF-8; rename it') from None
    if '\0' in path:
        raise CameraError(f'opening {path!r} failed: a name cannot hold a zero byte; rename it')


def plausible_age(age_sec: float) -> float:
    """Return an age in seconds, or 0.0 if it must come from another clock."""
    return age_sec if 0.0 <= age_sec <= OLDEST_SEC else 0.0


def silence_opencv() -> None:
    """Keep OpenCV and FFmpeg from writing lines of their own to the terminal."""
    set_opencv_log_level(SILENT)
    os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')
