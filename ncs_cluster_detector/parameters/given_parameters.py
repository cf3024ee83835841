# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Reads which parameters a command line and its parameter files give, and to which nodes.

rcl gives a node its own parameters and says nothing about the others. The rules are those of rcl
(arguments.c) and its rcl_yaml_param_parser (parse.c).
"""

from collections.abc import Iterable
from dataclasses import dataclass
import os
import re
import stat

import yaml

START, END = '--ros-args', '--'
FILE_FLAGS, VALUE_FLAGS = ('--params-file',), ('-p', '--param')
PARAMETERS = 'ros__parameters'
# -p NAME:=VALUE or -p NODE:NAME:=VALUE, where NODE is no more than a name.
RULE = re.compile(r'(?:(?P<node>\w+):)?(?P<name>[^:=]+):=(?P<value>.*)', re.DOTALL)
# libyaml, which rcl uses too, where it is installed.
LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)


@dataclass(frozen=True)
class Entry:
    """A parameter in a file: its name with dots, its value as written, the line (1 = first)."""

    name: str
    value: str
    line: int


@dataclass(frozen=True)
class Block:
    """The parameters below one key of a file, such as ``/front/detector`` or ``/**``."""

    key: str
    entries: tuple[Entry, ...]

    @property
    def has_wildcard(self) -> bool:
        """Return whether the key may match several nodes."""
        return '*' in self.key

    def reaches(self, node: str) -> bool:
        """Return whether rcl gives it to the node with this fully qualified name."""
        wildcards = {'*': '/[^/]+', '**': '(?:/[^/]+)*'}
        pattern = ''.join(wildcards.get(part, f'/{re.escape(part)}')
                          for part in self.key.split('/')[1:])
        return re.fullmatch(pattern, node) is not None


@dataclass(frozen=True)
class ParameterFile:
    """A parameter file: its path, its blocks, and whether a second document follows in it."""

    path: str
    blocks: tuple[Block, ...]
    goes_on: bool = False


def read_files(words: Iterable[str]) -> list[ParameterFile]:
    """
    Return the ParameterFile of each file that a command line names.

    Call this after rcl has read them, so that they exist and are valid. A file that cannot be
    read twice, such as a pipe, is left out.
    """
    files = (read_file(path) for path in words_after(words, FILE_FLAGS))
    return [file for file in files if file is not None]


def rules_in(words: Iterable[str]) -> list[tuple[str | None, ...]]:
    """Return what each ``-p`` sets: a list of (node or None, parameter, value as a text)."""
    matches = map(RULE.fullmatch, words_after(words, VALUE_FLAGS))
    return [match.group('node', 'name', 'value') for match in matches if match]


def words_after(words: Iterable[str], flags: tuple[str, ...]) -> list[str]:
    """Return the words after each of the flags among the arguments for ROS."""
    found, to_ros, flag = [], False, None
    for word in words:
        if flag is not None:
            found.append(word)
            flag = None
        elif to_ros and word in flags:
            flag = word
        elif word in (START, END):
            to_ros = word == START
    return found


def read_file(path: str) -> ParameterFile | None:
    """Return a ParameterFile, or None for what cannot be read, or not twice."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            return None
        with open(path, 'rb') as file:
            content = file.read()
        if _has_alias(content):
            return None
        documents = yaml.compose_all(content, LOADER)
        blocks = tuple(_blocks(next(documents, None), ''))
    except (OSError, ValueError, RecursionError, yaml.YAMLError):
        return None   # rcl refuses it, too, or it has changed since rcl read it
    try:
        goes_on = next(documents, None) is not None
    except (ValueError, RecursionError, yaml.YAMLError):
        goes_on = True
    return ParameterFile(path, blocks, goes_on)


def _has_alias(content):
    """Return whether a file has an alias, which rcl refuses: followed, a few fill the memory."""
    for event in yaml.parse(content, LOADER):
        if isinstance(event, (yaml.AliasEvent, yaml.DocumentEndEvent)):
            return isinstance(event, yaml.AliasEvent)
    return False


def _blocks(node, key):
    """Yield the blocks below a node of YAML; nested keys are joined to one name."""
    for name, value in _pairs(node):
        if name.value == PARAMETERS:
            yield Block(key, tuple(_entries(value, '')))
        else:
            yield from _blocks(value, f'{key}/{name.value.strip("/")}')


def _entries(node, prefix):
    for name, value in _pairs(node):
        full_name = prefix + name.value
        if isinstance(value, yaml.MappingNode):
            yield from _entries(value, f'{full_name}.')
        else:
            yield Entry(full_name, _written(value), name.start_mark.line + 1)


def _written(node):
    if isinstance(node, yaml.SequenceNode):
        return '[' + ', '.join(map(_written, node.value)) + ']'
    return str(node.value)


def _pairs(node):
    pairs = node.value if isinstance(node, yaml.MappingNode) else ()
    return [(name, value) for name, value in pairs if isinstance(name, yaml.ScalarNode)]
