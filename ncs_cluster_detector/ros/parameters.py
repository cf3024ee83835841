# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""How the nodes' parameters are described, declared, checked and refused."""

from array import array
from dataclasses import dataclass
import math
import sys
from typing import Any

from ncs_cluster_detector.parameters.unused_parameters import UnusedParameters
from ncs_cluster_detector.ros.parameter_requests import accepted
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.shown_text import texts_in
from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter


class StartupError(Exception):
    """A node cannot start; the text is one line that names the parameter and the remedy."""


@dataclass(frozen=True)
class ParameterSpec:
    """
    One parameter: its name, default, meaning and limits.

    The default decides the type: bool, int, float, str, or a list of str. ``low`` and ``high``
    are the limits of a number, both included, ``above`` a limit that is not; ``choices`` are all
    values of a text. A parameter that is not ``live`` is read-only while the node runs.
    """

    name: str
    default: Any
    description: str
    low: Any = None
    high: Any = None
    choices: tuple = ()
    live: bool = False
    above: Any = None

    @property
    def ros_type(self):
        """Return the rclpy type of the default (an empty list is a list of texts)."""
        if isinstance(self.default, list):
            return Parameter.Type.STRING_ARRAY
        return Parameter.Type.from_parameter_value(self.default)

    @property
    def rule(self):
        """Return what a value must be, as the end of a sentence that starts with 'must be'."""
        if self.choices:
            return 'one of ' + ', '.join(self.choices)
        kind = {Parameter.Type.BOOL: 'true or false', Parameter.Type.INTEGER: 'a whole number',
                Parameter.Type.DOUBLE: 'a number', Parameter.Type.STRING: 'a text',
                Parameter.Type.STRING_ARRAY: "a list of texts, such as ['a', 'b']"}[self.ros_type]
        if self.above is not None:
            return f'{kind} above {self.above:g}'
        return kind if self.low is None else f'{kind}, {self.low} to {self.high}'

    def descriptor(self):
        """Return the ROS descriptor, which ``ros2 param describe`` shows."""
        descriptor = ParameterDescriptor(
            name=self.name, type=self.ros_type.value,
            description=f'{self.description} Default: {self.shown_default()}.',
            read_only=not self.live)
        if self.choices or self.above is not None:
            descriptor.additional_constraints = self.rule
        if self.low is not None:
            if self.ros_type == Parameter.Type.INTEGER:
                descriptor.integer_range = [
                    IntegerRange(from_value=self.low, to_value=self.high, step=1)]
            else:
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=self.low, to_value=self.high, step=0.0)]
        return descriptor

    def shown_default(self):
        """Return the default as its description shows it."""
        if self.default in ('', []):
            return 'empty'
        return str(self.default).lower() if isinstance(self.default, bool) else self.default

    def accept(self, value):
        """
        Return the value in the parameter's own type: a whole number serves as a float.

        :raises ValueError: the value has the wrong type or lies outside the limits; the text is
            the rule that it breaks.
        """
        wanted = self.ros_type
        if wanted == Parameter.Type.DOUBLE and type(value) is int:
            value = float(value)
        if isinstance(value, (list, tuple, array)) and len(value) == 0:
            value = []   # an empty list carries no type of its own
        if self.default == [] and value == ['']:
            value = []   # how a parameter file, which knows no empty list, writes it
        # To Python a bool is an int, to ROS it is not.
        fits = wanted.check(value) and isinstance(value, bool) == (wanted == Parameter.Type.BOOL)
        if fits and self.choices:
            fits = value in self.choices
        if fits and wanted in (Parameter.Type.INTEGER, Parameter.Type.DOUBLE):
            fits = (math.isfinite(value) and (self.above is None or value > self.above)
                    and (self.low is None or self.low <= value <= self.high))
        if not fits:
            raise ValueError(f'must be {self.rule}')
        return list(value) if wanted == Parameter.Type.STRING_ARRAY else value

    def parameter(self, value):
        """Return an rclpy parameter with this name and type."""
        return Parameter(self.name, self.ros_type, value)


