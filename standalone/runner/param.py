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
from ncs_cluster_detector.closest_name import closest
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.ros.environment import WITHOUT_LOG_FILE
from ncs_cluster_detector.shown_text import without_secrets
from runner import finder
from runner.finder import Failure
from runner.one_line_parser import OneLineParser

DESCRIPTION = """
Do what ros2 param does, for the nodes of a `make run` in another terminal. Without arguments: list
every parameter of both nodes with its value.
"""
NODES = ('detector', 'camera')   # where a name is looked for, in this order
PATIENCE_SEC = 10.0
# By number, as in rcl_interfaces/msg/ParameterType.
TYPES = ('not set', 'boolean', 'integer', 'double', 'string', 'byte array', 'boolean array',
         'integer array', 'double array', 'string array')


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """
    Return the command (list, describe, get, set), name, value and pid in a list of arguments.

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
        one.add_argument('name')
        if command == 'set':
            one.add_argument('value', nargs='+', help='in YAML: 3, 60.5, true, [person, car]')
    given = parser.parse_args(arguments)
    try:
        ' '.join(arguments).encode()
    except UnicodeEncodeError:   # ROS texts are UTF-8
        parser.error(f'{" ".join(arguments)!a}: not valid UTF-8')
    return given


class Nodes:
    """The parameter services of both nodes; create it after the environment is that of the run."""

    def __init__(self) -> None:
        """Join the ROS domain."""
        # Late, because ROS reads the environment, and importing it takes half a second.
        import rclpy
        from rclpy.parameter_client import AsyncParameterClient
        from rclpy.signals import SignalHandlerOptions
        rclpy.init(args=WITHOUT_LOG_FILE, signal_handler_options=SignalHandlerOptions.NO)
        self._rclpy = rclpy
        self._node = rclpy.create_node('param', start_parameter_services=False,
                                       enable_rosout=False)
        self._clients = {name: AsyncParameterClient(self._node, f'/{name}') for name in NODES}

    def close(self) -> None:
        self._node.destroy_node()
        self._rclpy.try_shutdown()

    def ask(self, node: str, request: str, *arguments: Any) -> Any:
        """
        Return the answer of a node.

        :param request: name of a method of rclpy's AsyncParameterClient, with its arguments.
        :raises Failure: no answer came in time.
        """
        client = self._clients[node]
        if client.wait_for_services(PATIENCE_SEC):
            future = getattr(client, request)(*arguments)
            self._rclpy.spin_until_future_complete(self._node, future, timeout_sec=PATIENCE_SEC)
            if future.done():
                return future.result()
        raise Failure(f'the {node} node did not answer within {PATIENCE_SEC:g} s; does its '
                      '`make run` still show new figures?')

    def names(self, node: str) -> list[str]:
        """Return the names of all parameters of a node, sorted."""
        return sorted(self.ask(node, 'list_parameters').result.names)

    def look_up(self, node: str, names: Sequence[str]) -> list[tuple[Any, Any]]:
        """Return the descriptor and the value (a ROS message each) of some of its parameters."""
        descriptors = self.ask(node, 'describe_parameters', names).descriptors
        return list(zip(descriptors, self.ask(node, 'get_parameters', names).values))

    def owner(self, name: str) -> str:
        """
        Return the name of the node that has a parameter.

        :raises Failure: no node has it; the text names a similar one.
        """
        known = []
        for node in NODES:
            names = self.names(node)
            if name in names:
                return node
            known += names
        close = closest(name, known)
        hint = f'did you mean {close}?' if close else '`make param` lists them'
        raise Failure(f'{name}: no such parameter; {hint}')


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
        lines = [line for node in NODES for line in table(
            node, nodes.look_up(node, nodes.names(node)))]
        return [*lines, '* live: can be set while the node runs']
    node = nodes.owner(given.name)
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
