# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The latched topics that tell what the detections mean."""

from ncs_cluster_detector.detector_node.label_info import class_numbers
from ncs_cluster_detector.detector_node.label_info import LabelOutputs
from ncs_cluster_detector.detector_node.label_info import LATCHED
from ncs_cluster_detector.detector_node.label_info import method_of
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from node_harness import NodeProcess
import pytest
import rclpy
from vision_msgs.msg import LabelInfo
from vision_msgs.msg import VisionInfo


def labels_in(message):
    """Return the class map of a LabelInfo as a list of number and name."""
    return [(item.class_id, item.class_name) for item in message.class_map]


def test_numbers_of_one_graph_are_its_lines_without_the_background():
    numbers = class_numbers([PASCAL_VOC])
    assert numbers == {label: PASCAL_VOC.index(label) for label in PASCAL_VOC[1:]}
    assert 0 not in numbers.values()


@pytest.mark.parametrize('labels, numbers', [
    ([FACE, PASCAL_VOC[:4]], {'face': 1, 'aeroplane': 2, 'bicycle': 3, 'bird': 4}),
    # A name that there is already keeps its number, in a further graph and in the same one.
    ([('-', 'a', 'b'), ('-', 'b', 'c', 'a', 'd')], {'a': 1, 'b': 2, 'c': 3, 'd': 4}),
    ([('-', 'a', 'b', 'a', 'c'), ('-', 'd', 'd'), ('-', 'e')],
     {'a': 1, 'b': 2, 'c': 4, 'd': 5, 'e': 6}),
    # Nothing keeps the background of one graph from being a class of another.
    ([('x', 'a'), ('y', 'x')], {'a': 1, 'x': 2})])
def test_labels_of_further_graphs_get_the_next_numbers(labels, numbers):
    assert class_numbers(labels) == numbers


def test_no_label_has_the_number_of_the_unlabeled():
    many = ('-', *map(str, range(70_000)))
    for labels in ([many], [FACE, many]):
        assert max(class_numbers(labels).values()) == 65534


@pytest.mark.parametrize('paths, driver, text', [
    ([''], 'simulated', 'people on simulated sticks'),
    (['faces', 'people'], 'simulated', 'faces + people on simulated sticks'),
    (['/models/mobilenet_ssd.graph'], 'mvnc', 'mobilenet_ssd.graph on Neural Compute Sticks'),
    (['~/SSD_MobileNet/graph', 'graph'], 'mvnc',
     'SSD_MobileNet/graph + graph on Neural Compute Sticks'),
    (['/graph'], 'mvnc', 'graph on Neural Compute Sticks')])
def test_the_method_is_named_for_a_person(paths, driver, text):
    assert method_of(paths, driver) == text


def test_the_database_is_the_topic_wherever_it_is_remapped_to(probe):
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node('any', namespace='/front', context=context, cli_args=[
        '--ros-args', '-r', 'label_info:=meaning'])
    try:
        LabelOutputs(node, {'graph_paths': [''], 'driver': 'simulated', 'score_threshold': 0.5},
                     [FACE])
        visions, labels = [], []
        probe.listen(VisionInfo, '/front/vision_info', visions, LATCHED)
        probe.wait_for(lambda: visions)
        assert visions[0].database_location == '/front/meaning'
        probe.listen(LabelInfo, visions[0].database_location, labels, LATCHED)
        probe.wait_for(lambda: labels)
        assert labels_in(labels[0]) == [(1, 'face')]
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)


def test_both_are_latched_and_the_threshold_is_the_one_in_force(probe, start_detector):
    start_detector(graph_paths='["faces", "people"]', score_threshold='0.25',
                   **{'simulated.sticks': 0})
    visions, early, late = [], [], []
    probe.listen(VisionInfo, 'vision_info', visions, LATCHED)
    probe.listen(LabelInfo, 'label_info', early, LATCHED)
    probe.wait_for(lambda: early and visions)
    assert labels_in(early[0]) == [(1, 'face'), *((number + 1, PASCAL_VOC[number])
                                                  for number in range(1, 21))]
    assert early[0].threshold == 0.25
    (vision,) = visions
    assert vision.method == 'faces + people on simulated sticks'
    assert (vision.database_location, vision.database_version) == ('/label_info', 0)
    assert vision.header.stamp.sec > 0 and early[0].header.stamp.sec > 0

    # Neither what is refused, nor another parameter, nor the same value makes a message.
    assert not probe.set_parameter('score_threshold', 2.0)[0]
    assert probe.set_parameter('cluster_switch_cycle_ms', 5000)[0]
    assert probe.set_parameter('score_threshold', 0.25)[0]
    assert probe.set_parameter('score_threshold', 0.75)[0]
    probe.wait_for(lambda: len(early) == 2)
    assert early[1].threshold == 0.75
    assert early[1].class_map == early[0].class_map
    stamps = [(item.header.stamp.sec, item.header.stamp.nanosec) for item in early]
    assert stamps[0] < stamps[1]

    # Who comes late gets the newest at once, and the next one when there is one.
    probe.listen(LabelInfo, 'label_info', late, LATCHED)
    probe.wait_for(lambda: late)
    assert probe.set_parameter('score_threshold', 0.5)[0]
    probe.wait_for(lambda: len(early) == 3 and len(late) >= 2)
    assert [item.threshold for item in late] == [0.75, 0.5]
    assert len(visions) == 1


def test_a_detector_in_a_namespace_keeps_them_there(probe):
    process = NodeProcess('detector_node', {'driver': 'simulated', 'simulated.sticks': 0},
                          remappings={'__ns': '/front'})
    try:
        visions = []
        probe.listen(VisionInfo, '/front/vision_info', visions, LATCHED)
        probe.wait_for(lambda: visions)
        assert visions[0].database_location == '/front/label_info'
    finally:
        process.end()
