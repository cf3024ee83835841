# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Caffe networks on the simulated stick: two files that become one graph."""

import caffe_networks
from caffe_networks import CELL
import cv2
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.simulation.networks import caffe_network
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.simulation.networks.formats import protobuf_text
from ncs_cluster_detector.simulation.networks.loading import load_network
import numpy as np
import pytest

SIZE = 100, 60


def picture():
    """Return a grey picture of SIZE with two red cells, as boxes in fractions as well."""
    image = np.full((SIZE[1], SIZE[0], 3), 90, dtype=np.uint8)
    boxes = []
    for column, row in ((3, 0), (1, 2)):
        left, top = column * CELL, row * CELL
        image[top:top + CELL, left:left + CELL] = (0, 0, 255)
        boxes.append((left / SIZE[0], top / SIZE[1],
                      (left + CELL) / SIZE[0], (top + CELL) / SIZE[1]))
    return image, boxes


def refusal(path, kind=ValueError):
    """Return the one line with which a graph is refused."""
    with pytest.raises(kind) as caught:
        graphs.read_graph(str(path))
    message = str(caught.value)
    assert '\n' not in message
    assert message.startswith(f'cannot load graph {path}: ')
    return message


@pytest.mark.parametrize('definition', ['red.prototxt', 'red.prototxt.txt'])
def test_either_file_leads_to_what_opencv_makes_of_both(tmp_path, definition):
    path = caffe_networks.write(tmp_path, SIZE, definition)
    data = graphs.read_graph(str(path))
    assert graphs.read_graph(str(tmp_path / definition)) == data
    assert not graphs.is_compiled(data)
    assert graphs.label_counts(data) is None
    network = load_network(data)
    assert network.input_shape == (SIZE[1], SIZE[0], 3)
    assert network.output_shape == (101, 7, 1)
    image, boxes = picture()
    tensor = Preprocessor().network_input(image, NetworkInput(SIZE))
    output = network.run(tensor)
    found, dropped = ssd.decode(output, PASCAL_VOC)
    assert dropped == 0
    assert [detection.label for detection in found] == ['cat', 'cat']
    assert sorted(detection[2:] for detection in found) == [
        pytest.approx(box, abs=1e-3) for box in sorted(boxes)]

    own = cv2.dnn.readNetFromCaffe(str(tmp_path / definition), str(path))
    own.setInput(cv2.dnn.blobFromImage(image, 0.007843, SIZE, (127.5,) * 3))
    rows = own.forward().reshape(-1, 7)
    rows = rows[rows[:, 2] > 0]
    assert output[0] == len(rows)
    np.testing.assert_allclose(output[7:7 * (len(rows) + 1)].reshape(-1, 7), rows, atol=1e-3)


def test_both_files_behind_a_line_are_a_graph_file_for_any_program(tmp_path):
    path = caffe_networks.write(tmp_path, SIZE)
    definition = caffe_networks.prototxt(SIZE).encode()
    graph = tmp_path / 'graph'
    graph.write_bytes(f'caffe {len(definition)}\n'.encode() + definition + path.read_bytes())
    assert graphs.read_graph(str(graph)) == graphs.read_graph(str(path))
    graph.write_bytes(f'caffe {len(definition)}\n'.encode() + definition[:100])
    assert 'bytes of prototxt, and 100 follow; expected a line "caffe N"' in refusal(graph)


def test_the_missing_file_is_named(tmp_path):
    path = caffe_networks.write(tmp_path, SIZE)
    (tmp_path / 'red.prototxt').rename(tmp_path / 'deploy.prototxt')
    assert (f'there is no {tmp_path}/red.prototxt or {tmp_path}/red.prototxt.txt; expected it '
            'beside red.caffemodel') in refusal(path)
    assert f'there is no {tmp_path}/deploy.caffemodel; expected it beside deploy.prototxt' in (
        refusal(tmp_path / 'deploy.prototxt'))
    assert 'no such file' in refusal(tmp_path / 'none.caffemodel', FileNotFoundError)


def test_a_file_that_cannot_be_read_is_told_with_the_systems_reason(tmp_path):
    path = caffe_networks.write(tmp_path, SIZE)
    (tmp_path / 'red.prototxt').unlink()
    (tmp_path / 'red.prototxt').mkdir()
    assert 'Is a directory; expected a readable file' in refusal(path)


