# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Keeps every test run on this machine, in a ROS domain of its own, and offers its fixtures."""

import os
from pathlib import Path
import random
import signal

from ncs_cluster_detector.checking.environment import claim_domain
from ncs_cluster_detector.checking.environment import DOMAINS
from ncs_cluster_detector.ros.environment import LOOPBACK_PROFILE
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
import pytest

# Before any test module imports rclpy. No other test run takes the domain, and no run that a test
# starts.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['ROS_DOMAIN_ID'] = str(claim_domain(random.SystemRandom().randrange(DOMAINS)))
# With Fast DDS's own transports about half of the 640x480 images are lost on the way, which is
# not what is tested here.
os.environ.update(dict.fromkeys(PROFILE_VARIABLES, str(LOOPBACK_PROFILE)))

# The nodes that tests start keep what they compile, or each would compile the package again.
os.environ.pop('PYTHONDONTWRITEBYTECODE', None)

# In the background of a shell SIGINT is ignored, and after nohup SIGHUP, also by all that is
# started here; tests send them.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _signal in (signal.SIGHUP, signal.SIGTERM):
    signal.signal(_signal, signal.SIG_DFL)
signal.pthread_sigmask(
    signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGHUP, signal.SIGTERM, signal.SIGPIPE})


# Those that take longest, longest first: what comes last should be short, or one process works on
# alone in the end.
_LONGEST = (
    'test_soak', 'test_survival', 'test_unreliable_sticks', 'test_myriad_sticks', 'test_moved_hub',
    'test_detector_live_changes', 'test_param', 'test_flake8', 'test_bad_cables',
    'test_random_faults', 'test_sick_sticks', 'test_trained_network', 'test_openvino_networks',
    'test_reserve_at_work', 'test_openvino_driver', 'test_reserve_node',
    'test_served_detectors', 'test_whole_cluster', 'test_pool_server',
    'test_node_on_own_driver', 'test_supervisor_rotation',
    'test_detector_end', 'test_rotation_properties', 'test_secrets', 'test_detector_depth',
    'test_run_end_to_end', 'test_check_sticks', 'test_camera_streams', 'test_late_depth',
    'test_start_places', 'test_pictures_of_several_cameras',
    'test_detector_sticks', 'test_camera_node', 'test_thermal_plan',
    'test_fit', 'test_depth_markers', 'test_bus_cleaner', 'test_cluster_heat',
    'test_shared_sticks', 'test_several_hosts_figures', 'test_network_hosts', 'test_host_cluster',
    'test_rival_nodes', 'test_lost_images', 'test_image_silence', 'test_stream', 'test_choose',
    'test_camera_lifecycle', 'test_detector_cameras', 'test_enabled',
    'test_compressed_images', 'test_heat_control', 'test_recording', 'test_image_encodings',
    'test_closed_pipes', 'test_status_names', 'test_rotation', 'test_mvnc_driver',
    'test_unused_parameters', 'test_bodies', 'test_several_processes', 'test_sensor_watch',
    'test_silent_sticks', 'test_plan', 'test_faults', 'test_pep257')
# Their tests share nothing, and wait more than they compute.
_SPREAD = (
    'test_survival', 'test_unreliable_sticks', 'test_myriad_sticks', 'test_supervisor_rotation',
    'test_bus_cleaner', 'test_whole_cluster', 'test_pool_server')


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Keep the tests of a module together where pytest-xdist runs several at a time."""
    from xdist.scheduler import LoadScopeScheduling

    class ByModule(LoadScopeScheduling):
        # Not by marks and --dist=loadgroup, which do nothing with pytest 9.2 (pytest-xdist #1386).
        def _split_scope(self, nodeid):
            module = nodeid.partition('::')[0]
            return nodeid.partition('[')[0] if Path(module).stem in _SPREAD else module

    return ByModule(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector):
    """Let each process of pytest-xdist begin with another folder, and use what others compiled."""
    report = yield
    if collector.nodeid == 'test':
        number = int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0')[2:])
        processes = int(os.environ.get('PYTEST_XDIST_WORKER_COUNT', '1'))
        first = number * len(report.result) // processes
        report.result = [*report.result[first:], *report.result[:first]]
    return report


def pytest_collection_modifyitems(items):
    """Begin with the longest modules; the order is the same in whatever folder one begins."""
    ranks = {module: rank for rank, module in enumerate(_LONGEST)}
    items.sort(key=lambda item: (ranks.get(item.path.stem, len(ranks)), item.path))


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    """Load the test modules as commands load theirs."""
    from ncs_cluster_detector.processes.process_start import loading_modules
    with loading_modules():
        return (yield)


@pytest.fixture(scope='session')
def media():
    """Return the folder with real pictures beside the checkout; skip where it is missing."""
    folder = Path(__file__).resolve().parents[2] / 'shared' / 'media'
    if not folder.is_dir():
        pytest.skip('needs the pictures of ../shared/media, which are not here')
    return folder


@pytest.fixture
def probe():
    """Return a :class:`node_harness.Probe`, closed after the test."""
    from node_harness import Probe
    with Probe() as running:
        yield running


@pytest.fixture
def ear(probe):
    """Return an Ear that listens."""
    from camera_ear import Ear
    listening = Ear(probe)
    listening.listen()
    return listening


@pytest.fixture
def start_camera():
    """Return a function that starts a camera node; all are ended after the test."""
    from node_harness import NodeProcess
    started = []

    def start(**parameters):
        started.append(NodeProcess('camera_node', parameters))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture
def start_detector():
    """Return a function that starts a detector node; all are ended after the test."""
    from node_harness import NodeProcess
    started = []

    def start(environment=None, **parameters):
        parameters.setdefault('driver', 'simulated')
        started.append(NodeProcess('detector_node', parameters, environment))
        return started[-1]

    yield start
    for process in started:
        process.end()


@pytest.fixture
def refusal(monkeypatch, capfd):
    """Return a function that starts a node in vain; it returns the only line that it prints."""
    def refuse(executable, **parameters):
        from refusals import start_refused
        printed = start_refused(monkeypatch, capfd, executable, [
            word for name, value in parameters.items() for word in ('-p', f'{name}:={value}')])
        (line,) = printed.splitlines()
        assert line.startswith('[FATAL]')
        return line
    return refuse
