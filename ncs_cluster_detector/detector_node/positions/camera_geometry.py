# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Matches CameraInfo messages with images, and turns pixels into rays."""

from collections import OrderedDict

from ncs_cluster_detector.geometry.projection import LENSES
from ncs_cluster_detector.geometry.projection import rays_of
from ncs_cluster_detector.shown_text import brief
import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import CameraInfo

# More than the frames that are on the sticks or wait for their depth.
MOST_INFOS = 512
# More characters than any driver's frame_id has, and more coefficients than any lens.
LONGEST_NAME = 100
NO_INFO = 'no camera_info came; connect the topic camera_info to that of the camera'


class CameraInfos:
    """
    The newest CameraInfo messages: each is for the image of its stamp.

    A region of interest may move from one image to the next.
    """

    def __init__(self) -> None:
        self._infos = OrderedDict()   # by stamp in nanoseconds
        self._newest = None

    def take(self, info: CameraInfo, stamp: int) -> None:
        """Take a message with its stamp in nanoseconds."""
        self._newest = info
        if max(len(info.header.frame_id), len(info.distortion_model), len(info.d)) > LONGEST_NAME:
            return   # not valid, and many of them could fill the memory
        self._infos[stamp] = info
        self._infos.move_to_end(stamp)
        if len(self._infos) > MOST_INFOS:
            self._infos.popitem(last=False)

    def of(self, stamp: int) -> CameraInfo | None:
        """Return the CameraInfo of an image, or the newest if its driver sends few, or None."""
        return self._infos.get(stamp, self._newest)


def why_unusable(info: CameraInfo | None, image_size: tuple[int, int], frame_id: str) -> str:
    """
    Return why no positions follow from a CameraInfo and an image, or an empty text.

    :param image_size: ``(width, height)`` in pixels.
    """
    if info is None:
        return NO_INFO
    if info.k[0] <= 0.0 or info.k[4] <= 0.0:
        return 'camera_info is not calibrated; give the camera a calibration (camera_info_url)'
    if not np.isfinite(info.k).all() or not np.isfinite(info.d).all():
        return 'camera_info holds values that are not finite; calibrate the camera again'
    if differ(info.header.frame_id, frame_id):
        return (f'camera_info has the frame_id {quoted(info.header.frame_id)}, the images have '
                f'{quoted(frame_id)}; connect the camera_info of the same camera')
    return _why_no_lens(info) or _why_other_size(info, image_size)


def differ(frame_id: str, other: str) -> bool:
    """
    Tell whether two frame ids name different frames.

    An empty one names no frame, so it does not differ. In ROS 1 they began with a slash, as they
    still do in bags and from bridges.
    """
    names = frame_id.lstrip('/'), other.lstrip('/')
    return all(names) and names[0] != names[1]


def quoted(name: str) -> str:
    """Return a name in quotes for a line of the log: printable, and not too long."""
    return repr(brief(name))


def rays(info: CameraInfo, pixels: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """
    Return x/z and y/z in the optical frame for pixels of a raw image; NaN where undefined.

    :param info: that of the image, which why_unusable accepts.
    :param pixels: array N x 2, in the binned image of the region of interest. By REP 104 and
        image_geometry's PinholeCameraModel, which scales the principal point by 1/binning:
        full = pixel * binning + offset.
    """
    full = np.asarray(pixels, float) * _binning(info) + (info.roi.x_offset, info.roi.y_offset)
    return rays_of(full, info.k, _coefficients(info), info.distortion_model)


def _why_no_lens(info):
    model = info.distortion_model
    if model not in LENSES or (not model and np.any(info.d)):
        return (f'camera_info has the distortion model {quoted(model)}, which ROS does not know, '
                'expected one of ' + ', '.join(filter(None, LENSES))
                + '; calibrate the camera with one of these')
    lengths, coefficients = LENSES[model].LENGTHS, _coefficients(info)
    if np.any(coefficients) and len(coefficients) not in lengths:
        return (f'camera_info has {len(coefficients)} coefficients of the model {model!r}, '
                'expected ' + ', '.join(map(str, lengths)) + '; calibrate the camera again')
    return ''


def _coefficients(info):
    """
    Return the coefficients of the distortion model, without further zeros.

    Until 2021 realsense-ros sent a fifth one, 0, with ``equidistant`` (its pull request 2132);
    recordings still hold it.
    """
    most = LENSES[info.distortion_model].LENGTHS[-1]
    return info.d if np.any(info.d[most:]) else info.d[:most]


def _why_other_size(info, image_size):
    """Return why the sizes differ, or '': an image is the region of interest, binned."""
    sizes = [_sizes(*each) for each in zip(
        (info.width, info.height), (info.roi.width, info.roi.height),
        (info.roi.x_offset, info.roi.y_offset), _binning(info))]
    if all(found in fitting for found, fitting in zip(image_size, sizes) if fitting is not None):
        return ''
    what = f'camera_info is for {info.width}x{info.height}'
    roi = info.roi
    if roi.width or roi.height or roi.x_offset or roi.y_offset:
        what += (f' with the region of interest {roi.width}x{roi.height} at '
                 f'{roi.x_offset},{roi.y_offset}')
    if max(_binning(info)) > 1:
        what += ' with binning ' + 'x'.join(map(str, _binning(info)))
    return (f'{what}, the images are ' + 'x'.join(map(str, image_size))
            + '; connect those that belong together')


def _sizes(full, region, offset, binning):
    """
    Return the image sizes that fit one axis of a CameraInfo, or None for any.

    A region of interest without a size goes to the edge. Some drivers keep an incomplete last
    block of binned pixels, others drop it.
    """
    if not region and not full:
        return None
    if full and offset + region > full:
        return ()
    length = region or full - offset
    return length // binning, -(-length // binning)


def _binning(info):
    """Return the binning along x and y; in the message 0 stands for 1."""
    return max(info.binning_x, 1), max(info.binning_y, 1)
