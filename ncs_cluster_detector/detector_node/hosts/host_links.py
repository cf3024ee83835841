# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the stick servers of other hosts in the ROS graph, and is the way to each of them."""

from collections.abc import Callable
from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from typing import TypeAlias

from ncs_cluster_detector.ros.image_messages import compressed_message
from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.ros.sticks.host_topics import CLAIM
from ncs_cluster_detector.ros.sticks.host_topics import format_with
from ncs_cluster_detector.ros.sticks.host_topics import JsonMessages
from ncs_cluster_detector.ros.sticks.host_topics import NEWEST_CLAIM
from ncs_cluster_detector.ros.sticks.host_topics import NEWEST_REPORT
from ncs_cluster_detector.ros.sticks.host_topics import RELIABLE
from ncs_cluster_detector.ros.sticks.host_topics import reliable_for
from ncs_cluster_detector.ros.sticks.host_topics import RESULTS
from ncs_cluster_detector.ros.sticks.host_topics import STICKS
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import Claim
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.json_form import to_json
import numpy as np
import numpy.typing as npt
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.event_handler import PublisherEventCallbacks
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

InvalidHandle = rclpy_implementation.InvalidHandle
Take: TypeAlias = Callable[['HostLink', ServerReport | Answer], object]
# When all nodes start, the ROS graph is looked at so often, in seconds, and so many times.
EARLY_SEC, EARLY_LOOKS = 0.2, 50
# A server says something five times a second.
IDLE_SEC = 1.0
# Server processes of one name whose topics are kept, also of those that have ended.
MOST_PROCESSES = 8


class HostLinks:
    """The links to all stick servers that may be used; call ``look`` once a second."""

    def __init__(self, node: Node, names: Sequence[str], take: Take, lifespan_sec: float) -> None:
        """
        Prepare; see HostNames for the names.

        :param take: called, in a thread for each link, with the link and what has come.
        :param lifespan_sec: for how long a frame is sent again, 0 for no limit.
        """
        self._node = node
        self._names = names
        self._take = take
        self._frames_qos = reliable_for(lifespan_sec)
        self._links: dict[str, HostLink] = {}   # by the full name of the server's node
        self._early_looks = 0
        self._timer = node.create_timer(
            EARLY_SEC, self._look_early, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _look_early(self) -> None:
        self._early_looks += 1
        if self._early_looks == EARLY_LOOKS:
            self._node.destroy_timer(self._timer)
        self.look()

    def look(self) -> None:
        """Make links to the servers that are new."""
        topics = {name for name, types in self._node.get_topic_names_and_types()
                  if 'std_msgs/msg/String' in types}
        for name in topics:
            server, _, last = name.rpartition('/')
            if (last == STICKS and f'{server}/{CLAIM}' in topics and server not in self._links
                    and self._is_near(server)):
                self._links[server] = HostLink(self._node, server, self._take, self._frames_qos)

    @property
    def failures(self) -> list[Exception]:
        """Return the exceptions that ended threads."""
        return [link.messages.failure for link in self._links.values()
                if link.messages.failure is not None]

    def stop(self, timeout_sec: float) -> bool:
        """Stop all threads, each within ``timeout_sec``; return whether they have ended."""
        ended = [link.messages.stop(timeout_sec) for link in self._links.values()]
        return all(ended)

    def _is_near(self, server: str) -> bool:
        """Return whether a server is in the detector's namespace, below it, or named in full."""
        namespace, own = server.rpartition('/')[0], self._node.get_namespace().rstrip('/')
        return (namespace == own or namespace.startswith(f'{own}/')
                or server in self._names or namespace in self._names)


class HostLink:
    """The way to one stick server."""

    def __init__(self, node: Node, server: str, take: Take, frames_qos: QoSProfile) -> None:
        """Publish and subscribe; ``server`` is the full name of its node."""
        def publisher(kind: type, topic: str, qos: QoSProfile) -> Publisher:
            # An executor looks at each event of each publisher whenever it wakes.
            return node.create_publisher(
                kind, topic, qos,
                event_callbacks=PublisherEventCallbacks(use_default_callbacks=False))

        self._take, self._node = take, node
        self._publisher = publisher
        self._frames_qos = frames_qos
        # By the server's process: two may have the same name by mistake, and topics of their own.
        self._frames: dict[str, Publisher] = {}
        self._claims = publisher(String, f'{server}/{CLAIM}', NEWEST_CLAIM)
        self.messages = MessageThread(node, f'host {server}', IDLE_SEC)
        self._subscribe(f'{server}/{RESULTS}', Answer, RELIABLE, node)
        self._subscribe(f'{server}/{STICKS}', ServerReport, NEWEST_REPORT, node)
        self.messages.start()

    def _subscribe(self, topic: str, kind: type, qos: QoSProfile, node: Node) -> None:
        reader = JsonMessages(topic, node.get_logger())

        def take(message: String, _: object) -> None:
            if (found := reader.read_string(kind, message)) is not None:
                if isinstance(found, ServerReport):
                    self._note_topic(found)
                self._take(self, found)

        self.messages.subscribe(String, topic, take, qos)

    def _note_topic(self, report: ServerReport) -> None:
        """Have a publisher for the frames of a server's process; keep those that are in use."""
        known = {frames.topic_name: frames for frames in self._frames.values()}
        frames = known.get(report.frames) or self._publisher(
            CompressedImage, report.frames, self._frames_qos)
        # Those heard last stand last; another thread reads the dictionary.
        newest = {server: others for server, others in self._frames.items()
                  if server != report.server} | {report.server: frames}
        given_up = newest.pop(next(iter(newest))) if len(newest) > MOST_PROCESSES else None
        self._frames = newest
        if given_up is not None and given_up not in newest.values():
            self._node.destroy_publisher(given_up)

    def send_frame(self, ticket: Ticket, picture: npt.NDArray[np.uint8], header: Any) -> None:
        """Send a picture: uint8, the bytes of a JPEG or PNG, or height x width x 3."""
        frames = self._frames.get(ticket.server)
        if frames is not None:   # else it was given up: too many others were heard since
            with suppress(InvalidHandle):   # in this very moment
                frames.publish(compressed_message(header, format_with(ticket), picture))

    def send_claim(self, claim: Claim) -> None:
        """Send a claim."""
        self._claims.publish(String(data=to_json(claim)))
