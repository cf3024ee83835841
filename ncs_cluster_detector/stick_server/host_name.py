# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the name that a host has for detectors."""

import re

from ncs_cluster_detector.parameters.host_names import HOST_NAME
from ncs_cluster_detector.stick_server import NAME

LONGEST = 64


def host_name(given: str, namespace: str, node_name: str, machine: str) -> str:
    """
    Return the name of a host.

    :param given: the parameter ``host``, or empty.
    :param namespace: of the stick server's node, such as ``/pi2``.
    :param node_name: of the node, without its namespace.
    :param machine: the name of the machine.
    :raises ValueError: the given one is no name; one line with the remedy.
    """
    if given:
        if len(given) > LONGEST or not HOST_NAME.fullmatch(given):
            raise ValueError(f'host={given}: must be a name of at most {LONGEST} letters, digits, '
                             "'_', '.' and '-'; use for example the name of the machine")
        return given
    last = namespace.rpartition('/')[2]
    if last:
        return last
    if node_name != NAME:
        return node_name
    return re.sub('[^A-Za-z0-9_.-]', '_', machine.partition('.')[0])[:LONGEST] or NAME
