# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Networks of the TensorFlow object detection API, which suppress overlapping boxes themselves."""

from collections.abc import Callable
from collections.abc import Sequence
import re
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.coco import COCO_90
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.outputs.box_rows import rows_of
from ncs_cluster_detector.networks.outputs.box_rows import vector_of
from ncs_cluster_detector.networks.outputs.output_kind import OutputKind
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
import numpy as np
import numpy.typing as npt

# The names in a graph of TensorFlow and in its exports; they may have a scope and a port.
_NAME = re.compile(r'(?:.*/)?(detection_boxes|detection_classes|detection_scores|num_detections)'
                   r'(?::\d+)?')
_PARTS = 'detection_boxes', 'detection_classes', 'detection_scores', 'num_detections'
# The outputs of TensorFlow Lite's operation, in the order of its description, by the name that
# its converter gives them.
_LITE_NAME = re.compile(r'(?:.*/)?TFLite_Detection_PostProcess(?::([0123]))?')
# Where a network was converted from a saved model of TensorFlow 2, they are only numbered.
_NUMBERED = re.compile(r'StatefulPartitionedCall(?::\d+)?')


class _Places(NamedTuple):
    """Which output is which; ``are_certain`` tells whether classes and scores may be swapped."""

    boxes: int
    classes: int
    scores: int
    number: int
    are_certain: bool


class TensorFlowOutput(OutputKind):
    """
    Four outputs: boxes (top, left, bottom, right as fractions), classes, scores and their number.

    They are told by their names or, without those that tell, by their shapes: classes and scores
    have the same, and are told by their values, as classes are whole numbers. Other outputs beside
    the named ones (TensorFlow 2 has eight) are ignored. Source of the form: the API's
    ``exporter.py`` and ``exporter_lib_v2.py``.
    """

    title = 'TensorFlow detection API'
    form = ('detection_boxes 1xNx4, detection_classes 1xN, detection_scores 1xN and '
            'num_detections 1')
    # Its label maps begin with 1, and 0 stands for the background.
    has_background = True
    input_format = InputFormat(mean=0.0, scale=1.0, order='rgb')
    usual_size = 300, 300

    def __init__(self, places: _Places) -> None:
        """Take the outputs from these places."""
        self._places = places

    @classmethod
    def recognise(cls, outputs: Sequence[TensorForm],
                  input_size: tuple[int, int]) -> 'TensorFlowOutput | None':
        """Return an object for a network with these outputs, or None."""
        places = _named(outputs, _part)
        if places is None and not any(_matches(form, _LITE_NAME) or _matches(form, _NUMBERED)
                                      for form in outputs):
            places = _shaped(outputs)
        return None if places is None else cls(places)

    def vector(self, outputs: Sequence[npt.NDArray[Any]]) -> npt.NDArray[np.float32]:
        """Return the vector of :mod:`ssd`; missing rows that were announced are counted."""
        places = self._places
        boxes = outputs[places.boxes].reshape(-1, 4)
        classes, scores = outputs[places.classes].reshape(-1), outputs[places.scores].reshape(-1)
        if not places.are_certain and _are_swapped(classes, scores):
            classes, scores = scores, classes
        announced = float(outputs[places.number].reshape(-1)[0])
        if not announced.is_integer() or announced < 0:   # neither NaN nor inf is whole
            vector = vector_of(np.zeros((0, ssd.VALUES_PER_BOX), dtype=np.float32))
            vector[0] = np.nan   # a header that decode refuses
            return vector
        held = min(int(announced), len(boxes), len(classes), len(scores))
        top, left, bottom, right = boxes[:held].T
        rows = rows_of(classes[:held], scores[:held], np.stack([left, top, right, bottom], axis=1))
        if not self.has_background:
            rows[:, 1] += 1
        return vector_of(rows, int(announced) - held)

    def default_labels(self, graph_name: str) -> tuple[str, ...]:
        """Return the 90 classes of COCO, with which the API's published networks are trained."""
        return COCO_90


