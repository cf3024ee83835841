# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The environment variables and shared memory of a run that stays on this machine."""

from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
import os
from pathlib import Path

from ncs_cluster_detector.checking.environment import claim_domain
from ncs_cluster_detector.checking.environment import FOREIGN_VARIABLES
from ncs_cluster_detector.checking.environment import LOOPBACK_PROFILE
from ncs_cluster_detector.checking.environment import PROFILE_VARIABLES
from ncs_cluster_detector.checking.shared_memory import remove_unused
from ncs_cluster_detector.checking.shared_memory import shared_memory_names

__all__ = ['claim_domain', 'clean_shared_memory', 'FOREIGN_VARIABLES', 'loopback_environment',
           'LOOPBACK_PROFILE', 'PROFILE_VARIABLES', 'use']


def loopback_environment(
        inherited: Mapping[str, str], domain: int,
        profile: Path | None = LOOPBACK_PROFILE) -> dict[str, str]:
    """
    Return the environment for the nodes and the runner: this machine only, in a domain.

    :param inherited: the environment variables of the caller.
    :param profile: that of Fast DDS, or None for the transports that it has by itself.
    """
    kept = {name: value for name, value in inherited.items()
            if name not in FOREIGN_VARIABLES + PROFILE_VARIABLES}
    profiles = {} if profile is None else dict.fromkeys(PROFILE_VARIABLES, str(profile))
    return {
        **kept,
        **profiles,
        'PYTHONUNBUFFERED': '1',
        'RCUTILS_COLORIZED_OUTPUT': '0',
        'RMW_IMPLEMENTATION': 'rmw_fastrtps_cpp',
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_DOMAIN_ID': str(domain)}


@contextlib.contextmanager
def clean_shared_memory() -> Iterator[None]:
    """
    Remove what a run, the body, has left in shared memory; begin and end it outside of ROS.

    What was there before belongs to others, and what another process holds stays.
    """
    before = shared_memory_names()
    try:
        yield
    finally:
        remove_unused(shared_memory_names() - before)


def use(environment: Mapping[str, str]) -> None:
    """Use this environment in this process, too; call it before rclpy is imported."""
    os.environ.clear()
    os.environ.update(environment)
