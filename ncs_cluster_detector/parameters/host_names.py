# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The rules for the names of other hosts."""

from collections.abc import Sequence
import re

HOST_NAME = re.compile(r'[A-Za-z0-9][A-Za-z0-9_.-]*')
# The full name of a stick server's node, or its namespace.
_PATH = re.compile(r'(/[A-Za-z_][A-Za-z0-9_]*)+')


def check_host_names(names: Sequence[str]) -> None:
    """
    Check the parameter ``remote_hosts``.

    :raises ValueError: one is no name; one line ``name=value: rule; what to do``.
    """
    for name in names:
        if name and name != '*' and not (HOST_NAME.fullmatch(name) or _PATH.fullmatch(name)):
            raise ValueError(
                f'remote_hosts={list(names)}: {name!r} is no name of a host (letters, digits, '
                "'_', '.', '-'), of a node or namespace (/rack/pi1), nor '*' for all; use for "
                "example ['pi1']")
