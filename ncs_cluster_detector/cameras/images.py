# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A picture or a folder of pictures, shown one after the other."""

import os
import re
from typing import Callable

from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.camera import silence_opencv
from ncs_cluster_detector.pictures.decoding import read_picture
import numpy as np
import numpy.typing as npt

EXTENSIONS = ('.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp')


class Pictures(Camera):
    """A picture file or a folder of them, in natural order, each at its own size."""

    description = 'a picture or a folder of pictures'
    device_description = 'file or folder'

    @classmethod
    def open_camera(cls, device: str, width: int, height: int, fps: float,
                    warn: Callable[[str], None]) -> Camera:
        return cls(device, fps, warn)

    @classmethod
    def must_exist(cls, device: str) -> bool:
        """Return True: a missing file does not appear later."""
        return True

    def __init__(self, path: str, fps: float, warn: Callable[[str], None]) -> None:
        """
        List the pictures and decode the first usable one.

        :param fps: pictures a second.
        :param warn: is called with one line for every picture that cannot be decoded.
        :raises CameraError: there is no usable picture.
        """
        self.fps = fps
        self._path = os.path.expanduser(path)
        self._warn = warn
        self._unreadable = {}   # path -> its version that could not be read
        self._image = None
        self._decoded = None
        silence_opencv()
        self.rewind()
        self.grab()
        self.height, self.width = self._image.shape[:2]
        self.rewind()

    def grab(self) -> bool:
        """Go on to the next picture that can be decoded."""
        while self._next < len(self._paths):
            path = self._paths[self._next]
            self._next += 1
            if self._decode(path):
                self._usable += 1
                return True
        if self._usable == 0:
            raise CameraError(f'{self._path} holds no usable picture: none of its '
                              f'{len(self._paths)} files can be decoded; give readable ones')
        return False

    def retrieve(self) -> npt.NDArray[np.uint8] | None:
        return self._image

    def rewind(self) -> None:
        """List the folder again, so that added pictures are shown too."""
        self._paths = list_pictures(self._path)
        self._next = 0
        self._usable = 0

    def _decode(self, path):
        version = None
        try:
            status = os.stat(path)
            version = path, status.st_mtime_ns, status.st_size
            if version == self._decoded:
                return True   # a single picture is decoded once, not fps times a second
            if self._unreadable.get(path) == version:
                return False
            self._image, self._decoded = read_picture(path), version
            self._unreadable.pop(path, None)
            return True
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
        if path not in self._unreadable:
            self.skipped += 1
            self._warn(f'skipped {path}: {reason}; replace or remove it')
        self._unreadable[path] = version
        return False


def list_pictures(path: str) -> list[str]:
    """
    Return the path itself or, of a folder, the paths of its pictures in natural order.

    :raises CameraError: there is no such file or folder, or it holds no pictures.
    """
    if os.path.isfile(path):
        return [path]
    try:
        names = [name for name in os.listdir(path) if name.lower().endswith(EXTENSIONS)]
    except OSError as error:
        raise CameraError(f'opening {path} failed: {error.strerror}; give the path of a picture '
                          'or of a folder of pictures') from None
    if not names:
        raise CameraError(f'the folder {path} holds no pictures; put some into it ('
                          + ', '.join(extension[1:] for extension in EXTENSIONS) + ')')
    return [os.path.join(path, name) for name in sorted(names, key=natural_key)]


def natural_key(name: str) -> tuple[list[int | str], str]:
    """Return a sort key that puts ``frame2`` before ``frame10``."""
    # Every second part of the split is a number, so numbers only ever meet numbers.
    parts = re.split(r'(\d+)', name.lower())
    return [int(part) if index % 2 else part for index, part in enumerate(parts)], name
