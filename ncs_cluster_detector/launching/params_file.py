# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds which launched nodes a parameters file is for, and what it sets for each."""

from collections.abc import Sequence
from dataclasses import replace
import os
from typing import Any

from launch import LaunchContext
from launch.logging import get_logger
from launch.substitutions import LaunchConfiguration
from launch_ros.utilities import make_namespace_absolute
from launch_ros.utilities import prefix_namespace
from ncs_cluster_detector.launching.arguments import PACKAGE
from ncs_cluster_detector.parameters.given_parameters import read_file
from ncs_cluster_detector.parameters.unused_parameters import listed
from ncs_cluster_detector.parameters.unused_parameters import missed


class ParamsFile:
    """The file that the argument ``params_file`` names, if any."""

    def __init__(self, context: LaunchContext) -> None:
        """
        Read the file.

        Nodes are named as in the namespace of the context, such as ``camera/camera``.

        :raises RuntimeError: the file is missing; launch_ros would only warn.
        """
        self.path = os.path.expanduser(LaunchConfiguration('params_file').perform(context))
        if self.path and not os.path.isfile(self.path):
            folder = ', but a folder' if os.path.isdir(self.path) else ''
            raise RuntimeError(
                f'params_file:={self.path}: no such file{folder}; name a YAML file, or '
                'leave it out')
        self._base = context.launch_configurations.get('ros_namespace', '')
        self._nodes: Sequence[str] = ()
        self._file = read_file(self.path) if self.path else None
        # launch_ros keeps here what SetParameter and SetParametersFromFile set for all nodes.
        self._for_all = context.launch_configurations.get('global_params', ())

    def is_for(self, nodes: Sequence[str]) -> None:
        """Note which nodes are launched, and warn if the file is for none of them."""
        self._nodes = nodes
        if self._file is not None and not any(map(self.concerns, nodes)):
            keys = listed(dict.fromkeys(block.key for block in self._file.blocks))
            get_logger(PACKAGE).warning(
                f'params_file:={self.path}: has nothing for '
                f'{" or ".join(map(self._full_name, nodes))} '
                f'(it is for {keys or "no node"}), ignored; use these names, or /**, as its keys')

    def concerns(self, node: str) -> bool:
        """
        Tell whether to give a node the file.

        Also if the file was meant for the node but does not reach it, or cannot be read: the node
        then reports what is wrong.
        """
        return bool(self.path) and (
            self._file is None
            or any(block.reaches(self._full_name(node)) for block in self._file.blocks)
            or bool(missed(self._without_others(node), self._full_name(node),
                           node.rpartition('/')[2])))

    def already_set(self, node: str) -> dict[str, Any]:
        """Return a node's parameters from the file and the including launch files, by name."""
        found = {}
        for given in self._for_all:
            if isinstance(given, tuple):
                found.update([given])
            else:
                found.update(self._entries(read_file(given), node))
        found.update(self._entries(self._file, node))
        return found

    def _entries(self, file, node):
        blocks = () if file is None else file.blocks
        return {entry.name: entry.value for block in blocks
                if block.reaches(self._full_name(node)) for entry in block.entries}

    def _full_name(self, node):
        return make_namespace_absolute(prefix_namespace(self._base, node))

    def _without_others(self, node):
        """Return the file without the blocks that are for other launched nodes."""
        others = [self._full_name(other) for other in self._nodes if other != node]
        return replace(self._file, blocks=tuple(
            block for block in self._file.blocks if not any(map(block.reaches, others))))
