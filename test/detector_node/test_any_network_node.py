# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node with networks of other sizes and formats, and with some of no objects."""

import caffe_networks
import drawn_objects
from ncs_cluster_detector.networks.input_format import InputFormat
import numpy as np
import onnx_networks
import pytest

QUICK = {'simulated.sticks': '1', 'simulated.inference_ms': '10.0', 'simulated.transfer_ms': '1.0'}


def boxes_of(answer):
    """Return the boxes of a Detection2DArray by label: left, top, right, bottom."""
    boxes = {}
    for found in answer.detections:
        center, box = found.bbox.center.position, found.bbox
        boxes[found.results[0].hypothesis.class_id] = np.array([
            center.x - box.size_x / 2, center.y - box.size_y / 2,
            center.x + box.size_x / 2, center.y + box.size_y / 2])
    return boxes


def worst_error(answer, size, objects):
    """Return how far the edges of found objects are off, in pixels of the network's input."""
    boxes = boxes_of(answer)
    assert sorted(boxes) == sorted(label for label, _, _ in objects)
    picture_size = np.array([drawn_objects.WIDTH, drawn_objects.HEIGHT] * 2)
    network_pixel = picture_size / np.array([*size, *size])
    return max((np.abs(boxes[label] - box) / network_pixel).max() for label, _, box in objects)


@pytest.mark.parametrize('size, order', [((224, 224), 'rgb'), ((512, 512), 'bgr')])
def test_objects_come_back_as_boxes_in_the_image(probe, start_detector, tmp_path, size, order):
    graph = tmp_path / 'graph'
    graph.write_text(f'detector: shapes\ninput: {size[0]}x{size[1]} {order}\n')
    start_detector(graph_paths=f"['{graph}']", input_order=order, **QUICK)
    _, answer = probe.detect(drawn_objects.picture())
    assert worst_error(answer, size, drawn_objects.OBJECTS) <= 1.5


def test_two_onnx_networks_of_different_sizes_get_what_they_were_trained_with(
        probe, start_detector, tmp_path):
    input_format = InputFormat(0.0, 1 / 255.0, 'rgb')
    paths = []
    for size in ((224, 224), (512, 384)):
        paths.append(str(tmp_path / f'{size[0]}.onnx'))
        with open(paths[-1], 'wb') as file:
            file.write(onnx_networks.red_finder(size, input_format))
    start_detector(graph_paths=str(paths), input_mean='0', input_scale=str(1 / 255.0),
                   input_order='rgb', **QUICK)
    _, answer = probe.detect(drawn_objects.picture())
    assert len(answer.detections) == 2
    assert worst_error(answer, (224, 224), drawn_objects.OBJECTS[:1]) <= 1.5


def test_a_class_beyond_the_labels_is_named_once(start_detector, probe, tmp_path):
    graph, labels = tmp_path / 'red.onnx', tmp_path / 'labels.txt'
    graph.write_bytes(onnx_networks.red_finder((224, 224), InputFormat()))
    labels.write_text('background\naeroplane\nbicycle\n')
    node = start_detector(graph_paths=f"['{graph}']", label_files=f"['{labels}']", **QUICK)
    for _ in range(3):
        _, answer = probe.detect(drawn_objects.picture())
        assert not answer.detections
    node.wait_for_line(f'of a class without a label (such as class {onnx_networks.RED_CLASS}); do '
                       'label_files fit graph_paths?')
    assert node.output.count('without a label') == 1


@pytest.mark.parametrize('named', ['red.caffemodel', 'red.prototxt'])
def test_a_caffe_network_finds_objects_whichever_of_its_files_is_named(
        probe, start_detector, tmp_path, named):
    size = 160, 120
    caffe_networks.write(tmp_path, size)
    start_detector(graph_paths=f"['{tmp_path / named}']", **QUICK)
    # A cell of the network's, in a picture four times as large.
    side = caffe_networks.CELL * 4
    box = (3 * side, 2 * side, 4 * side, 3 * side)
    red = (('cat', (0, 0, 255), box),)
    _, answer = probe.detect(drawn_objects.picture(red))
    assert worst_error(answer, size, red) <= 0.1


def test_a_caffe_network_without_its_other_file_ends_the_node(refusal, tmp_path):
    path = caffe_networks.write(tmp_path, (160, 120))
    (tmp_path / 'red.prototxt').unlink()
    line = refusal('detector_node', driver='simulated', graph_paths=f"['{path}']")
    assert f"graph_paths=['{path}']: " in line
    assert f'there is no {tmp_path}/red.prototxt or {tmp_path}/red.prototxt.txt' in line


def test_a_network_that_classifies_is_refused_before_any_stick_is_opened(refusal, tmp_path):
    path = tmp_path / 'classes.onnx'
    path.write_bytes(onnx_networks.scores([1, 3, 224, 224], [1, 1000]))
    line = refusal('detector_node', driver='simulated', graph_paths=f"['{path}']")
    assert f"graph_paths=['{path}']: " in line
    assert 'its output is ' in line and ' 1x1000, ' in line and '; expected ' in line


@pytest.mark.parametrize('parameter, value, rule', [
    ('input_scale', '0.0', 'input_scale=0.0: must be a number above 0 (default 0.007843)'),
    ('input_scale', '-0.1', 'input_scale=-0.1: must be a number above 0'),
    ('input_scale', '.inf', 'input_scale=inf: must be a number above 0'),
    ('input_scale', '600.0', 'more than the 65504 of half precision (input_mean=127.5); use what'),
    ('input_mean', '.nan', 'input_mean=nan: must be a number (default 127.5)'),
    ('input_order', 'grb', 'input_order=grb: must be one of bgr, rgb')])
def test_what_no_network_wants_is_refused(refusal, parameter, value, rule):
    assert rule in refusal('detector_node', driver='simulated', graph_paths="['shapes']",
                           **{parameter: value})
