# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the parameters that were given to a node's process and are ignored."""

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ncs_cluster_detector.closest_name import closest
from ncs_cluster_detector.parameters.given_parameters import Block
from ncs_cluster_detector.parameters.given_parameters import ParameterFile
from ncs_cluster_detector.parameters.given_parameters import read_files
from ncs_cluster_detector.parameters.given_parameters import rules_in
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.shown_text import texts_in

PACKAGE = 'ncs_cluster_detector'
NODES = ('camera', 'detector')   # their names when they are not renamed
MOST_NAMED = 4   # keys or parameters named in one line; the others are counted
LONGEST_VALUE = 80   # characters
# From this likeness on a name is taken for another: detektor or my_detector for detector, camera
# not.
ALIKE = 0.7
# Every ROS node may be given these; other overrides exist only for topics that declare them.
OF_ROS = ('qos_overrides./clock.', 'qos_overrides./parameter_events.', 'qos_overrides./rosout.')


class UnusedParameters:
    """Finds the given parameters of one node's process that rclpy and rcl ignore."""

    def __init__(self, node: str, default_name: str, own_names: Collection[str],
                 arguments: Sequence[str]) -> None:
        """
        Read the command line and its parameter files.

        :param node: the fully qualified name of the node, such as ``/front/detector``.
        :param default_name: name of the node when it is not renamed.
        :param own_names: names of all its parameters, including those of ROS.
        :param arguments: the command line.
        """
        self._node = node
        self._name = node.rpartition('/')[2]
        self._own = own_names
        self._default_name = default_name
        self._files = read_files(arguments)
        self._rules = rules_in(arguments)

    def warnings(self, overrides: Mapping[str, Any]) -> list[str]:
        """
        Return one line for each parameter and each block of a file that is ignored.

        :param overrides: the parameters that reached the node.
        """
        shared = set(self._of_others_by_wildcard(overrides))
        lines = [self._unknown(name, value) for name, value in overrides.items()
                 if not self._is_known(name) and name not in shared]
        lines += [self._rule_for_other(*rule) for rule in self._rules
                  if rule[0] and f'/{rule[0]}' != self._node]
        for file in self._files:
            lines += [shown(line, file.path) for line in self._of_file(file)]
        return lines

    def notes(self, overrides: Mapping[str, Any]) -> list[str]:
        """Return a list with one line if a file gives all nodes what only another one uses."""
        names = self._of_others_by_wildcard(overrides)
        if not names:
            return []
        (other,) = {other_node_with(name, self._own) for name in names}
        return [shown(f'parameters of the {other} node, given to all nodes by a parameter file '
                      f'and not used here: {listed(names)}')]

    def _is_known(self, name):
        return name in self._own or name.startswith(OF_ROS)

    def _of_others_by_wildcard(self, overrides):
        """Return the other node's parameters that only blocks for several nodes give."""
        blocks = [block for file in self._files for block in file.blocks
                  if block.reaches(self._node)]
        wide = {entry.name for block in blocks if block.has_wildcard for entry in block.entries}
        wide -= {entry.name for block in blocks if not block.has_wildcard
                 for entry in block.entries}
        wide -= {name for node, name, _ in self._rules if node in (None, self._name)}
        return [name for name in overrides if name in wide and not self._is_known(name)
                and other_node_with(name, self._own)]

    def _unknown(self, name, value):
        other = other_node_with(name, self._own)
        if other:
            reason = f'a parameter of the {other} node, ignored; give it to that one'
        elif name.startswith('qos_overrides.'):
            reason = 'the QoS of this topic cannot be overridden, ignored; leave it out'
        else:
            reason = f'no such parameter, ignored; {likely(name, self._own)}'
        text = shown(f'{name}={shown(value, *texts_in(value))[:LONGEST_VALUE]}', *texts_in(value))
        return f'{text}: {reason}'

    def _rule_for_other(self, node, name, value):
        remedy = f'leave out "{node}:"' if name in self._own else 'give it to that one'
        text = shown(f'-p {node}:{name}:={shown(value, value)[:LONGEST_VALUE]}', value)
        return f'{text}: for the node /{node} and not {self._node}, ignored; {remedy}'

    def _of_file(self, file):
        """Yield what is wrong with a file."""
        reaching = [block for block in file.blocks if block.reaches(self._node)]
        if not file.blocks:
            yield (f'{file.path}: holds no parameters, ignored; expected the key {self._node} '
                   'with ros__parameters below it')
        elif blocks := missed(file, self._node, self._default_name):
            names = dict.fromkeys(entry.name for block in blocks for entry in block.entries)
            keys = listed(block.key for block in blocks)
            yield (f'{file.path}: its parameters for {keys} do not reach {self._node}, '
                   f'ignored ({listed(names)}); use the key {self._node}, or '
                   f'/**/{self._name} for any namespace')
        elif not reaching:
            keys = dict.fromkeys(block.key for block in file.blocks)
            yield (f'{file.path}: has nothing for {self._node} (it is for {listed(keys)}), '
                   f'ignored; use the key {self._node}, or another file')
        if file.goes_on:
            yield (f'{file.path}: holds several documents, all but the first ignored; leave out '
                   'the line "---" between them')
        yield from _contradictions(file.path, reaching)


