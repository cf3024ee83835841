# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The labels of a kind of outputs, and those that came with a network."""

from ncs_cluster_detector.networks.coco import COCO_80
from ncs_cluster_detector.networks.coco import COCO_90
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.outputs.kinds import kind_of
from network_outputs import form
import pytest

SSD = [form(1, 1, 100, 7)]
TENSORFLOW = [form(1, 100, 4), form(1, 100), form(1, 100), form(1)]
LITE = [form(1, 10, 4, name='TFLite_Detection_PostProcess'), *(
    form(*shape, name=f'TFLite_Detection_PostProcess:{port}')
    for port, shape in ((1, (1, 10)), (2, (1, 10)), (3, (1,))))]
NUMBERED = 'background', 'class 0', 'class 1', 'class 2'


def kind(outputs):
    """Return the kind of outputs."""
    return kind_of(outputs, (640, 640))


def test_coco_has_the_usual_numbers():
    assert (len(COCO_80), len(COCO_90)) == (81, 91)
    assert len(set(COCO_90)) == 91
    # Of well known places in both lists.
    assert [COCO_90[number] for number in (1, 13, 44, 62, 70, 90)] == [
        'person', 'stop sign', 'bottle', 'chair', 'toilet', 'toothbrush']
    assert [COCO_80[number + 1] for number in (-1, 0, 2, 15, 39, 56, 62, 79)] == [
        'background', 'person', 'car', 'cat', 'bottle', 'chair', 'tv', 'toothbrush']


@pytest.mark.parametrize('outputs, name, expected', [
    (SSD, 'graph', PASCAL_VOC), (SSD, 'x/face.xml', FACE),
    (TENSORFLOW, 'ssdlite', COCO_90), (LITE, 'ssdlite', COCO_90),
    ([form(1, 84, 8400)], 'yolo.onnx', COCO_80), ([form(1, 25200, 85)], 'yolo.onnx', COCO_80),
    ([form(1, 300, 6)], 'yolo.onnx', COCO_80), ([form(1, 7, 8400)], 'yolo.onnx', NUMBERED),
    ([form(1, 25200, 8)], 'yolo.onnx', NUMBERED), ([form(1, 7, 8400)], 'face.onnx', NUMBERED),
    ([form(1, 5, 8400)], 'yolov8n-face.onnx', FACE),
    ([form(1, 5, 8400)], 'face/yolo.onnx', NUMBERED[:2])])
def test_labels_where_none_are_given(outputs, name, expected):
    assert kind(outputs).default_labels(name) == expected


@pytest.mark.parametrize('outputs, given, expected', [
    (SSD, ('background', 'a', 'b'), ('background', 'a', 'b')),
    (SSD, ('a', 'b'), ('background', 'a', 'b')),
    (LITE, ('???', 'a', 'b'), ('background', 'a', 'b')),
    (LITE, ('a', 'b'), ('background', 'a', 'b')),
    ([form(1, 6, 8400)], ('a', 'b'), ('background', 'a', 'b')),
    ([form(1, 6, 8400)], ('background', 'a', 'b'), ('background', 'a', 'b')),
    # A class that is called so, as there are as many labels as classes.
    ([form(1, 6, 8400)], ('background', 'b'), ('background', 'background', 'b')),
    (SSD, (), ('background',))])
def test_labels_of_a_file_get_the_background_in_front(outputs, given, expected):
    assert kind(outputs).complete_labels(given) == expected
