# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The table of image sources; nothing else lists them.

To add one: write a class of :class:`Camera`, with depth of :class:`DepthCamera`, in a module of
this folder, and give it a line in ``SOURCES``. Choices, descriptions, reopening, stamps, topics
and diagnostics follow.
"""

import os
import re

from ncs_cluster_detector.cameras.camera import Camera
from ncs_cluster_detector.cameras.images import Pictures
from ncs_cluster_detector.cameras.realsense import RealSenseCamera
from ncs_cluster_detector.cameras.test_pattern import SyntheticStreet
from ncs_cluster_detector.cameras.usb import UsbCamera
from ncs_cluster_detector.cameras.video import VideoFile

# By the value of the parameter ``source``.
SOURCES: dict[str, type[Camera]] = {
    'usb': UsbCamera,
    'realsense': RealSenseCamera,
    'video': VideoFile,
    'images': Pictures,
    'test_pattern': SyntheticStreet,
}
DEFAULT = 'usb'
ADDRESS = re.compile(r'\s*([a-z][a-z0-9+.-]*)://', re.IGNORECASE)


def source_descriptions() -> str:
    """Return what each source is, for the description of the parameter."""
    return ', '.join(f'{camera.description} ({name})' for name, camera in SOURCES.items())


def device_descriptions() -> str:
    """Return what ``device`` is for each source that uses it, for its description."""
    return '; '.join(f'with {name}: {camera.device_description}'
                     for name, camera in SOURCES.items() if camera.device_description)


def shown_name(source: str, device: str) -> str:
    """Return the name by which a person knows an open source, without secrets."""
    camera = SOURCES[source]
    return camera.shown_name(device) if camera.device_description else source


def check_address(source: str, device: str) -> None:
    """
    Check that a source of files, or of cameras with a driver of their own, is not given a URL.

    :raises ValueError: it is; the text says what to do.
    """
    camera, match = SOURCES[source], ADDRESS.match(device)
    if (camera.takes_url or not camera.device_description or match is None
            or os.path.exists(device)):
        return
    if match[1].lower() == 'file':
        raise ValueError(f'{device} is a URL, which source={source} cannot open; give the path '
                         'alone')
    others = ' or '.join(f'source:={name}' for name, other in SOURCES.items() if other.takes_url)
    raise ValueError(f'{device} is the address of a stream, which source={source} cannot open; '
                     f'use {others}')
