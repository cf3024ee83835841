# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Checks a request to set or delete parameters of a running node."""

from array import array
from typing import Any
from typing import NoReturn

from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.parameters.unused_parameters import likely
from rclpy.node import Node
from rclpy.parameter import Parameter
import yaml

# Characters of a text that YAML reads as a number or the like; reading a long one takes seconds.
_LONGEST_OF_YAML = 100
# By ParameterSpec.type_name.
ROS_TYPES = {'bool': Parameter.Type.BOOL, 'int': Parameter.Type.INTEGER,
             'double': Parameter.Type.DOUBLE, 'string': Parameter.Type.STRING,
             'string[]': Parameter.Type.STRING_ARRAY, 'double[]': Parameter.Type.DOUBLE_ARRAY}


def accepted(parameter: Parameter, node: Node,
             specs: dict[str, ParameterSpec]) -> Parameter | None:
    """
    Return a requested parameter as the node must set it, or None when nothing changes.

    The value of one of the table that is read-only is checked like any other: the answer to an
    invalid value says so, and not that it needs a restart. See ``refuse_fixed`` for the others.

    :param node: its parameters still have their old values.
    :param specs: the parameters of its table, by name; ROS itself may have declared others.
    :raises ValueError: the request is refused; the text is one line that says why.
    """
    name, value = parameter.name, parameter.value
    if isinstance(value, array):
        value = list(value)   # lists of numbers arrive as arrays; a refusal shows a list
    deletes = parameter.type_ == Parameter.Type.NOT_SET
    if not node.has_parameter(name):
        what = f'deleting {name}' if deletes else f'{name}={value}'
        raise ValueError(f'{what}: no such parameter; {likely(name, specs)}')
    now, spec = node.get_parameter(name).value, specs.get(name)
    if deletes:
        raise ValueError(f'deleting {name}: a parameter cannot be deleted (now {now}); '
                         f'{_back_to_default(node, spec)}')
    if is_fixed(parameter, node) and _is_same(spec, value, now):
        return None
    if spec is None:
        return parameter
    try:
        return Parameter(name, ROS_TYPES[spec.type_name], spec.accept(value))
    except ValueError as rule:
        remedy = 'nothing was changed, set it to such a value' if spec.live else (
            f'nothing was changed, start the node again with such a value for {name}')
        raise ValueError(f'{name}={value}: {rule} (now {now}); {remedy}') from None


def is_fixed(parameter: Parameter, node: Node) -> bool:
    """Return whether a parameter that the node has is read-only."""
    return bool(node.describe_parameter(parameter.name).read_only)


def refuse_fixed(parameter: Parameter, node: Node) -> NoReturn:
    """Raise the ValueError for a new, valid value of a read-only parameter."""
    name, value = parameter.name, parameter.value
    raise ValueError(f'{name}={value}: cannot change while the node runs (now '
                     f'{node.get_parameter(name).value}); start the node again with -p '
                     f'{name}:={value}')


def _back_to_default(node: Node, spec: ParameterSpec | None) -> str:
    if spec is None:
        return 'set it to the value you want'
    if spec.live:
        default = f'"{spec.default}"' if isinstance(spec.default, list) else spec.default
        return (f'for its default: ros2 param set {node.get_fully_qualified_name()} {spec.name} '
                f'{default}')
    return f'for its default, {spec.shown_default()}, start the node again without it'


def _is_same(spec: ParameterSpec | None, value: Any, now: Any) -> bool:
    """Return whether a value means the present value of a read-only parameter."""
    try:
        value = value if spec is None else spec.accept(value)
    except ValueError:
        # ros2 param load reads a text such as 'true' or '12' once more, as something else.
        return _reads_as(now, value)
    if isinstance(value, list) and isinstance(now, (list, tuple)):
        return list(filter(None, value)) == list(filter(None, now))   # [] is ['']
    return type(value) is type(now) and value == now or _reads_as(now, value)


def _reads_as(text: Any, value: Any) -> bool:
    """Return whether YAML reads a text as this value."""
    if not isinstance(text, str) or len(text) > _LONGEST_OF_YAML:
        return False
    try:
        read = yaml.safe_load(text)
    except (ValueError, yaml.YAMLError):   # such as of a month 13
        return False
    return type(read) is type(value) and read == value
