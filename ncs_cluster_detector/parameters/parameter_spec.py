# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Describes one parameter of a node: an entry of the tables; no ROS.

To add a parameter, add one entry to camera_parameters.py or detector_parameters.py and the code
that uses its value, then run ``test/helpers/parameter_files.py`` and ``docs/parameter_tables.py``,
which write it to ``config/`` and ``docs/reference.md``.
"""

from array import array
from dataclasses import dataclass
import math
from typing import Any
from typing import Callable
from typing import Iterable

_KINDS = {'bool': 'true or false', 'int': 'a whole number', 'double': 'a number',
          'string': 'a text', 'string[]': "a list of texts, such as ['a', 'b']",
          'double[]': 'a list of numbers, such as [1.0, 2.0]'}
_TYPES = {bool: 'bool', int: 'int', float: 'double', str: 'string'}   # as ROS names them
# How texts stay texts in a list (get_value in parse.c of ROS's rcl_yaml_param_parser).
IN_QUOTES = ('each in quotes: without them ROS reads y, n, yes, no, on, off, true, '
             'false, nan, inf and numbers as something else')
# A parameter file has no empty list and writes the second.
_NOTHING: tuple[list[str], ...] = ([], [''])


@dataclass(frozen=True)
class ParameterSpec:
    """
    One parameter: its name, default, meaning and limits.

    The default decides the type: bool, int, float, str, or a list of ``items``, which are str or
    float. ``low`` and ``high`` are the limits of a number, both included, or of each number of a
    list, ``above`` a limit that is not; ``choices`` are all values of a text. A parameter that is
    not ``live`` is read-only while the node runs. ``effect`` says in a few words what the new
    value of a live one means.
    """

    name: str
    default: Any
    description: str
    low: float | None = None
    high: float | None = None
    choices: tuple[str, ...] = ()
    live: bool = False
    above: float | None = None
    effect: Callable[..., str] | None = None
    items: type = str

    @property
    def type_name(self) -> str:
        """Return the type as ROS names it, such as ``double`` or ``string[]``."""
        if isinstance(self.default, list):
            return f'{_TYPES[self.items]}[]'
        return _TYPES[type(self.default)]

    @property
    def kind(self) -> str:
        """Return the type that a value must have, as a text."""
        return _KINDS[self.type_name]

    @property
    def rule(self) -> str:
        """Return what a value must be, as the end of a sentence that begins with 'must be'."""
        if self.choices:
            return 'one of ' + ', '.join(self.choices)
        if self.above is not None:
            return f'{self.kind} above {self.above:g}'
        each = ' each' if isinstance(self.default, list) else ''
        return self.kind if self.low is None else f'{self.kind}, {self.low} to {self.high}{each}'

    @property
    def manual(self) -> str:
        """Return the description, whether the parameter is live, and its default."""
        when = 'Live.' if self.live else 'Restart to change.'
        return f'{self.description} {when} Default: {self.shown_default()}.'

    def shown_default(self) -> str:
        """Return the default as its description shows it."""
        if self.default in ('', []):
            return 'empty'
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)

    def accept(self, value: Any) -> Any:
        """
        Return the value in the parameter's own type; a whole number does for a float.

        :raises ValueError: the value has the wrong type or lies outside the limits; the text is
            the rule that it breaks.
        """
        if not isinstance(self.default, list):
            return self._accept_one(value, type(self.default))
        if not isinstance(value, (list, tuple, array)):
            raise ValueError(f'must be {self.rule}')
        if self.default in _NOTHING and list(value) in _NOTHING:
            return list(self.default)
        if self.items is str and not all(isinstance(item, str) for item in value):
            raise ValueError(f'must be {self.rule}, {IN_QUOTES}')
        return [self._accept_one(item, self.items) for item in value]

    def _accept_one(self, value: Any, kind: type) -> Any:
        if kind is float and type(value) is int:
            value = _as_float(value)
        # Exactly the type, because in Python a bool is an int.
        fits = type(value) is kind and (not self.choices or value in self.choices)
        if fits and kind in (int, float):
            fits = (math.isfinite(value) and (self.above is None or value > self.above)
                    and (self.low is None or self.high is None or self.low <= value <= self.high))
        if not fits:
            raise ValueError(f'must be {self.rule}')
        return value


def _as_float(number: int) -> float:
    """Return a whole number as a float, infinite if it is too large for one."""
    try:
        return float(number)
    except OverflowError:
        return math.inf


def by_name(table: Iterable[ParameterSpec]) -> dict[str, ParameterSpec]:
    """Return the parameters of a table by their names."""
    return {spec.name: spec for spec in table}


# Both nodes have it. The name is that of the package diagnostic_updater, version 4.
USE_FQN = ParameterSpec(
    'diagnostic_updater.use_fqn', False, 'Whether the names of the statuses on /diagnostics begin '
    'with namespace and name of the node (front/detector: stick 0), which distinguishes the '
    'nodes of several clusters or cameras on one robot; false = detector: and camera: in any '
    'namespace.')
