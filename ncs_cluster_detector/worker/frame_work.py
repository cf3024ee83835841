# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a worker makes of a frame: the picture for the networks, and the message of its result."""

from collections.abc import Sequence
from typing import NamedTuple

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.pictures.decoding import decode_message
from ncs_cluster_detector.wire import messages
from ncs_cluster_detector.wire.frame_slots import ReceivedSlots
import numpy as np
import numpy.typing as npt


class SentFrame(NamedTuple):
    """
    A frame on the stick.

    ``started_at`` and ``on_stick_at`` are when its preprocessing began and its transfer ended, in
    seconds of the monotonic clock; ``picture_size`` is that of an encoded picture, or None.
    """

    sequence: int
    started_at: float
    on_stick_at: float
    picture_size: tuple[int, int] | None


def picture_of(command: messages.Infer | messages.InferEncoded, slots: ReceivedSlots,
               ) -> tuple[npt.NDArray[np.uint8], tuple[int, int] | None]:
    """
    Return the picture that the networks are to see, and the (height, width) of an encoded one.

    :return: uint8 array, height x width x 3, blue-green-red.
    :raises UnreadablePictureError: the slot holds no picture.
    """
    if isinstance(command, messages.Infer):
        return slots.image(command.slot, command.height, command.width), None
    picture = decode_message(slots.encoded(command.slot, command.size))
    height, width = picture.shape[:2]
    return command.region.cut(picture), (height, width)


def result_of(sent: SentFrame, outputs: Sequence[npt.NDArray[np.float16]],
              labels: Sequence[tuple[str, ...]], finished_at: float) -> messages.Result:
    """
    Return the Result of a frame.

    :param outputs: that of each network; see ``ssd.decode``.
    :param labels: those of each network.
    """
    detections, unusable, unlabelled = [], 0, 0
    for output, own_labels in zip(outputs, labels):
        found, dropped = ssd.decode(output, own_labels)
        detections += found
        unusable += dropped
        if dropped:
            unlabelled = max(unlabelled, ssd.class_without_label(output, own_labels))
    return messages.Result(
        sent.sequence, tuple(detections), unusable, finished_at - sent.started_at, finished_at,
        unlabelled, sent.on_stick_at, sent.picture_size)
