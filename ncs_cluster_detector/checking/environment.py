# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Give a check or a run an environment of its own: a free ROS domain, on this machine only."""

from collections.abc import Mapping
from contextlib import suppress
import os
from pathlib import Path
import socket
import tempfile

from ncs_cluster_detector.ros.environment import DEFAULT_MIDDLEWARE
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
    use(loopback_environment(os.environ, claim_domain(os.getpid()), middleware=None))


def loopback_environment(
        inherited: Mapping[str, str], domain: int, profile: Path | None = LOOPBACK_PROFILE,
        middleware: str | None = DEFAULT_MIDDLEWARE) -> dict[str, str]:
    """
    Return environment variables for processes that see only this machine, in a domain.

    :param inherited: the environment variables of the caller.
    :param profile: that of Fast DDS, or None for the transports that it has by itself.
    :param middleware: what ROS runs on, or None for the caller's.
    """
    kept = {name: value for name, value in inherited.items()
            if name not in FOREIGN_VARIABLES + PROFILE_VARIABLES}
    profiles = {} if profile is None else dict.fromkeys(PROFILE_VARIABLES, str(profile))
    chosen = {} if middleware is None else {'RMW_IMPLEMENTATION': middleware}
    return {
        **kept, **profiles, **chosen,
        'PYTHONUNBUFFERED': '1', 'RCUTILS_COLORIZED_OUTPUT': '0',
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST', 'ROS_DOMAIN_ID': str(domain)}


def use(environment: Mapping[str, str]) -> None:
    """Use this environment in this process, too; call it before rclpy is imported."""
    os.environ.clear()
    os.environ.update(environment)


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
