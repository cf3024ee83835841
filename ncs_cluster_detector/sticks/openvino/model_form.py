# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a model that OpenVINO has read takes and gives."""

from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.networks.network_input import ELEMENTS
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.outputs.kinds import kind_of
from ncs_cluster_detector.networks.outputs.output_kind import OutputKind
from ncs_cluster_detector.networks.outputs.tensor_form import TensorForm
from ncs_cluster_detector.shown_text import brief

_CHANNELS = 3
_MOST_PIXELS = 4096   # of a side, as for simulated sticks
_EXPECTED = ('expected one picture, 1x3xHEIGHTxWIDTH or 1xHEIGHTxWIDTHx3 of '
             f'{", ".join(ELEMENTS)}; export the network with such an input')
# OpenVINO's names of the types of values.
_ELEMENT_NAMES = {'u8': 'uint8', 'f16': 'float16', 'f32': 'float32'}
# The part of a network of the TensorFlow detection API that brings a picture of any size to the
# size that the network was trained with.
_PREPROCESSOR = 'Preprocessor/'
_ANY_SIZE = 640, 640   # to find out the kind of a network that takes any size


class ModelForm(NamedTuple):
    """The input of a model, and the kind of its outputs."""

    network_input: NetworkInput
    kind: OutputKind


def form_of(model: Any) -> ModelForm:
    """
    Return the form of a model that takes pictures of one size.

    :param model: OpenVINO's ``Model`` or ``CompiledModel``.
    :raises ValueError: it takes no picture, or its outputs are no detections.
    """
    (height, width), is_planar, element = _input_of(model)
    kind = kind_of(_outputs_of(model), (width, height))
    return ModelForm(NetworkInput(
        (width, height), kind.input_format, element, is_planar, element == 'uint8'), kind)


def fix_form(model: Any) -> ModelForm:
    """
    Return the form of a model, which takes pictures of one size from now on.

    A model that leaves the size open gets the size that it brings each picture to itself, or else
    what is usual for its kind.

    :param model: OpenVINO's ``Model``.
    :raises ValueError: it takes no picture, or its outputs are no detections.
    """
    sides, is_planar, _ = _input_of(model)
    height, width = sides
    kind = kind_of(_outputs_of(model), (width or _ANY_SIZE[0], height or _ANY_SIZE[1]))
    if not height or not width:
        own_width, own_height = _own_size(model) or kind.usual_size
        width, height = width or own_width, height or own_height
    model.reshape([1, _CHANNELS, height, width] if is_planar else [1, height, width, _CHANNELS])
    return form_of(model)


def _input_of(model: Any) -> tuple[tuple[int, int], bool, str]:
    """Return (height, width), 0 if open, whether the input is planar, and its element."""
    if len(model.inputs) != 1:
        names = ', '.join(sorted(name for one in model.inputs for name in one.get_names()))
        raise ValueError(f'it has {len(model.inputs)} inputs ({brief(names)}), {_EXPECTED}')
    shape = _sizes(model.inputs[0].get_partial_shape())
    element = model.inputs[0].get_element_type().get_type_name()
    found = f'its input is {_shown(shape)} of {element}, {_EXPECTED}'
    if len(shape) != 4 or shape[0] not in (None, 1) or element not in _ELEMENT_NAMES:
        raise ValueError(found)
    is_planar = shape[3] != _CHANNELS
    channels, *sides = (shape[1], shape[2], shape[3]) if is_planar else (
        shape[3], shape[1], shape[2])
    if channels != _CHANNELS or any(
            side is not None and not 0 < side <= _MOST_PIXELS for side in sides):
        raise ValueError(found)
    height, width = (side or 0 for side in sides)
    return (height, width), is_planar, _ELEMENT_NAMES[element]


def _outputs_of(model: Any) -> list[TensorForm]:
    return [TensorForm(frozenset(output.get_names()), _sizes(output.get_partial_shape()))
            for output in model.outputs]


def _sizes(shape: Any) -> tuple[int | None, ...]:
    """Return the dimensions of a ``PartialShape``, None for each that is not fixed."""
    if shape.rank.is_dynamic:
        return ()
    return tuple(None if side.is_dynamic else side.get_length() for side in shape)


def _shown(shape: Sequence[int | None]) -> str:
    return 'x'.join('?' if side is None else str(side) for side in shape) or 'of any form'


def _own_size(model: Any) -> tuple[int, int] | None:
    """Return (width, height) to which a model brings its pictures itself, or None."""
    for node in _nodes_of(model):
        if node.get_type_name() == 'Interpolate' and node.get_friendly_name().startswith(
                _PREPROCESSOR):
            sizes = node.input_value(1).get_node()
            if sizes.get_type_name() == 'Constant' and len(sizes.get_vector()) == 2:
                height, width = map(int, sizes.get_vector())
                if 0 < height <= _MOST_PIXELS and 0 < width <= _MOST_PIXELS:
                    return width, height
    return None


def _nodes_of(model: Any) -> Iterator[Any]:
    """Yield all operations of a model, also those in its loops."""
    for node in model.get_ops():
        yield node
        if hasattr(node, 'get_function'):   # a loop; OpenVINO 2022 does not show its inside
            yield from _nodes_of(node.get_function())
