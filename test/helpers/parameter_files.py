# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The parameter files of ``config/``, made from the tables of the nodes.

Run as a program it writes them; test_config_files.py tells when that has to be done.
"""

from pathlib import Path
import textwrap

from ncs_cluster_detector.parameters.camera_parameters import PARAMETERS as CAMERA
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS as DETECTOR
from ncs_cluster_detector.parameters.stick_server_parameters import PARAMETERS as STICK_SERVER
import yaml

FOLDER = Path(__file__).resolve().parents[2] / 'config'
TABLES = {'camera': CAMERA, 'detector': DETECTOR, 'stick_server': STICK_SERVER}
EXECUTABLES = {'camera': 'camera_node', 'detector': 'detector_node'}   # others as the node
WIDTH = 99
HEADER = (
    'Every parameter of {program} at its default. Copy the file, change what you need, and give '
    'it with --ros-args --params-file FILE or params_file:=FILE. /** serves any node name and '
    "namespace. [''] stands for an empty list, which has no type in a parameter file. Those "
    'marked "Live." may be changed while the node runs (ros2 param set).')


def in_file(default):
    """Return what stands for a default in a file: an empty list has no type there."""
    return [''] if default == [] else default


def comment(text, indent=''):
    """Return a text as lines of comment."""
    return textwrap.wrap(text, WIDTH, initial_indent=f'{indent}# ',
                         subsequent_indent=f'{indent}# ', break_on_hyphens=False)


def lines_of(node):
    """Yield the lines of the file of a node, such as 'camera'."""
    yield from comment(HEADER.format(program=EXECUTABLES.get(node, node)))
    yield from ('/**:', '  ros__parameters:')
    group = ''
    for spec in TABLES[node]:
        prefix, _, name = spec.name.rpartition('.')
        if prefix and prefix != group:
            yield f'    {prefix}:'
        group = prefix
        indent = '      ' if prefix else '    '
        rule = spec.rule
        yield from comment(' '.join([
            spec.description, *([f'{rule[0].upper()}{rule[1:]}.'] if rule != spec.kind else []),
            *(['Live.'] if spec.live else [])]), indent)
        value = yaml.safe_dump(in_file(spec.default), default_flow_style=True).splitlines()[0]
        yield f'{indent}{name}: {value}'


def text_of(node):
    """Return the file of a node, such as 'camera'."""
    return ''.join(f'{line}\n' for line in lines_of(node))


if __name__ == '__main__':
    for one in TABLES:
        (FOLDER / f'{one}.yaml').write_text(text_of(one))
