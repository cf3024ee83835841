# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameter services of the nodes of a run."""

from collections.abc import Sequence
import functools
from typing import Any

from ncs_cluster_detector.closest_name import closest
from ncs_cluster_detector.ros.environment import WITHOUT_LOG_FILE
from runner.finder import Failure
from runner.names import DETECTOR
from runner.names import node_names
from runner.names import STICK_SERVER

PATIENCE_SEC = 10.0


class Nodes:
    """The parameter services of all nodes; create it after the environment is that of the run."""

    def __init__(self) -> None:
        """Join the ROS domain."""
        # Late, because ROS reads the environment, and importing it takes half a second.
        import rclpy
        from rclpy.parameter_client import AsyncParameterClient
        from rclpy.signals import SignalHandlerOptions
        rclpy.init(args=WITHOUT_LOG_FILE, signal_handler_options=SignalHandlerOptions.NO)
        self._rclpy = rclpy
        self._node = rclpy.create_node('param', start_parameter_services=False,
                                       enable_rosout=False)
        self._client_of = functools.cache(
            lambda name: AsyncParameterClient(self._node, f'/{name}'))

    def close(self) -> None:
        self._node.destroy_node()
        self._rclpy.try_shutdown()

    def ask(self, node: str, request: str, *arguments: Any) -> Any:
        """
        Return the answer of a node.

        :param request: name of a method of rclpy's AsyncParameterClient, with its arguments.
        :raises Failure: no answer came in time.
        """
        client = self._client_of(node)
        if client.wait_for_services(PATIENCE_SEC):
            future = getattr(client, request)(*arguments)
            self._rclpy.spin_until_future_complete(self._node, future, timeout_sec=PATIENCE_SEC)
            if future.done():
                return future.result()
        raise Failure(f'the {node} node did not answer within {PATIENCE_SEC:g} s; does its '
                      '`make run` still show new figures?')

    def all_nodes(self) -> list[str]:
        """Return the names of the detector, of its cameras' nodes and of its stick servers."""
        cameras, hosts = (filter(None, names.string_array_value) for names in self.ask(
            DETECTOR, 'get_parameters', ['cameras', 'remote_hosts']).values)
        *others, detector = node_names(cameras, hosts)
        return [detector, *others]

    def names(self, node: str) -> list[str]:
        """Return the names of all parameters of a node, sorted."""
        return sorted(self.ask(node, 'list_parameters').result.names)

    def look_up(self, node: str, names: Sequence[str]) -> list[tuple[Any, Any]]:
        """Return the descriptor and the value (a ROS message each) of some of its parameters."""
        descriptors = self.ask(node, 'describe_parameters', names).descriptors
        return list(zip(descriptors, self.ask(node, 'get_parameters', names).values))

    def owner(self, name: str, node: str | None) -> str:
        """
        Return the name of the node that has a parameter.

        :param node: the only node to look at, with or without the slash before it, or None.
        :raises Failure: no node has it, and the text names a similar one; or several cameras
            or stick servers have it.
        """
        there = self.all_nodes()
        if node is not None:
            if node.strip('/') not in there:
                raise Failure(f'{node}: no such node; use one of /{", /".join(there)}')
            there = [node.strip('/')]
        owners, known = [], []
        for one in there:
            names = self.names(one)
            if name in names and one == DETECTOR:   # it comes first, and counts before a camera
                return one
            owners += [one] * (name in names)
            known += names
        if not owners:
            close = closest(name, known)
            hint = f'did you mean {close}?' if close else '`make param` lists them'
            raise Failure(f'{name}: no such parameter; {hint}')
        if len(owners) > 1:
            kind = 'stick servers' if owners[0].endswith(STICK_SERVER) else 'cameras'
            raise Failure(f'{name}: {len(owners)} {kind} have it; put one of /'
                          f'{", /".join(owners)} before it, such as /{owners[0]} {name}')
        return owners[0]