class NodeWithParameters(Node):
    """
    A node whose parameters are a table of specs.

    Every refusal, at start-up and later, is one line
    ``name=value: rule (related current values); what to do``.
    """

    def __init__(self, node_name, specs, arguments=None, **kwargs):
        """
        Declare the parameters and take over the values given at start-up.

        :param node_name: what it is called when it is not renamed.
        :param specs: the table, a sequence of ParameterSpec.
        :param arguments: the command line that rclpy was initialised with; None for that of the
            process.
        :raises StartupError: a given value breaks a rule.
        """
        super().__init__(node_name, **kwargs)
        self._specs = {spec.name: spec for spec in specs}
        self._tell_unused(node_name, sys.argv if arguments is None else arguments)
        for spec in specs:
            self._declare(spec)
        try:
            self.validate_combination(self.values())
        except ValueError as error:
            raise StartupError(self.shown(error)) from None

    def shown(self, text, *others):
        """
        Return a text as it may be shown, one line without the secrets in any parameter.

        :param text: a text or an exception.
        :param others: further values that may stand in it.
        """
        values = [parameter.value for name in self._specs if self.has_parameter(name)
                  for parameter in [self.get_parameter(name)]]
        return shown(text, *texts_in([*values, *others]))

    def values(self):
        """Return all parameters of the table as a dictionary of name and value."""
        return {name: self.get_parameter(name).value for name in self._specs}

    def validate_combination(self, values):
        """
        Check rules that concern several values; a node with such rules overrides this.

        :param values: all values as they would be.
        :raises ValueError: the whole refusal line.
        """

    def apply(self, before, after):
        """
        Let accepted values take effect; a node with live parameters overrides this.

        :param before: all values before the change.
        :param after: all values after it.
        """

    def set_parameters_atomically(self, parameter_list):
        """
        Set parameters; the parameter services call this too.

        rclpy would refuse a range, a type or an unknown name in words of its own, which name
        neither the remedy nor, for an unknown name, the parameter. So the table is asked first.
        """
        before = self.values()
        try:
            changes = [change for parameter in parameter_list
                       if (change := accepted(parameter, self, self._specs)) is not None]
            after = before | {change.name: change.value for change in changes
                              if change.name in self._specs}
            self.validate_combination(after)
        except ValueError as refusal:
            reason = self.shown(refusal, *(parameter.value for parameter in parameter_list))
            self.get_logger().warning(f'refused: {reason}')
            return SetParametersResult(successful=False, reason=reason)
        result = super().set_parameters_atomically(changes)
        if result.successful and after != before:
            self.apply(before, after)
        return result

    def _tell_unused(self, default_name, arguments):
        """Name what was given and is ignored, before a refusal that it may explain."""
        given = {name: parameter.value for name, parameter in self._parameter_overrides.items()}
        of_ros = [name for name in given if self.has_parameter(name)]
        unused = UnusedParameters(self.get_fully_qualified_name(), default_name,
                                  {*self._specs, *of_ros}, arguments)
        for line in unused.warnings(given):
            self.get_logger().warning(line)
        for line in unused.notes(given):
            self.get_logger().info(line)

    def _declare(self, spec):
        # Declared without a type first: rclpy refuses a whole number for a float, and an empty
        # list for a list of texts, with an exception that does not hold the value.
        loose = ParameterDescriptor(dynamic_typing=True)
        given = self.declare_parameter(spec.name, spec.default or None, loose).value
        self.undeclare_parameter(spec.name)
        try:
            value = spec.accept(spec.default if given is None else given)
        except ValueError as rule:
            raise StartupError(shown(
                f'{spec.name}={given}: {rule} (default {spec.default}); start the node with such '
                f'a value for {spec.name}', *texts_in(given))) from None
        if value == []:   # rclpy cannot tell the type of an empty list, so it is set afterwards
            self.declare_parameter(
                spec.name, spec.ros_type, spec.descriptor(), ignore_override=True)
            super().set_parameters_atomically([spec.parameter(value)])
        else:
            self.declare_parameter(spec.name, value, spec.descriptor(), ignore_override=True)
