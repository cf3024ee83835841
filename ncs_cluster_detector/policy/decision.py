# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the rotation decides: which sticks work, what changed, and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from enum import Enum

from ncs_cluster_detector.policy.stick_reason import Condition


class SwitchReason(Enum):
    """Why the active set changed."""

    READY = 'ready'               # a stick became ready
    CYCLE = 'cycle'               # the switch cycle is over
    TEMPERATURE = 'temperature'   # an active stick is hot
    CRITICAL = 'critical'         # an active stick is too hot to go on
    LOST = 'lost'
    LATE = 'late'                 # the result of an active stick is overdue
    UNRELIABLE = 'unreliable'     # a stick of a lower standing takes its place
    SETTINGS = 'settings'         # the cluster size changed
    ENABLED = 'enabled'           # detection was switched on or off
    REQUEST = 'request'


@dataclass(frozen=True)
class Decision:
    """
    The sticks that work from now on, by number.

    ``reason`` is None when nothing changed; ``left`` and ``joined`` are the sticks that stopped
    and started working; ``all_hot`` tells that an active stick is hot and no fit one can relieve
    it. ``conditions`` has the Condition of every stick.
    """

    active: tuple[int, ...]
    reason: SwitchReason | None = None
    left: tuple[int, ...] = ()
    joined: tuple[int, ...] = ()
    all_hot: bool = False
    conditions: Mapping[int, Condition] = field(default_factory=dict)
