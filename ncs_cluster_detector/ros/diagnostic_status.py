# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Shared by both nodes' diagnostic statuses: their names, and texts of one line."""

from collections.abc import Mapping
from functools import lru_cache

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from ncs_cluster_detector.parameters.parameter_spec import USE_FQN
from ncs_cluster_detector.shown_text import shown
from rclpy.node import Node

# An error's text is cut to this length, so that a message stays about one line of a terminal.
LONGEST_REASON = 90
# Most texts are the same from one second to the next. This many are kept: those of 64 sticks.
# Numbers that only count up would fill the memory for nothing.
KEPT_TEXTS = 1024


def status_prefix(node: Node, short_name: str) -> str:
    """Return the prefix of the names of a node's statuses: short, or as USE_FQN asks for."""
    if not node.get_parameter(USE_FQN.name).value:
        return short_name
    return owner_of(node.get_fully_qualified_name())


def owner_of(fully_qualified_name: str) -> str:
    """Return the name without the leading slash; of a repeated last part, one."""
    parts = fully_qualified_name.strip('/').split('/')
    if parts[-2:-1] == parts[-1:]:
        parts.pop()
    return '/'.join(parts)


def make_status(name: str, hardware_id: str, level: bytes, message: str,
                values: Mapping[str, str | int]) -> DiagnosticStatus:
    """Return a DiagnosticStatus with its texts made safe to show; its parts are shared."""
    return DiagnosticStatus(
        name=name, hardware_id=_shown(hardware_id), level=level, message=_shown(message),
        values=[_key_value(key, value) if isinstance(value, str) else
                KeyValue(key=key, value=str(value)) for key, value in values.items()])


_shown = lru_cache(KEPT_TEXTS)(shown)


@lru_cache(KEPT_TEXTS)
def _key_value(key, text):
    return KeyValue(key=key, value=shown(text))


def shortened(reason: str) -> str:
    """Return the text of an error on one line, cut if it is too long for a message."""
    line = ' '.join(reason.split())
    if len(line) <= LONGEST_REASON:
        return line
    return line[:LONGEST_REASON - 3].rstrip() + '...'


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as '1 stick' or '2 sticks'."""
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'
