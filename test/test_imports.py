# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which folder may import what: the direction of the imports, held by reading the sources."""

import ast
from graphlib import CycleError
from graphlib import TopologicalSorter
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
    'regular_file': set(),
    'transitions': set(),
    'processes': {'processes'},
    # What a process of ours prints or sends may be shown.
    'processes/child_process': {'processes', 'shown_text'},
    'ros/environment': set(),
    'policy': {'policy'},
    'networks': {'networks', 'regular_file'},
    # Names and labels in the files of networks are anybody's.
    'networks/outputs': {'networks', 'shown_text'},
    'networks/metadata': {'networks', 'shown_text'},
    'geometry': {'geometry'},
    'drawing': {'drawing'},
    'pictures': {'pictures'},
    'cameras': {'cameras', 'pictures', 'geometry.calibration', 'shown_text', 'transitions'},
    'sticks': {'sticks'},
    # The form of the pictures that a stick takes.
    'sticks/stick': {'networks.network_input'},
    # It refuses a graph whose output is not what the results are read from.
    'sticks/ncsdk': {'sticks', 'networks'},
    'sticks/xlink/xlink_stick': {'sticks', 'networks.ssd'},
    'sticks/xlink/firmware': {'sticks', 'regular_file'},
    # OpenVINO runs networks of many kinds, which are read in another process.
    'sticks/openvino': {'sticks', 'networks', 'regular_file', 'shown_text'},
    'sticks/openvino/inspection': {'sticks', 'regular_file', 'processes.module_path',
                                   'processes.process_start'},
    # The vendor's API knows no kind of stick; each kind brings its own module that is complete.
    'mvnc/api': {'mvnc.api'},
    'mvnc/xlink': {'mvnc', 'sticks'},
    'mvnc/in_place_of_sdk': {'mvnc'},
    'mvnc/script': set(),
    'mvnc/__main__': {'mvnc', 'processes.process_start', 'sticks.usb_bus',
                      'sticks.xlink.firmware'},
    'simulation': {'simulation', 'mvnc', 'networks', 'processes.process_start', 'regular_file',
                   'shown_text'},
    # OpenVINO reads and runs networks in place of a stick's chip.
    'simulation/networks/graphs': {'simulation', 'regular_file', 'shown_text', 'sticks.openvino',
                                   'sticks.stick'},
    'simulation/networks/loading': {'simulation', 'networks', 'sticks.openvino'},
    'simulation/networks/openvino_network': {'networks.ssd', 'sticks.openvino'},
    'simulation/openvino': {'simulation', 'mvnc', 'sticks.openvino.runtime'},
    # OpenCV crashes with some files, so it tries them in another process.
    'simulation/networks/trial': {'processes.module_path'},
    'wire/messages': {'networks.detection', 'networks.input_format', 'networks.region',
                      'sticks.stick', 'drivers.driver'},
    'wire/json_form': set(),
    'wire/host_messages': {'wire.messages', 'wire.checks', 'networks.detection',
                           'networks.region', 'policy.stick_status', 'sticks.stick'},
    'wire/checks': {'wire', 'networks.detection', 'sticks.stick'},
    'wire/frame_slots': {'processes.fork_server'},
    'wire/graph_files': {'processes.fork_server'},
    # What a driver must give; it knows no driver.
    'drivers/driver': {'sticks', 'networks.labels'},
    'drivers': {'drivers', 'sticks', 'simulation', 'regular_file', 'networks'},
    # It is handed its driver; the table of drivers is the node's.
    'worker': {'worker', 'wire', 'sticks', 'networks', 'pictures', 'shown_text',
               'processes.freed_memory'},
    'worker/bus_cleaner_main': {'wire.messages', 'sticks', 'shown_text', 'drivers.driver'},
    'supervision': {'supervision', 'policy', 'wire', 'processes', 'sticks.stick',
                    'networks.detection', 'shown_text', 'transitions'},
    # They start the processes whose other end is there.
    'supervision/worker_handle': {'supervision', 'wire', 'processes', 'sticks.stick',
                                  'worker.PROGRAMS', 'worker.run_worker', 'drivers.driver',
                                  'transitions'},
    'supervision/starting/bus_cleaner': {
        'supervision', 'policy', 'wire', 'processes', 'shown_text', 'transitions',
        'worker.bus_cleaner_main', 'drivers.driver'},
    # Its options say how to use the sticks of other hosts.
    'supervision/supervisor_options': {'wire'},
    # A picture is made small before it travels.
    'supervision/remote': {'supervision', 'policy', 'wire', 'processes', 'sticks.stick',
                           'pictures.encoding', 'shown_text'},
    'supervision/serving': {'supervision', 'policy', 'wire', 'processes', 'networks.region',
                            'shown_text'},
    'supervision/measurement': set(),
    # A picture that came encoded is decoded when somebody asks for it.
    'supervision/frame': {'networks.region', 'pictures.decoding'},
    'supervision/snapshot': {'policy'},
    # The tables read defaults, limits and choices where the code that uses them has them.
    'parameters': {'parameters', 'closest_name', 'shown_text'},
    'parameters/camera_parameters': {'parameters', 'cameras.registry'},
    'parameters/setting_effects': {'policy.settings'},
    'parameters/detector_parameters': {'parameters', 'policy.settings', 'networks.input_format',
                                       'drivers.registry', 'simulation.bus.bus_spec'},
    'ros': {'ros', 'parameters', 'processes.process_start', 'shown_text'},
    # Both nodes that have sticks read what their workers need.
    'ros/sticks/graph_files': {'ros', 'drivers.driver', 'networks.labels', 'sticks.stick',
                               'simulation.networks.formats'},
    'ros/sticks/pool_options': {
        'ros', 'drivers.registry', 'networks.input_format', 'supervision.supervisor_options',
        'wire.graph_files', 'wire.messages'},
    'ros/sticks/reserve_options': {
        'ros', 'drivers', 'sticks.stick', 'supervision.supervisor_options', 'wire.graph_files',
        'wire.messages'},
    'ros/sticks/stick_values': {'supervision.snapshot'},
    'ros/sticks/host_topics': {'wire.host_messages', 'wire.json_form'},
    # It runs before ROS is loaded.
    'ros/network_transport': {'ros.environment', 'parameters.given_parameters'},
    'ros/run_node': {'ros', 'processes.process_start', 'processes.freed_memory', 'shown_text'},
    'camera_node': {'camera_node', 'ros', 'parameters', 'cameras', 'geometry'},
    # The node reads the parameters' defaults and the graph files, so that a wrong one is named
    # before any worker starts.
    'detector_node': {'detector_node', 'ros', 'parameters', 'policy', 'networks', 'geometry',
                      'drawing', 'supervision', 'wire.host_messages', 'wire.json_form',
                      'shown_text', 'closest_name', 'processes.freed_memory',
                      'drivers.registry', 'sticks.stick'},
    'stick_server': {'stick_server', 'ros', 'parameters', 'policy.stick_status', 'supervision',
                     'wire.host_messages', 'wire.json_form', 'processes.freed_memory',
                     'drivers.registry', 'sticks.stick'},
    # Its bodies and their sensors are those of simulated sticks.
    'planning': {'planning', 'policy', 'simulation.heat', 'processes.process_start',
                 'parameters.parameter_spec', 'parameters.detector_parameters', 'regular_file',
                 'shown_text'},
    # Nothing of the node itself: it is checked from outside, as a user sees it.
    'checking': {'checking', 'shown_text', 'planning.fitting', 'cameras.test_pattern',
                 'processes', 'ros.environment', 'drivers.registry'},
    # It says with which firmware the node boots sticks.
    'checking/facts/firmware_facts': {'checking', 'sticks.stick', 'sticks.usb_bus',
                                      'sticks.xlink.firmware'},
    'checking/verdicts': set(),
    'checking/history': {'checking.statuses'},
    'checking/statuses': set(),
    # For launch files, which read a parameter file as the nodes do.
    'launching': {'launching', 'closest_name', 'shown_text', 'ros.environment', 'parameters',
                  'ros.command_line', 'ros.network_transport'},
    # It asks the sources which devices only one node can open.
    'launching/several_cameras': {'launching', 'shown_text', 'parameters', 'cameras.camera',
                                  'cameras.registry'},
    'executables': {'camera_node.node', 'detector_node.node', 'stick_server.node', 'planning',
                    'checking', 'processes.process_start', 'ros.environment',
                    'ros.network_transport', 'shown_text',
                    # The process that starts the workers loads their programs meanwhile.
                    'processes.fork_server', 'worker.PROGRAMS'},
}
FORBIDDEN_OUTSIDE = {
    'closest_name': {'time', 'random', 'os', 'cv2', 'numpy'} | ROS,
    'shown_text': {'time', 'random', 'os', 'cv2', 'numpy'} | ROS,
    'regular_file': {'time', 'random', 'cv2', 'numpy'} | ROS,
    'transitions': {'time', 'random', 'os', 'cv2', 'numpy'} | ROS,
    'processes': {'numpy', 'cv2'} | ROS,
    # They run before it is known that modules are looked for in the right places.
    'processes/module_path': {'re', 'pathlib', 'functools', 'contextlib'} | ROS,
    'processes/process_start': {'numpy', 'cv2', 'multiprocessing'} | ROS,
    'ros/environment': {'numpy', 'cv2', 'multiprocessing'} | ROS,
    'ros/network_transport': {'numpy', 'cv2', 'multiprocessing'} | ROS,
    'policy': {'time', 'random', 'logging', 'datetime', 'cv2', 'threading', 'os'} | ROS,
    'networks': {'time', 'random'} | ROS,
    'geometry': {'time', 'random'} | ROS,
    'drawing': {'time', 'random'} | ROS,
    'pictures': {'time', 'random', 'multiprocessing', 'psutil'} | ROS,
    'cameras': ROS,
    # psutil is for tools: nodes and workers start without the time that loading it takes.
    'sticks': {'multiprocessing', 'psutil'} | ROS,
    'mvnc': {'multiprocessing', 'psutil'} | ROS,
    'simulation': {'multiprocessing', 'psutil'} | ROS,
    'simulation/bus/running_buses': {'multiprocessing'} | ROS,
    'wire': {'psutil'} | ROS,
    'drivers': {'psutil'} | ROS,
    'worker': {'psutil'} | ROS,
    'supervision': {'psutil'} | ROS,
    'parameters': {'time', 'random', 'numpy', 'cv2'} | ROS,
    'planning': {'time', 'random', 'multiprocessing'} | ROS,
    # Messages in a bag are ROS messages.
    'planning/fitting/bag': {'time', 'random', 'multiprocessing'},
    'ros': {'multiprocessing', 'mvnc', 'psutil', 'pyrealsense2'},
    'camera_node': {'multiprocessing', 'mvnc', 'psutil', 'pyrealsense2'},
    'detector_node': {'multiprocessing', 'mvnc', 'psutil', 'pyrealsense2'},
    'stick_server': {'multiprocessing', 'mvnc', 'psutil', 'pyrealsense2'},
    'checking': {'multiprocessing', 'mvnc', 'cv2'} | ROS,
    'checking/verdicts': {'time', 'random', 'os'} | ROS,
    'checking/history': {'time', 'random', 'os'} | ROS,
    'checking/statuses': {'time', 'random', 'os'} | ROS,
    'checking/observer': {'multiprocessing', 'mvnc', 'cv2'},
    'launching': ROS - {'launch', 'launch_ros', 'rclpy'},
    'executables': set(),
}
MOST_MODULES, MOST_LINES = 14, 250
SDKS = {'mvnc', 'pyrealsense2', 'openvino'}


