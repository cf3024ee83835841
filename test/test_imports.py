# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Which folder may import what: the direction of the imports, held by reading the sources."""

import ast
from pathlib import Path

import pytest

PACKAGE = 'ncs_cluster_detector'
ROOT = Path(__file__).resolve().parents[1] / PACKAGE
ROS = {'rclpy', 'rcl_interfaces', 'sensor_msgs', 'std_msgs', 'vision_msgs', 'diagnostic_msgs',
       'visualization_msgs', 'builtin_interfaces', 'cv_bridge', 'launch', 'launch_ros'}

# What a module may import from the package: folders, or modules of them.
ALLOWED = {
    'shown_text': set(),
    'closest_name': set(),
    'module_path': set(),
    'process_start': {'module_path'},
    'ros_environment': set(),
    'policy': {'policy'},
    'detection': {'detection'},
    'drawing': {'drawing'},
    'cameras': {'cameras', 'shown_text'},
    'sticks': {'sticks'},
    # It refuses a graph whose output is not what the results are read from.
    'sticks/ncsdk': {'sticks', 'detection.ssd'},
    'simulation': {'simulation', 'detection', 'process_start'},
    'workers/messages': {'detection'},
    'workers/fork_server': {'module_path'},
    'workers/fork_server_main': {'workers.fork_server'},
    'workers/frame_slots': {'workers.fork_server'},
    'workers/frame': set(),
    'workers/measurement': set(),
    'workers/frame_flow': {'policy.ordering', 'workers.measurement'},
    'workers/snapshot': {'policy'},
    'workers/last_words': set(),
    'workers/driver': {'sticks', 'simulation'},
    'workers/worker_main': {'workers.messages', 'workers.frame_slots', 'workers.driver', 'sticks',
                            'detection'},
    'workers/bus_cleaner_main': {'workers.messages', 'workers.driver', 'sticks'},
    'workers/child_process': {'workers.last_words', 'workers.fork_server'},
    'workers/endings': set(),
    'workers/worker_handle': {'workers.messages', 'workers.frame_slots', 'workers.worker_main',
                              'workers.child_process', 'workers.bus_cleaner_main',
                              'workers.fork_server'},
    'workers/bus_cleaner': {'policy.restart', 'workers.messages', 'workers.child_process',
                            'workers.endings', 'workers.bus_cleaner_main'},
    'workers/deadlines': {'policy', 'sticks.stick'},
    'workers/stick_record': {'policy', 'sticks.stick', 'workers.deadlines',
                             'workers.snapshot', 'workers.stick_figures', 'workers.setbacks'},
    'workers/stick_figures': {'workers.measurement'},
    'workers/setbacks': {'policy', 'sticks.stick'},
    'workers/stick_register': {'policy', 'sticks.stick', 'workers.stick_record'},
    'workers/stick_finder': {'policy', 'workers.messages', 'workers.worker_handle'},
    'workers/start_turn': {'policy', 'workers'},
    'workers/stick_pool': {'policy', 'workers'},
    'workers/supervisor_options': {'workers.messages'},
    'workers/supervisor': {'policy', 'workers'},
    # The node reads the parameters' defaults and the graph files, so that a wrong one is named
    # before any worker starts.
    'nodes': {'nodes', 'policy', 'detection', 'drawing', 'cameras', 'workers', 'shown_text',
              'process_start', 'ros_environment', 'closest_name',
              'simulation.bus', 'simulation.caffe_files', 'simulation.graphs',
              'simulation.shared_bus'},
    # Its bodies and their sensors are those of simulated sticks.
    'planning': {'planning', 'policy', 'simulation.body', 'simulation.sensor',
                 'process_start'},
    # Nothing of the node itself: it is checked from outside, as a user sees it.
    'checking': {'checking', 'shown_text', 'planning.fit', 'planning.recording',
                 'cameras.test_pattern', 'module_path', 'process_start', 'ros_environment'},
    'checking/verdicts': set(),
    'checking/history': set(),
    'checking/heat_fit': {'planning.fit', 'planning.recording'},
    # For launch files, which read a parameter file as the nodes do.
    'launching': {'launching', 'closest_name', 'shown_text', 'ros_environment',
                  'nodes.given_parameters', 'nodes.ros_arguments', 'nodes.unused_parameters'},
    'executables': {'nodes', 'planning', 'checking', 'process_start', 'ros_environment',
                    'shown_text'},
}
FORBIDDEN_OUTSIDE = {
    'closest_name': {'time', 'random', 'os', 'cv2', 'numpy'} | ROS,
    'shown_text': {'time', 'random', 'os', 'cv2', 'numpy'} | ROS,
    # They run before it is known that modules are looked for in the right places.
    'module_path': {'re', 'pathlib', 'functools', 'contextlib'} | ROS,
    'process_start': {'numpy', 'cv2', 'multiprocessing'} | ROS,
    'ros_environment': {'numpy', 'cv2', 'multiprocessing'} | ROS,
    'policy': {'time', 'random', 'logging', 'datetime', 'numpy', 'cv2', 'threading', 'os'} | ROS,
    'detection': {'time', 'random'} | ROS,
    'drawing': {'time', 'random'} | ROS,
    'cameras': ROS,
    'sticks': {'multiprocessing'} | ROS,
    'simulation': {'multiprocessing'} | ROS,
    'workers': ROS,
    'planning': {'time', 'random', 'multiprocessing'} | ROS,
    # Messages in a bag are ROS messages.
    'planning/bag': {'time', 'random', 'multiprocessing'},
    'nodes': {'multiprocessing', 'mvnc', 'pyrealsense2'},
    'checking': {'multiprocessing', 'mvnc', 'cv2', 'psutil'} | ROS,
    'checking/verdicts': {'time', 'random', 'os'} | ROS,
    'checking/history': {'time', 'random', 'os'} | ROS,
    'checking/observer': {'multiprocessing', 'mvnc', 'cv2', 'psutil'},
    'launching': ROS - {'launch', 'launch_ros', 'rclpy'},
    'executables': set(),
}
SDKS = {'mvnc', 'pyrealsense2'}


