# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Graph files of the simulated stick: built-in names, text files and ONNX networks."""

from ncs_cluster_detector.detection import preprocessing
from ncs_cluster_detector.detection import ssd
from ncs_cluster_detector.detection.labels import PASCAL_VOC
from ncs_cluster_detector.simulation import graphs
import numpy as np
import pytest

NOTHING = np.zeros((300, 300, 3), dtype=np.float32)


def onnx_network(rows, shape, outputs=1):
    """
    Return the bytes of an ONNX network with a constant output.

    :param rows: the values; the mean of the three input channels is added to the first three.
    :param shape: the shape of the output.
    """
    onnx = pytest.importorskip('onnx')
    values = np.asarray(rows, dtype=np.float32).reshape(-1)
    weights = np.zeros((len(values), 3, 1, 1), dtype=np.float32)
    weights[:3, :, 0, 0] = np.eye(len(values), 3)[:3]
    helper, numpy_helper = onnx.helper, onnx.numpy_helper
    names = [f'out{index}' for index in range(outputs)]
    nodes = [helper.make_node('GlobalAveragePool', ['in'], ['mean']),
             helper.make_node('Conv', ['mean', 'weights', 'bias'], ['values'])]
    nodes += [helper.make_node('Reshape', ['values', 'shape'], [name]) for name in names]
    graph = helper.make_graph(
        nodes, 'test',
        [helper.make_tensor_value_info('in', onnx.TensorProto.FLOAT, [1, 3, 300, 300])],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name in names],
        [numpy_helper.from_array(weights, 'weights'), numpy_helper.from_array(values, 'bias'),
         numpy_helper.from_array(np.array(shape, dtype=np.int64), 'shape')])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    model.ir_version = 8
    return model.SerializeToString()


@pytest.mark.parametrize('name', ['people', 'faces', 'shapes'])
def test_a_built_in_graph_is_text_that_may_stand_in_a_file(name, tmp_path):
    data = graphs.read_graph(name)
    assert name in data.decode()
    path = tmp_path / 'my.graph'
    path.write_bytes(data)
    assert graphs.read_graph(str(path)) == data
    network = graphs.load_network(data)
    assert network.input_shape == (300, 300, 3)
    assert network.output_length == 707
    output = network.run(NOTHING.reshape(-1))
    assert output.dtype == np.float32
    assert output.shape == (707,)
    assert output[0] == 0


def test_a_built_in_graph_detects():
    image = np.zeros((300, 300, 3), dtype=np.uint8)
    image[30:60, 60:120] = (0, 0, 255)
    output = graphs.load_network(graphs.read_graph('shapes')).run(
        preprocessing.network_input(image))
    (found,), _ = ssd.decode(output, PASCAL_VOC)
    assert found.label == 'cat'
    assert found[2:] == pytest.approx((0.2, 0.1, 0.4, 0.2), abs=0.004)


def assert_one_line(caught, *parts):
    message = str(caught.value)
    assert '\n' not in message
    for part in parts:
        assert part in message


def test_an_unknown_name_lists_the_built_in_ones():
    with pytest.raises(FileNotFoundError) as caught:
        graphs.read_graph('peoples')
    assert_one_line(caught, 'peoples', 'people, faces, shapes')


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(ValueError, match='cannot load graph') as caught:
        graphs.read_graph(str(tmp_path))
    assert_one_line(caught, str(tmp_path), 'people, faces, shapes')


@pytest.mark.parametrize('content, part', [
    (b'', 'it is empty'),
    (b'detector: cats\n', "'cats'"),
    (b'hello\n', 'detector: NAME'),
    (b'detector: people\ndetector: faces\n', '2 lines'),
    (b'\x7fELF\x01\x00', "compiled for the stick's chip"),
    (b'\x08\x01\x00\xff\xfe not a network', '1x3x300x300')])
def test_a_file_that_cannot_be_run_is_refused(content, part, tmp_path, capfd):
    path = tmp_path / 'bad.graph'
    path.write_bytes(content)
    with pytest.raises(ValueError, match='cannot load graph') as caught:
        graphs.read_graph(str(path))
    assert_one_line(caught, str(path), part, 'expected')
    capfd.readouterr()


def test_what_is_neither_text_nor_onnx_is_compiled():
    assert graphs.is_compiled(b'\x7fELF\x01\x00')
    assert graphs.is_compiled(b'\xff\xfe')
    assert not graphs.is_compiled('# wörtlich\ndetector: people\n'.encode())
    assert not graphs.is_compiled(onnx_network(np.arange(5.0), [5]))


def test_an_onnx_network_gets_its_input_channels_first(tmp_path):
    path = tmp_path / 'flat.onnx'
    path.write_bytes(onnx_network(np.arange(5.0), [5]))
    network = graphs.load_network(graphs.read_graph(str(path)))
    assert network.output_length == 5
    tensor = NOTHING + np.array([0.25, 0.5, 1.0], dtype=np.float32)
    for shaped in (tensor, tensor.reshape(-1)):
        output = network.run(shaped)
        assert output.dtype == np.float32
        assert output.tolist() == pytest.approx([0.25, 1.5, 3.0, 3.0, 4.0])


@pytest.mark.parametrize('end', [(-1.0, 0, 0, 0, 0, 0, 0), (0.0, 15, 0.0, 0, 0, 0, 0)])
def test_rows_of_boxes_get_the_header_of_a_compiled_graph(end):
    boxes = [(0, 15, 0.75, 0.1, 0.2, 0.3, 0.4), (0, 7, 0.5, 0.5, 0.5, 0.75, 0.75)]
    after_the_end = (0, 8, 0.9, 0.1, 0.1, 0.2, 0.2)
    network = graphs.load_network(onnx_network([*boxes, end, after_the_end], [1, 1, 4, 7]))
    assert network.output_length == 707
    output = network.run(NOTHING)
    assert output[0] == 2
    assert output[7:21].tolist() == pytest.approx(np.ravel(boxes).tolist())
    assert not output[21:].any()
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert [found.label for found in detections] == ['person', 'car']
    assert dropped == 0


def test_rows_without_an_end_are_all_boxes():
    rows = np.tile([0, 15, 0.75, 0.1, 0.2, 0.3, 0.4], (120, 1))
    network = graphs.load_network(onnx_network(rows, [1, 1, 120, 7]))
    assert network.output_length == 121 * 7
    assert network.run(NOTHING)[0] == 120


def test_another_input_size_is_refused(capfd):
    onnx = pytest.importorskip('onnx')
    model = onnx.load_from_string(onnx_network(np.arange(5.0), [5]))
    # What makes the size of a network's input fixed: a layer that counts all its values.
    del model.graph.node[:]
    model.graph.node.append(onnx.helper.make_node('Reshape', ['in', 'count'], ['out0']))
    model.graph.initializer.append(
        onnx.numpy_helper.from_array(np.array([1, 3 * 224 * 224], dtype=np.int64), 'count'))
    with pytest.raises(ValueError, match='1x3x300x300') as caught:
        graphs.load_network(model.SerializeToString())
    assert_one_line(caught, 'OpenCV')
    capfd.readouterr()


def test_several_outputs_are_refused():
    with pytest.raises(ValueError, match='2 outputs'):
        graphs.load_network(onnx_network(np.arange(5.0), [5], outputs=2))
