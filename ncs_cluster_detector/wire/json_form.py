# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Turns the messages between hosts into JSON and back.

What arrives is checked: another host may send anything. Unknown keys are ignored, so that a later
version may add some.
"""

from collections.abc import Mapping
from dataclasses import fields
from dataclasses import is_dataclass
from dataclasses import MISSING
from enum import Enum
from functools import cache
import json
import math
from types import NoneType
from types import UnionType
from typing import Any
from typing import get_args
from typing import get_origin
from typing import get_type_hints
from typing import TypeVar
import unicodedata

LONGEST_MESSAGE = 2**20    # characters; a report of 127 sticks, each with a long error, has less
MOST_ITEMS = 4096          # of a list
LONGEST_TEXT = 4096        # characters
# Kinds of characters that end a line, control a terminal, or are half of a character. Python calls
# more unprintable, such as the no-break space, which labels and errors of libraries may have.
NO_TEXT = ('Cc', 'Cs', 'Zl', 'Zp')
HIGHEST_NUMBER = 2**63
MessageT = TypeVar('MessageT')


class BadMessageError(ValueError):
    """A message of another host cannot be used; the text says why, in one line."""


def to_json(message: object) -> str:
    """Return a message (a frozen dataclass) as JSON; fields with their defaults are left out."""
    return json.dumps(_plain(message), separators=(',', ':'))   # only ASCII, whatever texts hold


def from_json(kind: type[MessageT], text: str) -> MessageT:
    """
    Return the message of a kind that a text holds.

    Numbers are finite, whole ones not negative, and texts of one line.

    :raises BadMessageError: it is none, or a value in it is impossible.
    """
    if len(text) > LONGEST_MESSAGE:
        raise BadMessageError(f'no {kind.__name__} ({len(text)} characters, at most '
                              f'{LONGEST_MESSAGE} are read)')
    try:
        message: MessageT = _read(kind, json.loads(text))
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:
        raise BadMessageError(f'no {kind.__name__} ({type(error).__name__}: '
                              f'{str(error)[:80]!r})') from None
    return message


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if not is_dataclass(value):
        return value
    return {field.name: _plain(getattr(value, field.name)) for field in fields(value)
            if getattr(value, field.name) != field.default}


def _read(kind: Any, value: Any) -> Any:
    """Return a value of JSON in the form of a type; raise ValueError and the like if it is not."""
    if kind is float:
        return _number(float(value) if type(value) is int else value)
    if kind is int:
        if type(value) is not int or not 0 <= value < HIGHEST_NUMBER:
            raise ValueError(f'{value!r}, expected a whole number')
        return value
    if kind is str:
        if type(value) is not str or not is_text(value):
            raise ValueError(f'{value!r}, expected a text of one line')
        return value
    if kind is bool:
        if type(value) is not bool:
            raise ValueError(f'{value!r}, expected true or false')
        return value
    if get_origin(kind) is UnionType:
        return None if value is None else _read(
            next(one for one in get_args(kind) if one is not NoneType), value)
    if get_origin(kind) is tuple or hasattr(kind, '_fields'):
        return _row(kind, value)
    if issubclass(kind, Enum):
        return kind(value)
    return _message(kind, value)


def is_text(value: str) -> bool:
    """Return whether a message may hold a text."""
    return len(value) <= LONGEST_TEXT and (value.isprintable() or all(
        character == '\t' or unicodedata.category(character) not in NO_TEXT
        for character in value))


def _number(value: Any) -> float:
    if type(value) is not float or not math.isfinite(value):
        raise ValueError(f'{value!r}, expected a finite number')
    return value


def _row(kind: Any, value: Any) -> Any:
    """Return a list of JSON as a tuple, or as a named tuple."""
    if type(value) is not list or len(value) > MOST_ITEMS:
        raise ValueError(f'{value!r}, expected a list')
    if hasattr(kind, '_fields'):
        kinds = tuple(_hints(kind).values())
    else:
        kinds = get_args(kind)
        if kinds[-1] is Ellipsis:
            return tuple(_read(kinds[0], item) for item in value)
    if len(kinds) != len(value):
        raise ValueError(f'{len(value)} values, expected {len(kinds)}')
    items = map(_read, kinds, value)
    return kind(*items) if hasattr(kind, '_fields') else tuple(items)


def _message(kind: Any, value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise ValueError(f'{value!r}, expected an object')
    hints = _hints(kind)
    for field in fields(kind):
        if field.name not in value and field.default is MISSING:
            raise KeyError(field.name)
    return kind(**{name: _read(hint, value[name]) for name, hint in hints.items()
                   if name in value})


_hints = cache(get_type_hints)