def imports(path):
    """Return (module, whether at the module's top level) for every import in a file."""
    tree = ast.parse(path.read_text())
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(f'{node.module}.{alias.name}', id(node) in top) for alias in node.names]
    return found


def modules():
    """Return the names of all modules, such as policy/rotation."""
    return sorted(str(path.relative_to(ROOT).with_suffix('')) for path in ROOT.rglob('*.py')
                  if path.name != '__init__.py')


def rule_for(table, module):
    """Return the entry of the module itself or else of its folder."""
    return table[module] if module in table else table[module.partition('/')[0]]


@pytest.mark.parametrize('module', modules())
def test_imports_go_in_the_allowed_direction(module):
    for name, at_top in imports(ROOT / f'{module}.py'):
        first = name.partition('.')[0]
        if first == PACKAGE:
            inside = name.removeprefix(PACKAGE + '.')
            assert any(inside == allowed or inside.startswith(allowed + '.')
                       for allowed in rule_for(ALLOWED, module)), f'{module} imports {name}'
        else:
            assert first not in rule_for(FORBIDDEN_OUTSIDE, module), f'{module} imports {name}'
            assert first not in SDKS or not at_top, f'{module} imports {name} when it is imported'


def test_only_workers_use_multiprocessing():
    for module in modules():
        names = [name for name, _ in imports(ROOT / f'{module}.py')]
        uses = any(name.startswith('multiprocessing') for name in names)
        assert not uses or module.startswith('workers/'), module


def test_every_entry_of_the_table_exists():
    for entry in ALLOWED:
        assert (ROOT / entry).is_dir() or (ROOT / f'{entry}.py').is_file(), entry
