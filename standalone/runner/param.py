# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Lists, describes, reads and sets the parameters of a run in another terminal."""

import argparse
from collections.abc import Sequence
import contextlib
from pathlib import Path
import signal
import sys
from typing import Any

from ncs_cluster_detector.checking import environment
from ncs_cluster_detector.checking.shared_memory import clean_shared_memory
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.shown_text import without_secrets
from runner import finder
from runner.finder import Failure
from runner.names import DETECTOR
from runner.one_line_parser import OneLineParser
from runner.parameter_nodes import Nodes

DESCRIPTION = """
Do what ros2 param does, for the nodes of a `make run` in another terminal. Without arguments: list
every parameter of all nodes with its value.
"""
# By number, as in rcl_interfaces/msg/ParameterType.
TYPES = ('not set', 'boolean', 'integer', 'double', 'string', 'byte array', 'boolean array',
         'integer array', 'double array', 'string array')


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """
    Return the command (list, describe, get, set), node, name, value and pid in the arguments.

    A wrong argument ends the program with status 2 and one line on stderr.
    """
    parser = OneLineParser(prog='param', description=DESCRIPTION)
    parser.add_argument('--pid', type=int, help='process id of the detector node, where several '
                        'runs go on (without it: the newest)')
    commands = parser.add_subparsers(dest='command', title='commands')
    commands.add_parser('list', help='every parameter with its value; the default')
    for command, text in (('describe', 'type, meaning and limits of a parameter'),
                          ('get', 'the value of a parameter'),
                          ('set', 'give a live parameter another value')):
        one = commands.add_parser(command, help=text)
        one.add_argument('node', nargs='?', help='which node, with a slash, such as '
                         '/front/camera (without it: the detector, or the only camera)')
        one.add_argument('name')
        if command == 'set':
            one.add_argument('value', nargs='+', help='in YAML: 3, 60.5, true, [person, car]')
    given = _with_node(parser.parse_args(arguments), parser)
    try:
        ' '.join(arguments).encode()
    except UnicodeEncodeError:   # ROS texts are UTF-8
        parser.error(f'{" ".join(arguments)!a}: not valid UTF-8')
    return given


def _with_node(given, parser):
    """Return arguments in which a first word without a slash is no node but the name."""
    if given.command in (None, 'list'):
        return given
    if given.node is not None and '/' not in given.node:
        if given.command != 'set':
            parser.error(f'{given.node}: not a node; nodes have a slash, such as /{DETECTOR}')
        given.value.insert(0, given.name)
        given.node, given.name = None, given.node
    if given.node is None and '/' in given.name:
        parser.error(f'{given.command} {given.name}: a node without a parameter; use for example '
                     f'{given.command} /{DETECTOR} cluster_size' + ' 3' * (given.command == 'set'))
    return given


def value_text(value: Any) -> str:
    """Return a value (a ROS message) in the form that set accepts."""
    from rclpy.parameter import parameter_value_to_python
    plain = parameter_value_to_python(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    return repr(plain) if plain == '' else str(plain)


def table(node: str, parameters: Sequence[tuple[Any, Any]]) -> list[str]:
    """Return the lines of a list of (descriptor, value) of a node; a star marks the live ones."""
    width = max(len(descriptor.name) for descriptor, _ in parameters)
    return [f'{node}:'] + [
        f'  {" " if descriptor.read_only else "*"} {descriptor.name:{width}}  {value_text(value)}'
        for descriptor, value in parameters]


def description(node: str, descriptor: Any, value: Any) -> list[str]:
    """Return the lines that describe a parameter, from its descriptor and value."""
    limits = [f'{limit.from_value} to {limit.to_value}' for limit in (
        *descriptor.integer_range, *descriptor.floating_point_range)]
    limits += filter(None, [descriptor.additional_constraints])
    return [
        f'Parameter name: {descriptor.name}', f'  Node: {node}',
        f'  Type: {TYPES[descriptor.type]}', f'  Description: {descriptor.description}',
        *(f'  Constraints: {limit}' for limit in limits),
        f'  Live: {"no, read only" if descriptor.read_only else "yes"}',
        f'  Value: {value_text(value)}']


def value_in(text: str) -> Any:
    """Return the ROS parameter value in a text, read as YAML as ros2 param does."""
    from rcl_interfaces.msg import ParameterValue
    from rclpy.parameter import get_parameter_value
    import yaml
    with contextlib.suppress(yaml.YAMLError):   # what is no YAML is a text, too
        read = yaml.safe_load(text)
        if all(isinstance(one, (bool, float, str)) or isinstance(one, int) and abs(one) < 2 ** 63
               for one in (read if isinstance(read, list) else [read])):
            return get_parameter_value(text)
    # A type that no parameter has: the node answers what it expects.
    return ParameterValue(type=TYPES.index('string'), string_value=text)


def perform(nodes: Nodes, given: argparse.Namespace) -> list[str]:
    """
    Do what was asked for, and return the lines to print.

    :raises Failure: it cannot be done.
    """
    if given.command in (None, 'list'):
        lines = [line for node in nodes.all_nodes() for line in table(
            node, nodes.look_up(node, nodes.names(node)))]
        return [*lines, '* live: can be set while the node runs']
    node = nodes.owner(given.name, given.node)
    if given.command == 'set':
        return _set(nodes, node, given.name, ' '.join(given.value))
    [(descriptor, value)] = nodes.look_up(node, [given.name])
    if given.command == 'describe':
        return description(node, descriptor, value)
    kind = TYPES[value.type].capitalize()
    return [f'{kind} value is: {value_text(value)}' if not kind.endswith(' array') else
            f'{kind.removesuffix(" array")} values are: {value_text(value)}']


def _set(nodes, node, name, text):
    from rcl_interfaces.msg import Parameter
    [result] = nodes.ask(
        node, 'set_parameters', [Parameter(name=name, value=value_in(text))]).results
    if not result.successful:
        raise Failure(result.reason)
    return ['Set parameter successful']


def main(arguments: Sequence[str],
         executable: Path = Path(sys.executable).parent / 'detector_node') -> int:
    """
    Do what the arguments ask for.

    :param executable: the program by which runs are found.
    :return: exit code: 0, 1 when it failed, 128 and the number of a signal that ended it; wrong
        arguments exit with 2.
    """
    sys.stdout.reconfigure(errors='replace')   # a description in a terminal that knows only ASCII
    for number in stop_signals():
        signal.signal(number, lambda got, _: sys.exit(128 + got))   # the code below ends in order
    given = parse(arguments)
    try:
        run = finder.choose_run(finder.find_runs(executable), given.pid)
        environment.use(finder.environment_of(run))
        with clean_shared_memory(), contextlib.closing(Nodes()) as nodes:
            lines = perform(nodes, given)
    except Failure as failure:
        # The words of ros2 param, so that what is written about it elsewhere fits.
        prefix = 'Setting parameter failed' if given.command == 'set' else 'param'
        print(f'{prefix}: {without_secrets(str(failure), *arguments)}', file=sys.stderr)
        return 1
    print('\n'.join(lines))
    return 0
