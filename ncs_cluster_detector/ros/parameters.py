# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Declares a node's parameters from a table, and checks every value that is given."""

import sys
from typing import Any
from typing import Callable
from typing import Iterable
from typing import Sequence

from ncs_cluster_detector.parameters.parameter_spec import by_name
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.parameters.unused_parameters import UnusedParameters
from ncs_cluster_detector.ros.parameter_requests import accepted
from ncs_cluster_detector.ros.parameter_requests import is_fixed
from ncs_cluster_detector.ros.parameter_requests import refuse_fixed
from ncs_cluster_detector.ros.parameter_requests import ROS_TYPES
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.shown_text import texts_in
from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

Values = dict[str, Any]


class StartupError(Exception):
    """A node cannot start; the text is one line that names the parameter and the remedy."""


def unexpected(attempt: str, error: Exception) -> StartupError:
    """
    Return the StartupError for an exception that a camera or a driver does not declare.

    Raise it ``from`` that exception, whose traceback is logged at level debug.

    :param attempt: the parameter and its value, and what was attempted.
    """
    return StartupError(
        f'{attempt} failed: {type(error).__name__}: {error}; this is a defect of the program: '
        'report it with its traceback, which --log-level debug shows')


def descriptor_of(spec: ParameterSpec) -> ParameterDescriptor:
    """Return the ROS descriptor of a parameter, which ``ros2 param describe`` shows."""
    descriptor = ParameterDescriptor(
        name=spec.name, type=ROS_TYPES[spec.type_name].value, description=spec.manual,
        read_only=not spec.live)
    is_list = isinstance(spec.default, list)
    if spec.choices or spec.above is not None or is_list and spec.low is not None:
        descriptor.additional_constraints = spec.rule
    elif spec.low is not None:
        if isinstance(spec.default, int):
            descriptor.integer_range = [
                IntegerRange(from_value=spec.low, to_value=spec.high, step=1)]
        else:
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=spec.low, to_value=spec.high, step=0.0)]
    return descriptor