def test_the_users_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    data = graphs.read_graph(str(caffe_networks.write(tmp_path, SIZE)))
    assert graphs.read_graph('~/red.caffemodel') == data


DETECTIONS = caffe_networks.prototxt(SIZE).index('layer { name: "detections"')


@pytest.mark.parametrize('change, expected', [
    (lambda text: text.replace('dim: 3', 'dim: 1', 1),
     'its input is 1x1x60x100; expected 1x3xHEIGHTxWIDTH, a picture of three channels'),
    (lambda text: text.replace('dim: 60', 'dim: 0', 1), 'its input is 1x3x?x100; expected 1x3x'),
    (lambda text: text.replace('input_shape', 'unknown'), 'its input is of unknown dimensions'),
    (lambda text: text.replace('input:', 'input: "mask" input:'), 'it has 2 inputs (mask, data)'),
    (lambda text: text.replace('input:', 'name:'), 'it has 0 inputs (); expected one; take the'),
    (lambda text: text[:DETECTIONS], 'it has 3 outputs ('),
    (lambda text: text[:text.index('layer { name: "conf"')],
     'its output is 1x60, so it is no SSD network; expected rows of 7'),
    (lambda text: text.replace('num_output: 4', 'num_output: 4 bias_term: false'),
     'its caffemodel has 2 arrays of weights for the Convolution layer loc, expected 1 as '
     'in its prototxt: one of them may have batch normalization merged'),
    (lambda text: text.replace('name: "loc"', 'name: "other"'),
     'has 0 arrays of weights for the Convolution layer other, expected 2 as'),
    (lambda text: text + 'layer { name: "bn" type: "BatchNorm" bottom: "data" top: "bn" }',
     'has 0 arrays of weights for the BatchNorm layer bn, expected 3 as'),
    (lambda text: text.replace('kernel_size: 20', 'kernel_size: 10'), 'cannot run it ('),
    (lambda text: text.replace('"DetectionOutput"', '"Detect"'), 'cannot run it ('),
    (lambda text: text.replace('layer {', 'layer', 1),
     'no definition of a Caffe network: line 6 has'),
    (lambda text: text.rstrip('} \n'), 'no definition of a Caffe network: it ends in the middle'),
    (lambda text: 'input: "data', 'line 1 has a quotation mark without its other one'),
    (lambda text: '', 'it has 0 inputs ()')])
def test_what_no_stick_could_run_is_refused_with_what_to_do(tmp_path, capfd, change, expected):
    path = caffe_networks.write(tmp_path, SIZE)
    (tmp_path / 'red.prototxt').write_text(change(caffe_networks.prototxt(SIZE)))
    message = refusal(path)
    assert expected in message
    assert 'expected' in message
    capfd.readouterr()


@pytest.mark.parametrize('content, expected', [
    (b'', 'no file of weights: it has no layers'),
    (b'no weights', 'no file of weights: '),
    (b'\xa0\x06\x05', 'no file of weights: it has the number 5 where a message or a text belongs'),
    (b'\xa2\x06\x02\x08\x05', 'no file of weights: it has the number 5 where a message or a'),
    (caffe_networks.caffemodel()[:-1], 'no file of weights: it ends in the middle')])
def test_other_weights_are_refused(tmp_path, content, expected):
    path = caffe_networks.write(tmp_path, SIZE)
    path.write_bytes(content)
    assert expected in refusal(path)


def test_weights_without_the_bias_of_a_layer_are_those_of_another_network(tmp_path):
    path = caffe_networks.write(tmp_path, SIZE)
    path.write_bytes(path.read_bytes().replace(
        caffe_networks.layer('loc', 'Convolution', np.zeros((4, 3, CELL, CELL)), np.zeros(4)),
        caffe_networks.layer('loc', 'Convolution', np.zeros((4, 3, CELL, CELL)))))
    assert 'has 1 arrays of weights for the Convolution layer loc, expected 2 as' in (
        refusal(path))


