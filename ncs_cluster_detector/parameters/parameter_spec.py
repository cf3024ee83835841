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

_KINDS = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'a text',
          list: "a list of texts, such as ['a', 'b']"}
# A parameter file has no empty list and writes the second.
_NO_TEXTS: tuple[list[str], ...] = ([], [''])


@dataclass(frozen=True)
class ParameterSpec:
    """
    One parameter: its name, default, meaning and limits.

    The default decides the type: bool, int, float, str, or a list of str. ``low`` and ``high``
    are the limits of a number, both included, ``above`` a limit that is not; ``choices`` are all
    values of a text. A parameter that is not ``live`` is read-only while the node runs.
    ``effect`` says in a few words what the new value of a live one means.
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

    @property
    def kind(self) -> str:
        """Return the type that a value must have, as a text."""
        return _KINDS[type(self.default)]

    @property
    def rule(self) -> str:
        """Return what a value must be, as the end of a sentence that begins with 'must be'."""
        if self.choices:
            return 'one of ' + ', '.join(self.choices)
        if self.above is not None:
            return f'{self.kind} above {self.above:g}'
        return self.kind if self.low is None else f'{self.kind}, {self.low} to {self.high}'

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
        Return the value in the parameter's own type; a float may be given as a whole number.

        :raises ValueError: the value has the wrong type or lies outside the limits; the text is
            the rule that it breaks.
        """
        kind = type(self.default)
        if kind is float and type(value) is int:
            value = float(value)
        if isinstance(value, (list, tuple, array)):
            value = list(value)
        if self.default in _NO_TEXTS and value in _NO_TEXTS:
            value = list(self.default)
        # Exactly the type, because in Python a bool is an int.
        fits = type(value) is kind
        if fits and kind is list:
            fits = all(isinstance(text, str) for text in value)
        if fits and self.choices:
            fits = value in self.choices
        if fits and kind in (int, float):
            fits = (math.isfinite(value) and (self.above is None or value > self.above)
                    and (self.low is None or self.high is None or self.low <= value <= self.high))
        if not fits:
            raise ValueError(f'must be {self.rule}')
        return value


def by_name(table: Iterable[ParameterSpec]) -> dict[str, ParameterSpec]:
    """Return the parameters of a table by their names."""
    return {spec.name: spec for spec in table}


# Both nodes have it. The name is that of the package diagnostic_updater, version 4.
USE_FQN = ParameterSpec(
    'diagnostic_updater.use_fqn', False, 'Whether the names of the statuses on /diagnostics begin '
    'with namespace and name of the node (front/detector: stick 0), which distinguishes the '
    'nodes of several clusters or cameras on one robot; false = detector: and camera: in any '
    'namespace.')
