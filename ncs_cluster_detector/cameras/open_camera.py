# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which class serves which ``source``."""

import os
import re

from ncs_cluster_detector.cameras.images import Pictures
from ncs_cluster_detector.cameras.realsense import is_recording
from ncs_cluster_detector.cameras.realsense import RealSenseCamera
from ncs_cluster_detector.cameras.realsense_sdk import ANY_CAMERA
from ncs_cluster_detector.cameras.realsense_sdk import load_sdk
from ncs_cluster_detector.cameras.stream import StreamCamera
from ncs_cluster_detector.cameras.test_pattern import SyntheticStreet
from ncs_cluster_detector.cameras.usb import shown_device
from ncs_cluster_detector.cameras.usb import UsbCamera
from ncs_cluster_detector.cameras.video import VideoFile

ADDRESS = re.compile(r'\s*([a-z][a-z0-9+.-]*)://', re.IGNORECASE)
SOURCES = ('usb', 'realsense', 'video', 'images', 'test_pattern')


def open_camera(source, device, width, height, fps, warn):
    """
    Open a source of pictures.

    :param source: one of SOURCES.
    :param device: which camera, stream, file or folder.
    :param width: wanted width in pixels (usb, realsense, test_pattern).
    :param height: wanted height in pixels (usb, realsense, test_pattern).
    :param fps: wanted frames a second; a video has its own.
    :param warn: is called with one line for whatever had to be left out.
    :return: a Camera.
    :raises CameraError: it cannot be opened.
    :raises ValueError: the source is unknown.
    """
    if source == 'usb':
        if '://' in device:
            return StreamCamera(device)
        return UsbCamera(device, width, height, fps, warn)
    if source == 'realsense':
        return RealSenseCamera(device, width, height, fps)
    if source == 'video':
        return VideoFile(device, fps)
    if source == 'images':
        return Pictures(device, fps, warn)
    if source == 'test_pattern':
        return SyntheticStreet(width, height, fps)
    raise ValueError(f'source={source}: must be one of ' + ', '.join(SOURCES))


def check_installed(source):
    """
    Check that the SDK of a source is there, if it has one.

    :raises CameraError: it is not, or it cannot be loaded.
    """
    if source == 'realsense':
        load_sdk()


def check_address(source, device):
    """
    Check that a source of files, or of cameras with a driver of their own, is not given a URL.

    :raises ValueError: it is; the text tells what to do.
    """
    match = ADDRESS.match(device)
    if source in ('usb', 'test_pattern') or match is None or os.path.exists(device):
        return
    if match[1].lower() == 'file':
        raise ValueError(f'{device} is a URL, which source={source} cannot open; give the path '
                         'alone')
    raise ValueError(f'{device} is the address of a stream, which source={source} cannot open; '
                     'use source:=usb')


def must_exist(source, device):
    """Return whether a source has to be there at the start: a camera can appear later."""
    return source in ('video', 'images') or (source == 'realsense' and is_recording(device))


def shown_source(source, device):
    """Return the name by which a person knows the source: its device, file or address."""
    if source == 'realsense':
        return 'RealSense' if device.strip() in ANY_CAMERA else device
    return {'usb': shown_device(device), 'test_pattern': 'test_pattern'}.get(source, device)
