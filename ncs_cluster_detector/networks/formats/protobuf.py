# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Read protocol buffers, the format of ONNX and Caffe files.

A message is a sequence of fields. A field has a number, and its value is an integer or bytes,
which may be a message again.
"""

from collections.abc import Iterator

_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_FIXED_SIZES = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}


def only(
        message: int | bytes | memoryview, number: int,
        otherwise: int | bytes = b'') -> int | bytes | memoryview:
    """
    Return the value of a field (the last one when there are several), or else ``otherwise``.

    :raises ValueError: the bytes are not a message.
    """
    return (every(message, number) or [otherwise])[-1]


def every(message: int | bytes | memoryview, number: int,
          most_fields: int | None = None) -> list[int | bytes | memoryview]:
    """
    Return the values of all fields with a number, bytes as views without a copy.

    :param most_fields: of any number, where a file of tiny ones must not take long; None: all.
    :raises ValueError: the bytes are not a message, or it has more fields.
    """
    values: list[int | bytes | memoryview] = []
    for count, (found, value) in enumerate(_fields(_bytes(message))):
        if count == most_fields:
            raise ValueError(f'it has more than {most_fields} fields')
        if found == number:
            values.append(value)
    return values


def text(value: int | bytes | memoryview) -> str:
    """
    Return the value of a field as text.

    :raises ValueError: it is not a text.
    """
    return bytes(_bytes(value)).decode('utf-8')


def _bytes(value: int | bytes | memoryview) -> memoryview:
    """Return a view of the bytes in the value of a field."""
    if isinstance(value, int):
        raise ValueError(f'it has the number {value} where a message or a text belongs')
    return memoryview(value)


def _fields(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (number, value) for each field of a message."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            integer, at = _varint(message, at)
            yield number, integer
        elif kind == _BYTES or kind in _FIXED_SIZES:
            size, at = _varint(message, at) if kind == _BYTES else (_FIXED_SIZES[kind], at)
            value, at = message[at:at + size], at + size
            # A size may be below 0, and reading would go back.
            if size < 0 or at > len(message):
                raise ValueError('it ends in the middle')
            yield number, value
        else:
            raise ValueError(f'it has a field of the unknown kind {kind}')


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return an integer, seven bits a byte from the lowest on, and where it ends."""
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError('it ends in the middle')
        byte = message[at]
        at += 1
        value |= (byte & 0x7f) << shift
        shift += 7
        if byte < 0x80:
            # A negative integer takes all 64 bits.
            return value - (1 << 64) if value >> 63 else value, at
        if shift > 63:
            raise ValueError('it has a number of more than 64 bits')
