# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the cascade that detects faces: a file of OpenCV, which is not loaded for that."""

from importlib.util import find_spec
import logging
import os

_CASCADE = 'haarcascade_frontalface_alt2.xml'
# Where the package opencv-data of Debian and Ubuntu installs the cascades.
_SYSTEM_FOLDERS = ('/usr/share/opencv4/haarcascades', '/usr/share/opencv/haarcascades')


def find_cascade() -> str:
    """
    Return the path of the cascade's file.

    :raises FileNotFoundError: it is not installed; the text says what to install.
    """
    # OpenCV's Python wheels contain the cascades; they name the folder in cv2.data.
    opencv = find_spec('cv2')
    packages = (opencv and opencv.submodule_search_locations) or ()
    folders = [os.path.join(package, 'data', '') for package in packages] + list(_SYSTEM_FOLDERS)
    for folder in folders:
        path = os.path.join(folder, _CASCADE)
        if os.path.isfile(path):
            return path
    raise FileNotFoundError(f'{_CASCADE} of OpenCV is in none of {", ".join(folders)}; install '
                            'the package opencv-data (Debian, Ubuntu) or opencv-python (pip)')


def find_cascade_or_warn() -> str | None:
    """Return the path of the cascade's file; without it log what people lack, and return None."""
    try:
        return find_cascade()
    except FileNotFoundError as error:
        logging.getLogger(__name__).warning('people are not found by their faces: %s', error)
        return None
