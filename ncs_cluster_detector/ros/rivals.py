# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the rivals of a node: others of its name, or that publish on topics which are its own."""

from collections import Counter
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence

from ncs_cluster_detector.ros.diagnostic_status import counted
from ncs_cluster_detector.ros.message_thread import NotForExecutors
from rcl_interfaces.srv import GetParameters
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

RCLError = rclpy_implementation.RCLError
# What is seen in the first seconds may have been there before this node.
START_SEC = 3.0
# A node that was killed stays in the graph for its lease: 20 s with Fast DDS by default.
LEASE_SEC = 25.0
MOST_NAMED = 4
UNKNOWN = '_NODE_NAME_UNKNOWN_'   # of rmw_dds_common, while an endpoint's node is not yet known


class Suspects:
    """
    Tells rivals that live from what killed nodes have left in the graph; without ROS.

    Who appears while this node runs lives. Who was there from the start may be dead: it counts
    when it has answered, or when it is still there after the longest lease.
    """

    def __init__(self, answering: Callable[[str], int]) -> None:
        """Begin; ``answering`` returns how many of the nodes of a full name are known to live."""
        self._answering = answering
        self._began_at: float | None = None
        self._seen: Counter[str] = Counter()
        self._in_doubt: Counter[str] = Counter()

    def living(self, found: Mapping[str, int], now: float) -> dict[str, int]:
        """
        Return the number of living rivals by full name.

        :param found: how many rivals of each full name are in the graph.
        :param now: seconds of the monotonic clock.
        """
        if self._began_at is None:
            self._began_at = now
        age_sec = now - self._began_at
        for name in self._seen | Counter(found):
            change = found.get(name, 0) - self._seen[name]
            # The dead go first. Those that come later live.
            if change < 0 or age_sec < START_SEC:
                self._in_doubt[name] = max(self._in_doubt[name] + change, 0)
        self._seen = Counter(found)
        self._in_doubt = +self._in_doubt if age_sec < LEASE_SEC else Counter()
        for name, doubtful in self._in_doubt.items():
            self._in_doubt[name] = min(doubtful, max(found[name] - self._answering(name), 0))
        return {name: number - self._in_doubt[name] for name, number in found.items()
                if number > self._in_doubt[name]}

    def names_in_doubt(self) -> set[str]:
        """Return the full names of which somebody may be dead."""
        return set(+self._in_doubt)


class Rivals:
    """Names the rivals of a node once a second, and logs when they come and when they are gone."""

    def __init__(self, node: Node, topics: Sequence[str] = ()) -> None:
        """
        Watch the name of a node, and topics.

        :param topics: full names of those that only this node should publish on.
        """
        self._node, self._topics = node, tuple(topics)
        self._name = node.get_fully_qualified_name()
        self._questions: dict[str, _Question] = {}
        self._suspects = Suspects(self._answering)
        self._logged: set[str] = set()

    def look(self, now: float) -> str:
        """
        Look at the graph, and log what has changed.

        :param now: seconds of the monotonic clock.
        :return: what is wrong and the remedy, in one line; '' if nothing is.
        """
        topics = self._topics_of_others()
        found = dict.fromkeys(topics, 1)
        if same := self._nodes_of_this_name() - 1:
            found[self._name] = same
        living = self._suspects.living(found, now)
        self._ask()
        complaint = '; '.join(self._complaints(living, topics))
        if living.keys() - self._logged:
            self._node.get_logger().warning(complaint)
        elif self._logged and not living:
            self._node.get_logger().info(
                'no other node has the name or the topics of this one any more')
        self._logged = self._logged | living.keys() if living else set()
        return complaint

    def _nodes_of_this_name(self):
        own = self._node.get_name(), self._node.get_namespace()
        return max(self._node.get_node_names_and_namespaces().count(own), 1)

    def _topics_of_others(self):
        """Return the watched topics that each other full name publishes on."""
        topics = {}
        for topic in self._topics:
            for publisher in self._node.get_publishers_info_by_topic(topic):
                name = f'{publisher.node_namespace.rstrip("/")}/{publisher.node_name}'
                if name != self._name and publisher.node_name != UNKNOWN:
                    topics.setdefault(name, set()).add(topic)
        return topics

    def _complaints(self, living, topics):
        if same := living.get(self._name):
            yield (f'{counted(same, "other node")} named {self._name}: rename one '
                   '(-r __node:=another), move it (-r __ns:=/another), or stop it')
        if others := sorted(living.keys() - {self._name}):
            taken = sorted(set().union(*(topics[name] for name in others)))
            yield (f'{_listed(others)} publish{"" if others[1:] else "es"} on {_listed(taken)}, '
                   'too: move one (-r __ns:=/another), or stop it')

    def _answering(self, name):
        question = self._questions.get(name)
        return question.answering() - (name == self._name) if question else 0

    def _ask(self):
        """Ask those that may be dead, and nobody else."""
        names = self._suspects.names_in_doubt()
        for name in self._questions.keys() - names:
            self._questions.pop(name).close()
        for name in names:
            if name not in self._questions:
                self._questions[name] = _Question(self._node, name)
            self._questions[name].ask()


class _Question:
    """Asks all nodes of a full name for no parameter, and counts how many answer."""

    def __init__(self, node, full_name):
        self._node, self._client = node, None
        self._answers = Counter()
        try:
            # Not for executors, which would take one answer to each request.
            self._client = node.create_client(
                GetParameters, f'{full_name}/get_parameters', callback_group=NotForExecutors())
        except RCLError as error:   # an access policy (SROS 2) may forbid it: the lease decides
            node.get_logger().debug(f'asking whether {full_name} lives failed: {error}')

    def ask(self):
        """Ask once more: a request gets lost where the client is not yet known."""
        if self._client is not None:
            with self._client.handle:
                self._client.handle.send_request(GetParameters.Request())

    def answering(self):
        """Return the most answers to one request so far."""
        if self._client is not None:
            handle = self._client.handle
            with handle:
                while (header := handle.take_response(GetParameters.Response)[0]) is not None:
                    self._answers[header.request_id.sequence_number] += 1
        return max(self._answers.values(), default=0)

    def close(self):
        if self._client is not None:
            self._node.destroy_client(self._client)


def _listed(names, most=MOST_NAMED):
    more = len(names) - most
    return ', '.join(names[:most]) + (f' and {more} more' if more > 0 else '')