def test_batch_normalization_that_is_not_merged_runs_as_it_is(tmp_path):
    path = caffe_networks.write(tmp_path, SIZE)
    tensor = Preprocessor().network_input(picture()[0], NetworkInput(SIZE))
    merged = load_network(graphs.read_graph(str(path))).run(tensor)
    text = caffe_networks.prototxt(SIZE).replace(
        'bottom: "data" top: "conf"', 'bottom: "normal" top: "conf"')
    (tmp_path / 'red.prototxt').write_text(text.replace(
        'layer {', 'layer { name: "normal" type: "BatchNorm" bottom: "data" top: "normal" }\n'
        'layer {', 1))
    # Mean 0 and variance 1, each times the factor that it is divided by.
    path.write_bytes(path.read_bytes() + caffe_networks.layer(
        'normal', 'BatchNorm', np.zeros(3), np.full(3, 2.0), np.full(1, 2.0)))
    output = load_network(graphs.read_graph(str(path))).run(tensor)
    np.testing.assert_allclose(output, merged, atol=1e-3)


def test_an_opencv_that_cannot_read_caffe_is_told(tmp_path, monkeypatch):
    data = graphs.read_graph(str(caffe_networks.write(tmp_path, SIZE)))
    monkeypatch.delattr(cv2.dnn, 'readNetFromCaffe')
    with pytest.raises(ValueError) as caught:
        load_network(data)
    assert f'OpenCV {cv2.__version__} cannot read Caffe networks; expected OpenCV 4' in (
        str(caught.value))


@pytest.mark.parametrize('form', [
    'input: "data" input_dim: 1 input_dim: 3 input_dim: 60 input_dim: 100',
    "input: 'data' input_shape: { dim: 1, dim: 3; dim: 60 dim: 100 } # of \u00e4",
    'layer { name: "data" type: "Input" top: "data"\n'
    '  input_param < shape { dim: 1 dim: 3 dim: 60 dim: 100 } > }'])
def test_an_input_is_written_in_several_ways(tmp_path, form):
    path = caffe_networks.write(tmp_path, SIZE)
    text = caffe_networks.prototxt(SIZE)
    head = text[:text.index('layer {')]
    # A comment may be in any encoding.
    (tmp_path / 'red.prototxt').write_bytes(text.replace(head, f'{form}\n').encode('latin-1'))
    network = load_network(graphs.read_graph(str(path)))
    assert network.input_shape == (60, 100, 3)


def test_the_text_form_of_protocol_buffers():
    text = ('a: 1 # b: 2\nb: [1, 2] c { d: "x # {" } '
            'c: < e: [{ f: -1.5 }, {}] > a: TEST, g: "\'"')
    assert protobuf_text.parse(text) == {
        'a': ['1', 'TEST'], 'b': ['1', '2'], 'g': ["'"],
        'c': [{'d': ['x # {']}, {'e': [{'f': ['-1.5']}, {}]}]}
    for text in ('a: }', '}', 'a { b: 1', 'a: [1', 'a', '{', 'a: [1 }', 'a: 1 ]', "a: 'b\n'"):
        with pytest.raises(ValueError, match='line 1|in the middle'):
            protobuf_text.parse(text)


def test_a_number_of_thousands_of_digits_is_no_dimension():
    digits = '9' * 5000   # more than int() takes
    assert caffe_network.input_shapes(protobuf_text.parse(
        f'input: "data" input_shape {{ dim: 1 dim: 3 dim: {digits} dim: 0060 }}')) == {
            'data': (1, 3, '?', 60)}
    with pytest.raises(ValueError) as caught:
        protobuf_text.parse(f'{digits}: }}')
    assert len(str(caught.value)) < 200
    with pytest.raises(ValueError) as caught:
        load_network(f'caffe {digits}\n'.encode())
    assert len(str(caught.value)) < 400


def test_no_piece_of_a_caffe_file_is_more_than_refused(tmp_path, capfd):
    text, weights = caffe_networks.prototxt(SIZE).encode(), caffe_networks.caffemodel()
    whole = graphs.read_graph(str(caffe_networks.write(tmp_path, SIZE)))
    pieces = [whole[:end] for end in range(1, len(whole), 131)]
    pieces += [b'caffe %d\n' % end + text[:end] + weights for end in range(0, len(text) - 5, 17)]
    refused = 0
    for piece in pieces:
        try:
            load_network(piece).check_detector()
        except ValueError as error:
            refused += 1
            assert '\n' not in str(error)
    assert refused == len(pieces)
    capfd.readouterr()
