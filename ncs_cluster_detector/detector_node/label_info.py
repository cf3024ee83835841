# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Publishes what the detections mean: the latched topics ``label_info`` and ``vision_info``."""

from itertools import chain
from itertools import count
from pathlib import PurePath
from typing import Sequence

from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.shown_text import shown
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy
from rclpy.qos import QoSProfile
from vision_msgs.msg import LabelInfo
from vision_msgs.msg import VisionClass
from vision_msgs.msg import VisionInfo

LATCHED = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
UNLABELED = 65535   # the largest class_id of a VisionClass, which is reserved for no label
COMPILERS_NAME = 'graph'   # mvNCCompile's default name of its output


class LabelOutputs:
    """Publishes the labels and the pipeline once, also for those who subscribe later."""

    def __init__(self, node: Node, values: Values, labels: Sequence[Sequence[str]]) -> None:
        """Publish both; the index of a label among those of its graph is its class."""
        self._node = node
        self._message = LabelInfo(
            class_map=[VisionClass(class_id=number, class_name=label)
                       for label, number in class_numbers(labels).items()],
            threshold=values['score_threshold'])
        self._labels = node.create_publisher(LabelInfo, 'label_info', LATCHED)
        self._vision = node.create_publisher(VisionInfo, 'vision_info', LATCHED)
        self._publish_labels()
        information = VisionInfo(
            method=method_of(values['graph_paths'], values['driver']),
            database_location=self._labels.topic_name)   # the whole name, after remapping
        information.header.stamp = node.get_clock().now().to_msg()
        self._vision.publish(information)

    def follow(self, score_threshold: float) -> None:
        """Publish the labels again if the threshold has changed."""
        if score_threshold != self._message.threshold:
            self._message.threshold = score_threshold
            self._publish_labels()

    def _publish_labels(self):
        self._message.header.stamp = self._node.get_clock().now().to_msg()
        self._labels.publish(self._message)


def class_numbers(labels: Sequence[Sequence[str]]) -> dict[str, int]:
    """
    Return the number of each label of the graphs that a detection can have, in their order.

    The first graph's labels have the numbers of its classes (the lines of its label file, counted
    from 0); new labels of further graphs follow. Class 0 of each graph is its background, which no
    detection has: it is left out, and the numbers begin with 1.
    """
    first, *others = labels
    numbers = {}
    for number, label in enumerate(first[1:], 1):
        numbers.setdefault(label, number)
    free = count(len(first))
    for label in chain.from_iterable(other[1:] for other in others):
        if label not in numbers:
            numbers[label] = next(free)
    return {label: number for label, number in numbers.items() if number < UNLABELED}


def method_of(graph_paths: Sequence[str], driver: str) -> str:
    """Return what detects, as a text for people: the graphs and the kind of sticks."""
    names = [name for name in graph_paths if name] or [DRIVERS[driver].default_graph]
    return shown(f"{' + '.join(map(_name_of, names))} on {DRIVERS[driver].title}")


def _name_of(path):
    path = PurePath(path)
    folder = path.parent.name
    return f'{folder}/{path.name}' if folder and path.name == COMPILERS_NAME else path.name
