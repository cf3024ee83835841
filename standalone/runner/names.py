# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The names of the cameras and hosts of a run, of their nodes and topics.

An empty name of a camera is the only one.
"""

from collections.abc import Iterable

# What a robot calls them; from the fifth on they are numbered.
CAMERA_NAMES = ('front', 'rear', 'left', 'right', 'camera5', 'camera6', 'camera7', 'camera8')
# Other hosts, whose sticks a detector uses.
HOST_NAMES = tuple(f'pi{number}' for number in range(1, 9))
DETECTOR, STICK_SERVER = 'detector', 'stick_server'
SIMULATED = 'simulated'   # the driver of a run that needs nothing


def below(owner: str, name: str) -> str:
    """Return the name of a node or topic of a camera or host, such as ``front/image_raw``."""
    return f'{owner}/{name}' if owner else name


def node_names(cameras: Iterable[str], hosts: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of all nodes of a run; no camera is one without a name."""
    return (*(below(camera, 'camera') for camera in tuple(cameras) or ('',)),
            *(below(host, STICK_SERVER) for host in hosts), DETECTOR)


def hosts_text(count: int) -> str:
    """Return of how many hosts the sticks are, with a space behind it, or an empty text."""
    return f'of {count} host{"s" * (count != 1)} ' if count else ''


def sticks_text(count: int, driver: str) -> str:
    """Return so many sticks of a driver in words, such as ``5 simulated sticks``."""
    what = 'simulated stick' if driver == SIMULATED else 'OpenVINO device'
    return f'{count} {what}{"s" * (count != 1)}'
