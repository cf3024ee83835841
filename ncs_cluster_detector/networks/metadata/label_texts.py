# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Labels as they are written in texts: of Python, of JSON and of YAML."""

import ast
from collections.abc import Iterable
from collections.abc import Mapping
import json
import re
from typing import Any

from ncs_cluster_detector.shown_text import printable

# Ten times what the 1203 classes of LVIS take, the longest list of a usual detector.
LARGEST_TEXT = 2**19
_LONGEST_LABEL = 200
# A text as Python writes it, with no escapes but its own.
_ESCAPE = r"""\\(?:[\\'"nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U000[0-9a-f]{5})"""
_QUOTED = rf"""(?:'(?:[^'\\\n]|{_ESCAPE})*'|"(?:[^"\\\n]|{_ESCAPE})*")"""
_END = r'\s*(?:,\s*)?'
_ENTRY = rf'\s*\d{{1,5}}\s*:\s*{_QUOTED}'
# Only flat dictionaries and lists of texts, so that reading them is neither deep nor long.
_LITERAL = re.compile(rf'\{{{_ENTRY}(?:\s*,{_ENTRY})*{_END}\}}'
                      rf'|\[\s*{_QUOTED}(?:\s*,\s*{_QUOTED})*{_END}\]')
_NAMES = re.compile(r"""['"]names['"]\s*:\s*""")
_YAML_NAMES = re.compile(r'^names:[ \t]*(.*)$', re.MULTILINE)
_YAML_ENTRY = re.compile(r'(?:(\d{1,5})[ \t]*:|-)[ \t]+(\S.*)')


def checked_labels(labels: Iterable[object]) -> tuple[str, ...] | None:
    """Return labels on one line each, or None if there are none or one is no text for a label."""
    given = tuple(labels)
    if not all(isinstance(label, str) for label in given):
        return None
    texts = tuple(' '.join(printable(str(label)).split()) for label in given)
    fit = all(0 < len(text) <= _LONGEST_LABEL for text in texts)
    return texts if texts and fit else None


def labels_of_names(names: object) -> tuple[str, ...] | None:
    """
    Return the labels in a list, or in a dictionary by the classes from 0 on without a gap.

    :param names: what was read from a file; its keys are numbers or their texts.
    """
    if isinstance(names, list):
        return checked_labels(names)
    return _in_order(names) if isinstance(names, dict) else None


def labels_of_literal(text: str) -> tuple[str, ...] | None:
    """Return the labels in a dictionary or a list as Python writes it, or None."""
    if len(text) > LARGEST_TEXT or not _LITERAL.fullmatch(text.strip()):
        return None
    try:
        return labels_of_names(ast.literal_eval(text.strip()))
    except (SyntaxError, ValueError):   # such as a zero byte, or a number like 007
        return None


def labels_of_metadata(text: str) -> tuple[str, ...] | None:
    """Return the labels below ``names`` in JSON, or in a dictionary as Python writes it."""
    if len(text) > LARGEST_TEXT:
        return None
    try:
        metadata = json.loads(text)
    except (ValueError, RecursionError):
        key = _NAMES.search(text)
        match = _LITERAL.match(text, key.end()) if key else None
        return labels_of_literal(match[0]) if match else None
    return labels_of_names(metadata.get('names')) if isinstance(metadata, dict) else None


def labels_of_yaml(text: str) -> tuple[str, ...] | None:
    """Return the labels below ``names`` in the metadata.yaml that Ultralytics writes, or None."""
    match = _YAML_NAMES.search(text) if len(text) <= LARGEST_TEXT else None
    if match is None:
        return None
    if match[1]:
        return labels_of_literal(match[1])
    names: dict[str, str] = {}
    for line in text[match.end():].lstrip('\r\n').splitlines():
        entry = _YAML_ENTRY.fullmatch(line.strip())
        if entry is None:
            break
        names[entry[1] or str(len(names))] = _unquoted(entry[2])
    return _in_order(names)


def _unquoted(text: str) -> str:
    """Return a scalar of YAML without its quotation marks."""
    if len(text) > 1 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    if len(text) > 1 and text[0] == text[-1] == '"':
        return ''.join(labels_of_literal(f'[{text}]') or ())
    return text


def _in_order(names: Mapping[Any, object]) -> tuple[str, ...] | None:
    by_class = {str(key): value for key, value in names.items()}
    if set(by_class) != set(map(str, range(len(by_class)))):
        return None
    return checked_labels(by_class[str(index)] for index in range(len(by_class)))
