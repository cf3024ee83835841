# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Give a check an environment of its own: a free ROS domain, on this machine only."""

from contextlib import suppress
import os
import socket
import tempfile

from ncs_cluster_detector.ros.environment import fault_in_environment
from ncs_cluster_detector.ros.environment import LOOPBACK_PROFILE
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES

# The ports of domains 1 to 101 are below the ephemeral ports of Linux.
DOMAINS = 101
PORT_BASE, PORTS_PER_DOMAIN, FIRST_UNICAST = 7400, 250, 10
# Variables that would redirect the traffic, or change the format of the log lines.
FOREIGN_VARIABLES = (
    'CYCLONEDDS_URI', 'FASTDDS_BUILTIN_TRANSPORTS', 'FASTDDS_ENVIRONMENT_FILE',
    'FASTDDS_STATISTICS', 'RCUTILS_CONSOLE_OUTPUT_FORMAT', 'RCUTILS_LOGGING_USE_STDOUT',
    'RMW_FASTRTPS_PUBLICATION_MODE', 'RMW_FASTRTPS_USE_QOS_FROM_XML',
    'ROS_DISABLE_LOANED_MESSAGES', 'ROS_DISCOVERY_SERVER', 'ROS_LOCALHOST_ONLY',
    'ROS_NAMESPACE', 'ROS_SECURITY_ENABLE', 'ROS_STATIC_PEERS', 'ROS_SUPER_CLIENT',
    'SKIP_DEFAULT_XML')


class CannotRunError(Exception):
    """The check cannot run at all; the text is one line with the remedy."""


def check_environment() -> None:
    """Raise CannotRunError for a fault in the environment that would end the check halfway."""
    os.environ.pop('ROS_DOMAIN_ID', None)   # the check has its own
    fault = fault_in_environment()
    if fault:
        raise CannotRunError(fault)
    try:
        tempfile.gettempdir()
    except OSError as error:
        raise CannotRunError(f'TMPDIR: {error.strerror}; set TMPDIR to a folder that can be '
                             'written') from None


def use_own_domain() -> None:
    """Keep the ROS traffic of this process and its children to themselves; call before rclpy."""
    for name in FOREIGN_VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(dict.fromkeys(PROFILE_VARIABLES, str(LOOPBACK_PROFILE)))
    os.environ.update({
        'PYTHONUNBUFFERED': '1', 'RCUTILS_COLORIZED_OUTPUT': '0',
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_DOMAIN_ID': str(claim_domain(os.getpid()))})


def claim_domain(seed: int) -> int:
    """
    Return a ROS domain, 1 to 101, that no other program on this machine has, and keep it.

    This process holds the port of the domain's first participant until it ends, so that no two
    programs take the same domain; participants begin with the next port.

    :param seed: where to begin, such as the process id, so that two programs begin apart.
    """
    domains = [(seed + step) % DOMAINS + 1 for step in range(DOMAINS)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as claim:
        for domain in domains:
            with suppress(OSError):
                claim.bind(('', PORT_BASE + PORTS_PER_DOMAIN * domain + FIRST_UNICAST))
                claim.detach()   # its descriptor stays open
                return domain
    return domains[0]
