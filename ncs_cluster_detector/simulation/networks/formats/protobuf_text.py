# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Read the text form of protocol buffers, in which Caffe networks are defined.

A message is a sequence of fields ``name: value``, ``name: [value, value]`` or
``name { message }``.
"""

import re
from typing import Any

from ncs_cluster_detector.shown_text import brief

_SKIPPED = re.compile(r'(?:\s|[:,;]|#[^\n]*)*')
_TOKEN = re.compile(r"""
    "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'   # quoted
    | [][{}<>]
    | [^][{}<>\s:,;#"']+                        # a name, a number, a word""", re.VERBOSE)


def parse(text: str) -> dict[str, list[Any]]:
    """
    Return a message as a dictionary: name of a field to the list of its values.

    Values are texts, with their escapes unchanged, or dictionaries again. Correct texts are read
    correctly, but not every error is noticed.

    :raises ValueError: the text is not a message.
    """
    root, outer = {}, []
    message, name, is_list = root, None, False
    for line, token in _tokens(text):
        is_bracket = token in '[]{}<>'
        if name is None and not is_bracket:
            name = token
        elif name is not None and token in '{<':
            inner = {}
            message.setdefault(name, []).append(inner)
            outer.append((message, name if is_list else None, is_list))
            message, name, is_list = inner, None, False
        elif name is None and token in '}>' and outer:
            message, name, is_list = outer.pop()
        elif name is not None and token == ('[', ']')[is_list]:
            name = name if token == '[' else None
            is_list = not is_list
        elif name is not None and not is_bracket:
            value = token[1:-1] if token[0] in '"\'' else token
            message.setdefault(name, []).append(value)
            name = name if is_list else None
        else:
            wanted = 'a name' if name is None else f'the value of {brief(name)}'
            raise ValueError(f'line {line} has {brief(token)!r} where {wanted} belongs')
    if name is not None or outer:
        raise ValueError('it ends in the middle')
    return root


def _tokens(text):
    """Yield (number of the line, token) for each token of a text."""
    line, at = 1, 0
    while True:
        skipped = _SKIPPED.match(text, at)
        line += skipped[0].count('\n')
        if skipped.end() == len(text):
            return
        token = _TOKEN.match(text, skipped.end())
        if token is None:
            raise ValueError(f'line {line} has a quotation mark without its other one')
        yield line, token[0]
        at = token.end()
