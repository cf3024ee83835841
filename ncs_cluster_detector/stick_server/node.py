# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The stick server node: the ROS side; the PoolServer runs the sticks."""

from collections.abc import Sequence
import os
import socket
import sys
import threading
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters.stick_server_parameters import PARAMETERS
from ncs_cluster_detector.processes.freed_memory import give_back_freed_memory
from ncs_cluster_detector.ros.diagnostic_status import status_prefix
from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.ros.parameters import NodeParameters
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.rivals import Rivals
from ncs_cluster_detector.ros.run_node import run_node
from ncs_cluster_detector.ros.sticks.host_topics import CLAIM
from ncs_cluster_detector.ros.sticks.host_topics import FRAMES
from ncs_cluster_detector.ros.sticks.host_topics import JsonMessages
from ncs_cluster_detector.ros.sticks.host_topics import NEWEST_CLAIM
from ncs_cluster_detector.ros.sticks.host_topics import NEWEST_REPORT
from ncs_cluster_detector.ros.sticks.host_topics import RELIABLE
from ncs_cluster_detector.ros.sticks.host_topics import reliable_for
from ncs_cluster_detector.ros.sticks.host_topics import RESULTS
from ncs_cluster_detector.ros.sticks.host_topics import STICKS
from ncs_cluster_detector.ros.sticks.host_topics import ticket_in
from ncs_cluster_detector.ros.sticks.pool_options import pool_options_of
from ncs_cluster_detector.stick_server import NAME
from ncs_cluster_detector.stick_server.diagnostics import statuses
from ncs_cluster_detector.stick_server.host_name import host_name
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.supervision.serving.forms import frame_of
from ncs_cluster_detector.supervision.serving.pool_server import Identity
from ncs_cluster_detector.supervision.serving.pool_server import PoolServer
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError
from ncs_cluster_detector.wire.host_messages import Claim
from ncs_cluster_detector.wire.host_messages import networks_of
from ncs_cluster_detector.wire.json_form import to_json
import numpy as np
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

STOP_DEADLINE_SEC = 4.0
PART_STOP_DEADLINE_SEC = 0.25
# For how long a result is sent again: a later one is of no use to anybody.
LIFESPAN_SEC = 0.5


class StickServerNode(Node):
    """
    Offers the sticks of this host to a detector on another one.

    One thread receives frames and claims; the PoolServer's publishes results and the state of the
    sticks; the executor's reports once a second.
    """

    def __init__(self, arguments: list[str] | None = None, **kwargs: Any) -> None:
        """
        Declare parameters and topics, and start the sticks.

        :param arguments: see NodeParameters; the others are those of an rclpy Node.
        :raises StartupError: a parameter, a graph or a label file is invalid.
        """
        super().__init__(NAME, **kwargs)
        self._declared = NodeParameters(self, PARAMETERS, NAME, arguments)
        values = self._declared.values()
        self._owner = status_prefix(self, NAME)
        try:
            self._host = host_name(
                values['host'], self.get_namespace(), self.get_name(), socket.gethostname())
            DRIVERS[values['driver']].check_installed()
            options = pool_options_of(
                values, lambda text: self.get_logger().warning(self._declared.shown(text)))
        except (SdkMissingError, StartupError, ValueError) as error:
            raise StartupError(self._declared.shown(error)) from error.__cause__
        self._declared.accept_changes(lambda values: None, lambda before, after: None)
        give_back_freed_memory()
        self._failure: Exception | None = None
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', 10)
        self._messages = MessageThread(self, 'messages')
        results = self.create_publisher(String, f'~/{RESULTS}', reliable_for(LIFESPAN_SEC))
        sticks = self.create_publisher(String, f'~/{STICKS}', NEWEST_REPORT)
        process = os.urandom(4).hex()
        # Nodes that nobody named have the same topics, and each would get the frames of all.
        base = '~' if self.get_fully_qualified_name() != f'/{NAME}' else f'~/host_{process}'
        frames = self._messages.subscribe(
            CompressedImage, f'{base}/{FRAMES}', self._take_frame, RELIABLE).topic_name
        identity = Identity(process, self._host, self.get_fully_qualified_name(),
                            networks_of(options.workers), frames)
        self._server = PoolServer(
            options, identity, lambda answer: results.publish(String(data=to_json(answer))),
            lambda report: sticks.publish(String(data=to_json(report))), self.get_logger())
        self._reader = JsonMessages(self.get_fully_qualified_name(), self.get_logger())
        self._messages.subscribe(String, f'~/{CLAIM}', self._take_claim, NEWEST_CLAIM)
        self._rivals = Rivals(self)
        self._thread = threading.Thread(target=self._serve, name='server')
        self.create_timer(1.0, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(
            f'host {self._host} offers its sticks to detectors with its name in remote_hosts')
        self._thread.start()
        self._messages.start()

    def stop(self) -> bool:
        """Stop the sticks; return False if a thread hangs or a worker cannot be ended."""
        self._server.stop()
        self._thread.join(STOP_DEADLINE_SEC)
        ended = self._server.all_ended and not self._thread.is_alive()
        return self._messages.stop(PART_STOP_DEADLINE_SEC) and ended

    def _take_frame(self, message: CompressedImage, _: object) -> None:
        now = time.monotonic()
        frame = self._reader.read(lambda: frame_of(
            ticket_in(message), np.frombuffer(message.data, np.uint8),
            self._server.next_number(), now))
        if frame is not None:
            self._server.take_frame(frame)

    def _take_claim(self, message: String, _: object) -> None:
        if (claim := self._reader.read_string(Claim, message)) is not None:
            self._server.take_claim(claim)

    def _serve(self):
        try:
            self._server.run()
        except UnusableParameterError as error:
            self._failure = StartupError(self._declared.shown(
                f'{error.parameter}={self._declared.values()[error.parameter]}: {error}'))
        except Exception as error:
            self._failure = error   # raised by _report: without its sticks the node must end

    def _report(self):
        for failure in (self._failure, self._messages.failure):
            if failure is not None:
                raise failure
        now = time.monotonic()
        rivals = self._rivals.look(now)
        if self._diagnostics.get_subscription_count():
            array = DiagnosticArray(status=statuses(
                self._server.sticks, self._host, self._server.owner.name, now,
                self._declared.values()['driver'], self._owner, rivals))
            array.header.stamp = self.get_clock().now().to_msg()
            self._diagnostics.publish(array)


def main(args: list[str] | None = None, notes: Sequence[str] = ()) -> int:
    """Run the node until a signal; return its exit code, see run_node."""
    return run_node(NAME, lambda: StickServerNode(arguments=args), args, notes)


if __name__ == '__main__':
    sys.exit(main())
