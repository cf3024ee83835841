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
import socket

import pytest

# Domains up to 101 keep clear of the ports that Linux gives out by itself. Source: the ROS 2
# documentation on domain ids, which also tells the port of a domain's first participant.
_LAST_DOMAIN = 101


# Held by this process while it lives, so that two test runs never share a domain.
_claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)


def _is_free(domain):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(('', 7410 + 250 * domain))
            _claim.bind(f'\0ncs_cluster_detector test domain {domain}')
        except OSError:
            return False
    return True


def _free_domain():
    domains = list(range(1, _LAST_DOMAIN + 1))
    random.SystemRandom().shuffle(domains)
    return next(domain for domain in domains if _is_free(domain))


# Before any test module imports rclpy.
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
os.environ['ROS_DOMAIN_ID'] = str(_free_domain())
# With Fast DDS's own transports about half of the 640x480 images are lost on the way, which is
# not what is tested here.
for _name in ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'):
    os.environ[_name] = str(
        Path(__file__).resolve().parents[1] / 'ncs_cluster_detector' / 'ros'
        / 'fastdds_loopback.xml')

# In the background of a shell SIGINT is ignored, also by all that is started here; tests send it.
signal.signal(signal.SIGINT, signal.default_int_handler)


# Modules that look at all that runs on this machine, so that none runs beside another of them.
_LOOK_AT_THE_MACHINE = (
    'test_param', 'test_run_end_to_end', 'test_run_processes', 'test_faults', 'test_frame_slots',
    'test_detector_node', 'test_closed_pipes')


def pytest_collection_modifyitems(items):
    """Keep the tests of a module together where pytest-xdist runs several at a time."""
    for item in items:
        module = item.path.stem
        group = 'machine' if module in _LOOK_AT_THE_MACHINE else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


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
