# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
Reads from an ONNX model what its input is, which OpenCV does not tell.

The format is that of protocol buffers: a message is a row of fields, each with a number and either
a whole number or bytes, which may be a message again. The numbers are those of onnx.proto.
"""

_GRAPH_OF_MODEL = 7
_INPUT_OF_GRAPH = 11
_INITIALIZER_OF_GRAPH = 5
_NAME_OF_INITIALIZER = 8
_NAME_OF_INPUT = 1
_TYPE_OF_INPUT = 2
_TENSOR_OF_TYPE = 1
_SHAPE_OF_TENSOR = 2
_DIMENSION_OF_SHAPE = 1
_VALUE_OF_DIMENSION = 1
_NAME_OF_DIMENSION = 2

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FIXED_SIZES = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}


def input_shapes(model):
    """
    Return the dimensions of a model's inputs, by their names.

    :param model: bytes of an ONNX file.
    :return: for each input a tuple of numbers, and of names or '?' where there is no number.
    :raises ValueError: the bytes are no such file.
    """
    graph = _only(memoryview(model), _GRAPH_OF_MODEL)
    # Old files list their weights among the inputs.
    weights = {_text(_only(weight, _NAME_OF_INITIALIZER))
               for weight in _all(graph, _INITIALIZER_OF_GRAPH)}
    shapes = {}
    for value in _all(graph, _INPUT_OF_GRAPH):
        name = _text(_only(value, _NAME_OF_INPUT))
        if name not in weights:
            tensor = _only(_only(value, _TYPE_OF_INPUT), _TENSOR_OF_TYPE)
            shape = _only(tensor, _SHAPE_OF_TENSOR)
            shapes[name] = tuple(map(_dimension, _all(shape, _DIMENSION_OF_SHAPE)))
    return shapes


def _dimension(message):
    value = _only(message, _VALUE_OF_DIMENSION, 0)
    return value if value > 0 else _text(_only(message, _NAME_OF_DIMENSION)) or '?'


def _text(value):
    return bytes(value).decode('utf-8')


def _only(message, number, otherwise=b''):
    """Return the value of a field, the last one when there are several, or what it is without."""
    return (_all(message, number) or [otherwise])[-1]


def _all(message, number):
    """Return the values of all fields with a number."""
    return [value for found, value in _fields(memoryview(message)) if found == number]


def _fields(message):
    """Yield (number, value) for each field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
        elif kind == _BYTES or kind in _FIXED_SIZES:
            size, at = _varint(message, at) if kind == _BYTES else (_FIXED_SIZES[kind], at)
            value, at = message[at:at + size], at + size
            if at > len(message):
                raise ValueError('it ends in the middle')
        else:
            raise ValueError(f'it has a field of the unknown kind {kind}')
        yield number, value


def _varint(message, at):
    """Return a whole number, seven bits a byte from the lowest on, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError('it ends in the middle')
        byte = message[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            # A negative one takes all 64 bits.
            return value - (1 << 64) if value >> 63 else value, at
        if shift > 63:
            raise ValueError('it has a number of more than 64 bits')
