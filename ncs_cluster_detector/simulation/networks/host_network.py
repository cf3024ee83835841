# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A network that OpenCV runs on the host in place of a stick."""

from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import cv2
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.outputs import ssd_rows
from ncs_cluster_detector.shown_text import brief
import numpy as np
import numpy.typing as npt

_CHANNELS = 3
# A side; such a picture in half precision takes a fifth of a stick's memory of 512 MB.
MOST_PIXELS = 4096


class HostNetwork:
    """A network with the input and output that the vendor's compiler would give it."""

    def __init__(
            self, size: tuple[int, int], read: Callable[[], 'cv2.dnn.Net'], expected: str,
            detections_remedy: str) -> None:
        """
        Load the network and compute once to get the size of its output.

        :param size: (height, width) of the input in pixels.
        :param expected: what the files of such a network must be, for error texts.
        :param detections_remedy: how to make a network of this format a detector, for error texts.
        :raises ValueError: OpenCV cannot run it, or it has several outputs.
        """
        self.input_shape = *size, _CHANNELS
        self._detections_remedy = detections_remedy
        try:
            self._network = read()
            outputs = self._network.getUnconnectedOutLayersNames()
            if len(outputs) != 1:
                raise ValueError(
                    f'it has {len(outputs)} outputs ({brief(", ".join(outputs))}); expected one, '
                    f'the detections; {detections_remedy}')
            output = self._forward(np.zeros(self.input_shape, dtype=np.float32))
        except cv2.error as error:
            reason = ' '.join(str(error).split())
            raise ValueError(f'OpenCV {cv2.__version__} cannot run it ({reason}); '
                             f'expected {expected}') from error
        self._model_output = output.shape
        self._room = None
        if ssd_rows.has_rows(output.shape):
            self._room = max(output.size // ssd.VALUES_PER_BOX, ssd.MOST_BOXES)
            self.output_shape = self._room + 1, ssd.VALUES_PER_BOX, 1
        elif max(output.shape) == output.size:
            # A vector has its values in the channels.
            self.output_shape = 1, 1, output.size
        else:
            height = output.size // (output.shape[-2] * output.shape[-1])
            self.output_shape = height, *output.shape[-2:]

    def check_detector(self) -> None:
        """Raise ValueError if this cannot be an SSD network."""
        if not ssd.may_be_output(*self.output_shape):
            raise ValueError(
                f'its output is {brief("x".join(map(str, self._model_output)))}, so it is no SSD '
                'network; expected rows of 7 values (image, class, score, left, top, right, '
                f'bottom), such as 1x1x100x7; take an SSD network, or {self._detections_remedy}')

    def run(self, tensor: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the output vector for an input tensor, as the vendor's compiler arranges it."""
        output = self._forward(tensor)
        if self._room is None:
            return output.reshape(-1)
        return ssd_rows.with_header(ssd_rows.rows_before_end(output)[:self._room], self._room)

    def _forward(self, tensor):
        picture = np.asarray(tensor, dtype=np.float32).reshape(self.input_shape)
        self._network.setInput(np.ascontiguousarray(picture.transpose(2, 0, 1)[np.newaxis]))
        return self._network.forward()


def picture_size(shapes: Mapping[str, tuple[Any, ...]], remedy: str) -> tuple[int, int]:
    """
    Return (height, width) of a network's only input, a picture.

    :param shapes: dimensions of all inputs by name; an unknown dimension is a text.
    :param remedy: what to do about another input, for error texts.
    :raises ValueError: it is not 1 x 3 x height x width.
    """
    if len(shapes) != 1:
        raise ValueError(f'it has {len(shapes)} inputs ({brief(", ".join(shapes))}); expected '
                         f'one; {remedy}')
    (shape,) = shapes.values()
    shown = brief('x'.join(map(str, shape))) or 'of unknown dimensions'
    if len(shape) != 4 or isinstance(shape[1], int) and shape[1] != _CHANNELS:
        raise ValueError(f'its input is {shown}; expected 1x3xHEIGHTxWIDTH, a picture of three '
                         f'channels; {remedy}')
    # A batch of any size may be one of 1.
    if shape[0] != 1 and isinstance(shape[0], int) or not all(
            isinstance(side, int) and side <= MOST_PIXELS for side in shape[1:]):
        raise ValueError(f'its input is {shown}; expected 1x3xHEIGHTxWIDTH in numbers up to '
                         f'{MOST_PIXELS}, since a stick computes for one size; {remedy}')
    return shape[2:]
