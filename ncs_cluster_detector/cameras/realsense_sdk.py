# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Helpers for pyrealsense2: loading it, choosing a camera, units, calibration."""

from collections.abc import Iterator
import contextlib
import ctypes
import importlib
from types import ModuleType
from typing import Any

from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.geometry.calibration import Calibration
from ncs_cluster_detector.geometry.calibration import pinhole
import numpy as np
import numpy.typing as npt

# The default of the parameter ``device`` is a USB camera's; here it means any camera.
ANY_CAMERA = ('', '/dev/video0')
MILLIMETRE = 0.001
# Without hardware synchronisation colour and depth are up to half a frame apart.
MOMENT_FRAMES = 0.75
# The distortion models of librealsense that ROS calls equidistant.
FISHEYES = ('kannala_brandt4', 'ftheta')


def load_sdk() -> ModuleType:
    """
    Return the module pyrealsense2.

    :raises CameraError: it is not installed, or its library cannot be loaded.
    """
    try:
        return importlib.import_module('pyrealsense2')
    except ModuleNotFoundError:
        raise CameraError("the Python module 'pyrealsense2' of librealsense is not installed; "
                          'install it (pip install pyrealsense2)') from None
    except ImportError as error:
        why = _one_line(error)
    try:
        # Without libusb in the system, the one in PyPI's package must be loaded first.
        libusb = importlib.import_module('libusb_package').get_library_path()
        ctypes.CDLL(str(libusb), mode=ctypes.RTLD_GLOBAL)
        return importlib.import_module('pyrealsense2')
    except (ImportError, OSError):
        raise CameraError(f"loading the Python module 'pyrealsense2' failed: {why}; install what "
                          'is missing (libusb is libusb-1.0-0 of Debian and Ubuntu)') from None


@contextlib.contextmanager
def sdk_errors(attempt: str, remedy: str) -> Iterator[None]:
    """
    Turn an error of the SDK into a CameraError.

    :raises CameraError: what was attempted, what the SDK says, and what to do.
    """
    try:
        yield
    except RuntimeError as error:
        raise CameraError(f'{attempt} failed: {_one_line(error)}; {remedy}') from None


def chosen_camera(sdk: ModuleType, context: Any, device: str) -> tuple[str | None, str]:
    """
    Return serial number and name of the wanted camera.

    :param context: the pyrealsense2.context in which cameras are looked for.
    :param device: a serial number, or one of ANY_CAMERA.
    :return: ``(serial, name)``; serial is None for a camera without one.
    :raises CameraError: it is not connected.
    """
    def told(found, key):
        return found.get_info(key) if found.supports(key) else None

    connected = [(told(found, sdk.camera_info.serial_number),
                  told(found, sdk.camera_info.name) or 'RealSense')
                 for found in context.query_devices()]
    wanted = device.strip()
    if not connected:
        what = '' if wanted in ANY_CAMERA else f' {wanted}'
        raise CameraError(f'opening the RealSense camera{what} failed: none is connected; plug '
                          'one in, into a USB 3 port')
    if wanted in ANY_CAMERA:
        return connected[0]
    for serial, name in connected:
        if serial is not None and serial.lstrip('0') in meanings(wanted):
            return serial, name
    raise CameraError(
        f'opening the RealSense camera {wanted} failed: there is none with this serial number; '
        'choose one of those that are connected: '
        + ', '.join(f'{serial} ({name})' for serial, name in connected))


def meanings(wanted: str) -> set[str]:
    """
    Return the serial numbers, without leading zeros, that a text can mean.

    ROS reads a number that begins with 0 as octal if it can, and otherwise without the zeros.
    """
    plain = wanted.lstrip('0')
    is_number = wanted.isdecimal() and len(wanted) < 100
    return {plain, f'{int(wanted):o}'} if is_number else {plain}


def color_modes(sdk: ModuleType, context: Any, serial: str | None) -> str:
    """Return the sizes and rates of a camera's colour stream as a text."""
    number = sdk.camera_info.serial_number
    modes = {}
    profiles = (profile for device in context.query_devices()
                if serial is None or (
                    device.supports(number) and device.get_info(number) == serial)
                for sensor in device.query_sensors()
                for profile in sensor.get_stream_profiles()
                if profile.stream_type() == sdk.stream.color)
    for profile in profiles:
        video = profile.as_video_stream_profile()
        modes.setdefault((video.width(), video.height()), set()).add(profile.fps())
    return ', '.join(f'{width}x{height} at ' + '/'.join(map(str, sorted(rates)))
                     for (width, height), rates in sorted(modes.items())) or 'nothing'


def millimetres(depth: npt.NDArray[np.uint16], units: float) -> npt.NDArray[np.uint16]:
    """
    Return depth in millimetres, uint16; what does not fit becomes 0, unknown.

    :param depth: uint16 array in units of the camera, 0 where unknown.
    :param units: metres in one of these units.
    """
    table = np.rint(np.arange(2**16) * (units / MILLIMETRE))
    table[table >= 2**16] = 0
    return table.astype(np.uint16)[depth]


def are_of_one_moment(depth: Any, color: Any, fps: float) -> bool:
    """Return whether frames of the SDK belong together; it pairs a lonely one with an old one."""
    if depth.get_frame_timestamp_domain() != color.get_frame_timestamp_domain():
        return True   # their times cannot be compared
    apart_ms = abs(depth.get_timestamp() - color.get_timestamp())
    return apart_ms < MOMENT_FRAMES * 1000 / fps


def calibration_of(intrinsics: Any) -> Calibration:
    """
    Return the Calibration in the intrinsics of a stream, measured at the factory.

    Brown-Conrady's model is ROS's ``plumb_bob``: the same five coefficients in the same order.
    """
    model = 'equidistant' if intrinsics.model.name in FISHEYES else 'plumb_bob'
    coefficients = intrinsics.coeffs[:4 if model == 'equidistant' else 5]
    return pinhole(intrinsics.width, intrinsics.height, (intrinsics.fx, intrinsics.fy),
                   (intrinsics.ppx, intrinsics.ppy), model, coefficients)


def _one_line(error):
    return ' '.join(str(error).split())   # the SDK's texts have several lines
