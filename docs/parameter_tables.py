# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Writes the tables of parameters into reference.md, as the nodes declare them.

``.venv/bin/python docs/parameter_tables.py`` rewrites the page after a change of a parameter.
"""

from pathlib import Path
import sys
from typing import Iterable

ROOT = Path(__file__).resolve().parent.parent
if __name__ == '__main__':   # this checkout's parameters, not those of an installed package
    sys.path.insert(0, str(ROOT))

from ncs_cluster_detector.parameters import camera_parameters  # noqa: E402, I100
from ncs_cluster_detector.parameters import detector_parameters  # noqa: E402, I100
from ncs_cluster_detector.parameters import stick_server_parameters  # noqa: E402, I100
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec  # noqa: E402, I100

PAGE = ROOT / 'docs' / 'reference.md'
TABLES = {
    'camera': camera_parameters.PARAMETERS, 'detector': detector_parameters.PARAMETERS,
    # Those that it shares with the detector have their rows there.
    'stick_server': [spec for spec in stick_server_parameters.PARAMETERS
                     if spec not in detector_parameters.PARAMETERS]}
BEGIN, END = '<!-- parameters of the {} node -->\n', '<!-- end -->'


def table(parameters: Iterable[ParameterSpec]) -> str:
    """Return the table of some parameters, in Markdown."""
    rows = [('parameter', 'type', 'default', 'range', 'live', 'meaning'), ('---',) * 6]
    rows += [(f'`{parameter.name}`', parameter.type_name, default_of(parameter),
              range_of(parameter), 'yes' if parameter.live else 'no',
              parameter.description.replace('|', '\\|')) for parameter in parameters]
    return ''.join(f'| {" | ".join(row)} |\n' for row in rows)


def default_of(parameter: ParameterSpec) -> str:
    """Return the default as ``ros2 param`` would be given it."""
    if parameter.default in ('', []):
        return 'empty'
    value = parameter.default
    return f'`{str(value).lower() if isinstance(value, bool) else value}`'


def range_of(parameter: ParameterSpec) -> str:
    """Return the values that are accepted; empty where the type decides alone."""
    if parameter.choices:
        return ', '.join(f'`{choice}`' for choice in parameter.choices)
    if parameter.above is not None:
        return f'above {parameter.above:g}'
    # Not :g, which would write a million as 1e+06.
    each = ' each' if isinstance(parameter.default, list) else ''
    return '' if parameter.low is None else f'{parameter.low} to {parameter.high}{each}'


def with_tables(page: str) -> str:
    """Return the text of the page with today's tables between their marks."""
    for node, parameters in TABLES.items():
        before, begin, rest = page.partition(BEGIN.format(node))
        _, end, after = rest.partition(END)
        if not begin or not end:
            raise ValueError(f'{PAGE.name}: no {BEGIN.format(node).strip()} with {END} behind it; '
                             'put both back where the table belongs')
        page = before + begin + table(parameters) + end + after
    return page


if __name__ == '__main__':
    PAGE.write_text(with_tables(PAGE.read_text(encoding='utf-8')), encoding='utf-8')
