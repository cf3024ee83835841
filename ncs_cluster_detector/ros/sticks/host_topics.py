# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The topics between a detector and the stick servers of other hosts.

All lie below the name of the stick server's node. Frames are CompressedImages, the other messages
are JSON in Strings: so no host needs an interface package.
"""

from collections.abc import Callable
from typing import TypeVar

from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.json_form import from_json
from ncs_cluster_detector.wire.json_form import to_json
from rclpy.duration import Duration
from rclpy.impl.rcutils_logger import RcutilsLogger
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

# With each frame; rviz shows what ends in /compressed.
FRAMES, RESULTS = 'frames/compressed', 'results'
STICKS, CLAIM = 'sticks', 'claim'       # five times a second
# Two frames a stick for the sticks of a host: a bus is full at four. More than the latest of
# them would only be repeated after an outage.
DEPTH = 16
NEWEST_CLAIM = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT)
NEWEST_REPORT = QoSProfile(depth=1, reliability=QoSReliabilityPolicy.RELIABLE)
RELIABLE = QoSProfile(depth=DEPTH, reliability=QoSReliabilityPolicy.RELIABLE)
MessageT = TypeVar('MessageT')


def reliable_for(lifespan_sec: float) -> QoSProfile:
    """
    Return the QoS of a publisher that repeats what is lost, but for so long at most.

    A subscription must not have a lifespan: it would compare the clocks of two hosts.

    :param lifespan_sec: 0 for no limit.
    """
    if not lifespan_sec:
        return RELIABLE
    return QoSProfile(depth=DEPTH, reliability=QoSReliabilityPolicy.RELIABLE,
                      lifespan=Duration(seconds=lifespan_sec))


def format_with(ticket: Ticket) -> str:
    """Return the ``format`` of a CompressedImage for a stick."""
    kind = 'jpeg compressed bgr8' if ticket.size is None else 'raw pixels'
    return f'bgr8; {kind}; {to_json(ticket)}'


def ticket_in(message: CompressedImage) -> Ticket:
    """
    Return the Ticket in the ``format`` of a CompressedImage.

    :raises BadMessageError: there is none.
    """
    return from_json(Ticket, message.format[message.format.find('{'):])


class JsonMessages:
    """Reads messages in Strings; what cannot be used is dropped, and logged once."""

    def __init__(self, topic: str, logger: RcutilsLogger) -> None:
        self._topic = topic
        self._logger = logger
        self.dropped = 0

    def read(self, read: Callable[[], MessageT]) -> MessageT | None:
        """Return what ``read`` returns, or None if it raises a ValueError."""
        try:
            return read()
        except ValueError as error:
            self.dropped += 1
            if self.dropped == 1:
                self._logger.error(f'dropped a message on {self._topic}: {error}; does the other '
                                   'host have the same version? Further ones are only counted')
            return None

    def read_string(self, kind: type[MessageT], message: String) -> MessageT | None:
        """Return the message of a kind in a String, or None."""
        return self.read(lambda: from_json(kind, message.data))