def imports(text):
    """Return (module, whether at the module's top level) for every import in a source."""
    tree = ast.parse(text)
    top = {id(node) for node in tree.body}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found += [(f'{node.module}.{alias.name}', id(node) in top) for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith('import_module'):
            found += [(argument.value, False) for argument in node.args[:1]
                      if isinstance(argument, ast.Constant)]
    return found


def imports_of(module):
    """Return the imports of a module of ours, such as policy/rotation."""
    return imports((ROOT / f'{module}.py').read_text())


def modules():
    """Return the names of all modules, such as policy/rotation."""
    return sorted(str(path.relative_to(ROOT).with_suffix('')) for path in ROOT.rglob('*.py')
                  if path.name != '__init__.py')


def rule_for(table, module):
    """Return the entry of the module itself or else of the nearest folder that has one."""
    while module not in table:
        module = module.rpartition('/')[0]
    return table[module]


@pytest.mark.parametrize('module', modules())
def test_imports_go_in_the_allowed_direction(module):
    for name, at_top in imports_of(module):
        first = name.partition('.')[0]
        if first == PACKAGE:
            inside = name.removeprefix(PACKAGE + '.')
            assert any(inside == allowed or inside.startswith(allowed + '.')
                       for allowed in rule_for(ALLOWED, module)), f'{module} imports {name}'
        else:
            assert first not in rule_for(FORBIDDEN_OUTSIDE, module), f'{module} imports {name}'
            assert first not in SDKS or not at_top, f'{module} imports {name} when it is imported'


def test_only_both_sides_of_the_process_boundary_use_multiprocessing():
    for module in modules():
        names = [name for name, _ in imports_of(module)]
        uses = any(name.startswith('multiprocessing') for name in names)
        assert not uses or module.startswith(('processes/', 'supervision/', 'worker/', 'wire/')), (
            module)


def test_every_entry_of_the_tables_exists():
    for entry in {**ALLOWED, **FORBIDDEN_OUTSIDE}:
        assert (ROOT / entry).is_dir() or (ROOT / f'{entry}.py').is_file(), entry


def circle_in(imported):
    """Return a circle of imports as a text, or ''; ``imported`` are the names by module."""
    graph = {}
    for module, names in imported.items():
        ours = [name.removeprefix(PACKAGE + '.').replace('.', '/') for name in names
                if name.startswith(PACKAGE + '.')]
        graph[module] = {found for name in ours for found in (name, name.rpartition('/')[0])
                         if found in imported}
    try:
        tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        return ' <- '.join(error.args[1])
    return ''


def test_no_module_imports_itself_by_way_of_others():
    assert circle_in({module: [name for name, _ in imports_of(module)]
                      for module in modules()}) == ''


@pytest.mark.parametrize('source', [
    f'from {PACKAGE}.policy import rotation', f'import {PACKAGE}.policy.rotation',
    f'def f():\n    from {PACKAGE}.policy.rotation import Rotation',
    f'def f():\n    importlib.import_module("{PACKAGE}.policy.rotation")'])
def test_a_circle_is_found_wherever_the_import_stands(source):
    imported = {'policy/rotation': [f'{PACKAGE}.policy.ordering.ordered'],
                'policy/ordering': [name for name, _ in imports(source)]}
    assert circle_in(imported) in ('policy/rotation <- policy/ordering <- policy/rotation',
                                   'policy/ordering <- policy/rotation <- policy/ordering')
    assert circle_in({**imported, 'policy/rotation': []}) == ''


def test_a_folder_can_be_taken_in_at_a_glance():
    folders = {path.parent for path in ROOT.rglob('*.py')}
    assert {folder for folder in folders if len(list(folder.glob('*.py'))) > MOST_MODULES} == set()


def test_a_module_has_one_job():
    long = {module for module in modules()
            if len((ROOT / f'{module}.py').read_text().splitlines()) > MOST_LINES}
    assert long == set()