def missed(file: ParameterFile, node: str, default_name: str) -> list[Block]:
    """
    Return the blocks of a ParameterFile that look meant for a node and do not reach it.

    If a block names the node itself, in any namespace or in its own, there are none: the others
    are for other nodes.

    :param node: fully qualified name of the node.
    :param default_name: its name when it is not renamed.
    """
    if any(block.reaches(node) and not block.key.endswith('*') for block in file.blocks):
        return []
    return [block for block in file.blocks
            if not block.reaches(node) and _looks_meant(block, node, default_name)]


def _looks_meant(block, node, default_name):
    name = block.key.rpartition('/')[2].lower()
    likely_names = {node.rpartition('/')[2].lower(), *_forms(default_name), PACKAGE}
    if name in likely_names:
        return True
    # A block with the other node's name is for that one.
    others = {form for other in NODES if other != default_name for form in _forms(other)}
    return name not in others and bool(closest(name, likely_names, ALIKE))


def _forms(name):
    return name, f'{name}_node'


def _contradictions(path, blocks):
    """Yield a line for each parameter with several values below one key."""
    found = {}
    for block in blocks:
        for entry in block.entries:
            found.setdefault((block.key, entry.name), []).append(entry)
    for (key, name), entries in found.items():
        if len({entry.value for entry in entries}) > 1:
            lines = ', '.join(str(entry.line) for entry in entries)
            yield (f'{path}: {name} stands {len(entries)} times below {key} (lines {lines}), and '
                   f'the last one is used; keep one')


def likely(name: str, names: Collection[str]) -> str:
    """Return which name is likely meant by a wrong one, or where the names are listed."""
    if other := other_node_with(name, names):
        return f'the {other} node has it, give it to that one'
    if close := closest(name, names):
        return f'did you mean {close}?'
    others = {known: node for node, table in _tables().items() for known in table}
    if close := closest(name, others):
        return f'did you mean {close} of the {others[close]} node?'
    return 'see ros2 param list'


def other_node_with(name: str, own_names: Collection[str]) -> str:
    """Return which of the package's nodes has a parameter that this one lacks, or ''."""
    tables = _tables()
    return next((node for node, names in tables.items()
                 if name in names and name not in own_names), '')


def _tables():
    # Imported here, because the other node's table is needed only after a mistake.
    from ncs_cluster_detector.parameters import camera_parameters
    from ncs_cluster_detector.parameters import detector_parameters
    return {'camera': {spec.name for spec in camera_parameters.PARAMETERS},
            'detector': {spec.name for spec in detector_parameters.PARAMETERS}}


def listed(names: Iterable[str]) -> str:
    """Return names as a text; if they are many, the first and the number of the others."""
    names = list(names)
    more = len(names) - MOST_NAMED
    return ', '.join(names[:MOST_NAMED]) + (f' and {more} more' if more > 0 else '')