class TensorFlowLiteOutput(TensorFlowOutput):
    """
    The same four outputs of TensorFlow Lite's own operation, whose class 0 is the first object.

    Source: ``detection_postprocess.cc`` of TensorFlow Lite, which leaves the background out.
    """

    title = 'TensorFlow Lite detection'
    form = 'the four outputs of TFLite_Detection_PostProcess'
    has_background = False

    @classmethod
    def recognise(cls, outputs: Sequence[TensorForm],
                  input_size: tuple[int, int]) -> 'TensorFlowLiteOutput | None':
        """Return an object for a network with these outputs, or None."""
        places = _named(outputs, _lite_part)
        if places is None and outputs and all(_matches(form, _NUMBERED) for form in outputs):
            places = _shaped(outputs)
        return None if places is None else cls(places)


def _matches(form: TensorForm, pattern: re.Pattern[str]) -> bool:
    return any(pattern.fullmatch(name) for name in form.names)


def _part(name: str) -> str:
    """Return which of :data:`_PARTS` a name stands for, or ''."""
    match = _NAME.fullmatch(name)
    return match[1] if match else ''


def _lite_part(name: str) -> str:
    match = _LITE_NAME.fullmatch(name)
    return _PARTS[int(match[1] or 0)] if match else ''


def _named(outputs: Sequence[TensorForm], part_of: Callable[[str], str]) -> _Places | None:
    """Return the places by name, or None if one is missing, named twice or no such tensor."""
    found: dict[str, list[int]] = {part: [] for part in _PARTS}
    for index, form in enumerate(outputs):
        for part in set(map(part_of, form.names)) & set(_PARTS):
            found[part].append(index)
    if any(len(indices) != 1 for indices in found.values()):
        return None
    boxes, classes, scores, count = (found[part][0] for part in _PARTS)
    if not (_is_boxes(outputs[boxes]) and _is_list(outputs[classes]) and _is_list(outputs[scores])
            and _is_number(outputs[count])):
        return None
    return _Places(boxes, classes, scores, count, are_certain=True)


def _shaped(outputs: Sequence[TensorForm]) -> _Places | None:
    """Return the places of four outputs by their shapes, or None if those are others."""
    boxes = [index for index, form in enumerate(outputs) if _is_boxes(form)]
    lists = [index for index, form in enumerate(outputs) if _is_list(form)]
    counts = [index for index, form in enumerate(outputs) if _is_number(form)]
    if len(outputs) != 4 or (len(boxes), len(lists), len(counts)) != (1, 2, 1):
        return None
    lengths = {outputs[index].shape[1] for index in (*boxes, *lists)} - {None}
    if len(lengths) > 1:
        return None
    # What the values do not decide, the order does: boxes, classes, scores, number, or, in files
    # that TensorFlow 2 converted, scores, boxes, number, classes.
    classes, scores = lists if boxes[0] == 0 or boxes[0] > lists[1] else reversed(lists)
    return _Places(boxes[0], classes, scores, counts[0], are_certain=False)


def _is_boxes(form: TensorForm) -> bool:
    return len(form.shape) == 3 and form.shape[0] in (1, None) and form.shape[2] in (4, None)


def _is_list(form: TensorForm) -> bool:
    return len(form.shape) == 2 and form.shape[0] in (1, None)


def _is_number(form: TensorForm) -> bool:
    return form.shape in ((), (1,), (None,))


def _are_swapped(classes: npt.NDArray[Any], scores: npt.NDArray[Any]) -> bool:
    """Return whether two arrays are certainly scores and classes instead of the reverse."""
    are_whole = [bool((np.trunc(values) == values).all()) for values in (classes, scores)]
    if are_whole[0] != are_whole[1]:
        return are_whole[1]
    are_high = [bool((values > ssd.HIGHEST_SCORE).any()) for values in (classes, scores)]
    return are_high == [False, True]