class NodeParameters:
    """
    The parameters of a node.

    The constructor declares them. They can be changed after ``accept_changes``, which the node
    calls when it has all that its rules need. Every refusal, at start-up and later, is one line
    ``name=value: rule (related current values); what to do``.
    """

    def __init__(self, node: Node, table: Sequence[ParameterSpec], default_name: str,
                 arguments: list[str] | None = None) -> None:
        """
        Declare the parameters with the values that were given at start-up.

        :param default_name: name of the node when it is not renamed.
        :param arguments: the command line that rclpy was initialised with; None for that of the
            process.
        :raises StartupError: a given value breaks a rule.
        """
        self._node = node
        self._table = by_name(table)
        self._refusal = ''
        # rclpy has no public way to read them before they are declared.
        given = {name: parameter.value for name, parameter in node._parameter_overrides.items()}
        self._report_unused(given, default_name, sys.argv if arguments is None else arguments)
        for spec in table:
            self._declare(spec, given.get(spec.name))

    def accept_changes(self, validate_combination: Callable[[Values], None],
                       on_parameters_changed: Callable[[Values, Values], None]) -> None:
        """
        Check that the values fit together, and accept changes from now on.

        :param validate_combination: called with all values as they would be after a change; raises
            a ValueError, whose text is the whole refusal, if a rule between several is broken.
        :param on_parameters_changed: called with all values before and after a change.
        :raises StartupError: the present values do not fit together.
        """
        self._values = self._at_start = self.values()
        self._validate_combination = validate_combination
        self._on_parameters_changed = on_parameters_changed
        try:
            validate_combination(self._values)
        except ValueError as error:
            raise StartupError(self.shown(error)) from None
        self._node.add_pre_set_parameters_callback(self._check)
        self._node.add_on_set_parameters_callback(self._answer)
        self._node.add_post_set_parameters_callback(self._report_change)

    def shown(self, text: Any, *others: Any) -> str:
        """Return a text as one line, without the secrets in any parameter or in ``others``."""
        return shown(text, *texts_in([*self.values().values(), *others]))

    def values(self) -> Values:
        """Return all parameters of the table as a dictionary of name and value."""
        return {name: self._node.get_parameter(name).value for name in self._table}

    def log_changes(self, before: Values, after: Values, *facts: Any) -> None:
        """Log each value that has changed; ``facts`` are the arguments of each ``effect``."""
        for name, spec in self._table.items():
            old, new = before[name], after[name]
            if new != old:
                meaning = f' ({spec.effect(*facts)})' if spec.effect else ''
                self._node.get_logger().info(
                    self.shown(f'{name} {old} -> {new}{meaning}', old, new))

    def _check(self, requested: list[Parameter]) -> list[Parameter]:
        """
        Return what rclpy must set; it calls this before it checks the request itself.

        rclpy's own refusals of a range, a type or an unknown name do not name the remedy nor, for
        an unknown name, the parameter.
        """
        try:
            pairs = [(parameter, change) for parameter in requested if (
                change := accepted(parameter, self._node, self._table)) is not None]
            self._refuse_fixed(pairs)
            changes = [change for _, change in pairs]
            self._validate_combination(self.values() | self._own(changes))
        except ValueError as refusal:
            self._refusal = self.shown(refusal, *(parameter.value for parameter in requested))
            self._node.get_logger().warning(f'refused: {self._refusal}')
            changes = []
        # rclpy refuses an empty list before it calls _answer, so a parameter that every node has
        # is set to its present value.
        return changes or [self._node.get_parameter('use_sim_time')]

    def _refuse_fixed(self, pairs: list[tuple[Parameter, Parameter]]) -> None:
        """
        Refuse new values of read-only parameters, first for what a restart would refuse too.

        :param pairs: each changed parameter as requested and as accepted.
        :raises ValueError: there is one.
        """
        fixed = [pair for pair in pairs if is_fixed(pair[0], self._node)]
        if fixed:
            # What was changed live is lost in a restart.
            self._validate_combination(self._at_start | self._own(change for _, change in fixed))
            refuse_fixed(fixed[0][0], self._node)

    def _own(self, changes: Iterable[Parameter]) -> Values:
        """Return the values of those parameters that are in the table."""
        return {change.name: change.value for change in changes if change.name in self._table}

    def _answer(self, _: list[Parameter]) -> SetParametersResult:
        """Return the result of _check, which has no way to refuse."""
        reason, self._refusal = self._refusal, ''
        return SetParametersResult(successful=not reason, reason=reason)

    def _report_change(self, _: list[Parameter]) -> None:
        before, self._values = self._values, self.values()
        if self._values != before:
            self._on_parameters_changed(before, self._values)

    def _report_unused(self, given: Values, default_name: str, arguments: list[str]) -> None:
        """Log what was given and is ignored; it may explain a refusal that follows."""
        of_ros = [name for name in given if self._node.has_parameter(name)]
        unused = UnusedParameters(self._node.get_fully_qualified_name(), default_name,
                                  {*self._table, *of_ros}, arguments)
        for line in unused.warnings(given):
            self._node.get_logger().warning(line)
        for line in unused.notes(given):
            self._node.get_logger().info(line)

    def _declare(self, spec: ParameterSpec, given: Any) -> None:
        # The given value is checked here: rclpy refuses a whole number for a float, and an empty
        # list for a list of texts, with an exception that does not hold the value.
        try:
            value = spec.accept(spec.default if given is None else given)
        except ValueError as rule:
            raise StartupError(shown(
                f'{spec.name}={given}: {rule} (default {spec.default}); start the node with such '
                f'a value for {spec.name}', *texts_in(given))) from None
        type_ = ROS_TYPES[spec.type_name]
        # rclpy cannot derive the type of an empty list, so it is set afterwards.
        self._node.declare_parameter(
            spec.name, type_ if value == [] else value, descriptor_of(spec), ignore_override=True)
        if value == []:
            self._node.set_parameters([Parameter(spec.name, type_, value)])
