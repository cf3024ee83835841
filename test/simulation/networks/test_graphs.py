# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Graph files of the simulated stick: built-in names, text files and ONNX networks."""

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.simulation.networks.loading import load_network
from ncs_cluster_detector.simulation.networks.onnx_network import input_shapes
import numpy as np
import onnx_networks
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
    network = load_network(data)
    assert network.input_shape == (300, 300, 3)
    assert network.output_shape == (101, 7, 1)
    output = network.run(NOTHING.reshape(-1))
    assert output.dtype == np.float32
    assert output.shape == (707,)
    assert output[0] == 0


def test_a_built_in_graph_detects():
    image = np.zeros((300, 300, 3), dtype=np.uint8)
    image[30:60, 60:120] = (0, 0, 255)
    output = load_network(graphs.read_graph('shapes')).run(
        Preprocessor().network_input(image, NetworkInput((300, 300))))
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
    (b'detector: shapes\ninput: 300\n', 'input: 300'),
    (b'detector: shapes\ninput: 8x300\n', 'of 16 to 2048 pixels'),
    (b'detector: shapes\ninput: 300x2049\n', 'of 16 to 2048 pixels'),
    (b'detector: shapes\ninput: 300x300 grb\n', 'bgr or rgb'),
    # More digits than int() takes, and than a line should have.
    (b'detector: shapes\ninput: 300x%s\n' % (b'9' * 5000), 'of 16 to 2048 pixels'),
    (b'detector: %s\n' % (b'c' * 5000), "ccc...'; expected"),
    (b'detector: shapes\ninput: 300x300\ninput: 224x224\n', 'expected one'),
    (b'\x08\x01\x00\xff\xfe not a network', 'it is no ONNX network'),
    # A model with one input, whose dimension is bytes.
    (b'\x08\x07:\x10Z\x0e\n\x01a\x12\t\n\x07\x12\x05\n\x03\n\x01\x00',
     'it is no ONNX network: it has 1 bytes where a dimension belongs')])
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


def test_an_onnx_network_gets_its_input_channels_first():
    network = load_network(onnx_network(np.arange(5.0), [5]))
    assert network.output_shape == (1, 1, 5)
    tensor = NOTHING + np.array([0.25, 0.5, 1.0], dtype=np.float32)
    for shaped in (tensor, tensor.reshape(-1)):
        output = network.run(shaped)
        assert output.dtype == np.float32
        assert output.tolist() == pytest.approx([0.25, 1.5, 3.0, 3.0, 4.0])


@pytest.mark.parametrize('end', [(-1.0, 0, 0, 0, 0, 0, 0), (0.0, 15, 0.0, 0, 0, 0, 0)])
def test_rows_of_boxes_get_the_header_of_a_compiled_graph(end):
    boxes = [(0, 15, 0.75, 0.1, 0.2, 0.3, 0.4), (0, 7, 0.5, 0.5, 0.5, 0.75, 0.75)]
    after_the_end = (0, 8, 0.9, 0.1, 0.1, 0.2, 0.2)
    network = load_network(onnx_network([*boxes, end, after_the_end], [1, 1, 4, 7]))
    assert network.output_shape == (101, 7, 1)
    output = network.run(NOTHING)
    assert output[0] == 2
    assert output[7:21].tolist() == pytest.approx(np.ravel(boxes).tolist())
    assert not output[21:].any()
    detections, dropped = ssd.decode(output, PASCAL_VOC)
    assert [found.label for found in detections] == ['person', 'car']
    assert dropped == 0


def test_rows_without_an_end_are_all_boxes():
    rows = np.tile([0, 15, 0.75, 0.1, 0.2, 0.3, 0.4], (120, 1))
    network = load_network(onnx_network(rows, [1, 1, 120, 7]))
    assert network.output_shape == (121, 7, 1)
    assert network.run(NOTHING)[0] == 120


@pytest.mark.parametrize('order', ['bgr', 'rgb'])
@pytest.mark.parametrize('width, height', [(224, 224), (512, 384), (16, 2048)])
def test_a_built_in_graph_may_have_another_input(width, height, order):
    data = f'detector: shapes\ninput: {width}x{height} {order}\n'.encode()
    network = load_network(data)
    assert network.input_shape == (height, width, 3)
    image = np.zeros((height, width, 3), dtype=np.uint8)
    image[height // 4:height // 2, width // 4:width // 2] = (0, 0, 255)
    for written, label in ((order, 'cat'), ({'bgr': 'rgb', 'rgb': 'bgr'}[order], 'car')):
        output = network.run(Preprocessor(InputFormat(order=written)).network_input(
            image, NetworkInput((width, height))))
        (found,), _ = ssd.decode(output, PASCAL_VOC)
        assert found.label == label
        assert found[2:] == pytest.approx((0.25, 0.25, 0.5, 0.5), abs=0.001)


def test_the_order_of_a_built_in_graph_is_that_of_opencv_where_none_is_told():
    told, untold = (load_network(f'detector: shapes\ninput: 64x48{order}\n'.encode())
                    for order in (' bgr', ''))
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    image[10:30, 20:40] = (0, 0, 255)
    tensor = Preprocessor().network_input(image, NetworkInput((64, 48)))
    np.testing.assert_array_equal(told.run(tensor), untold.run(tensor))


@pytest.mark.parametrize('size', [(224, 224), (512, 512), (320, 192)])
def test_an_onnx_network_of_any_size_is_an_ssd(tmp_path, size):
    path = tmp_path / 'red.onnx'
    path.write_bytes(onnx_networks.red_finder(size, InputFormat()))
    network = load_network(graphs.read_graph(str(path)))
    assert network.input_shape == (size[1], size[0], 3)
    assert network.output_shape == (101, 7, 1)


@pytest.mark.parametrize('output', [
    [1, 1000], [1, 1001], [1, 7], [1, 84, 8400], [1, 7, 8400], [1, 25200, 85], [1, 21, 90, 90],
    [1, 512, 7, 7]])
def test_what_is_no_ssd_network_is_refused_and_yet_runs_for_other_programs(
        tmp_path, monkeypatch, output):
    monkeypatch.setattr(graphs, 'has_openvino', lambda: False)
    path = tmp_path / 'other.onnx'
    path.write_bytes(onnx_networks.scores([1, 3, 864, 864], output))
    with pytest.raises(ValueError, match='so it is no SSD network; expected rows of 7') as caught:
        graphs.read_graph(str(path))
    assert_one_line(caught, str(path), 'its output is ' + 'x'.join(map(str, output)))
    network = load_network(path.read_bytes())
    values = np.arange(np.prod(network.input_shape)) % 1000 / 1000.0
    picture = values.reshape(network.input_shape).astype(np.float32)
    np.testing.assert_array_equal(
        network.run(picture), picture.transpose(2, 0, 1).reshape(-1)[:np.prod(output)])
    assert np.prod(network.output_shape) == np.prod(output)


@pytest.mark.parametrize('output', [[1, 1, 100, 7], [1, 1, 1, 7], [50, 7], [1, 707], [707]])
def test_these_outputs_are_of_ssd_networks(output):
    load_network(onnx_networks.scores([1, 3, 300, 300], output)).check_detector()


@pytest.mark.parametrize('shape, expected', [
    ([1, 3, 'height', 'width'], 'its input is 1x3xheightxwidth; expected 1x3xHEIGHTxWIDTH in num'),
    ([1, 3, 300, 0], r'its input is 1x3x300x\?; expected'),
    ([1, 'channels', 300, 300], 'its input is 1xchannelsx300x300; expected'),
    ([2, 3, 300, 300], 'its input is 2x3x300x300; expected'),
    ([1, 1, 300, 300], 'its input is 1x1x300x300; expected .*three channels'),
    ([1, 300, 300, 3], 'its input is 1x300x300x3; expected .*three channels'),
    ([3, 300, 300], 'its input is 3x300x300; expected'),
    ([], 'its input is of unknown dimensions; expected')])
def test_another_input_is_refused_with_what_to_do(shape, expected):
    with pytest.raises(ValueError, match=expected) as caught:
        load_network(onnx_networks.scores(shape, [1, 707]))
    assert_one_line(caught, 'export the network with a fixed input')


@pytest.mark.parametrize('batch', ['batch', 0, -1])
def test_a_batch_of_any_size_is_a_batch_of_one(batch):
    network = load_network(onnx_networks.scores([batch, 3, 300, 300], [1, 707]))
    assert network.input_shape == (300, 300, 3)


def test_weights_that_old_files_list_as_inputs_are_none():
    onnx = pytest.importorskip('onnx')
    model = onnx.load_from_string(onnx_networks.scores([1, 3, 20, 30], [1, 707]))
    model.graph.input.append(
        onnx.helper.make_tensor_value_info('form', onnx.TensorProto.INT64, [2]))
    assert input_shapes(model.SerializeToString()) == {'in': (1, 3, 20, 30)}
    model.graph.input.append(
        onnx.helper.make_tensor_value_info('second', onnx.TensorProto.FLOAT, [2]))
    with pytest.raises(ValueError, match=r'it has 2 inputs \(in, second\); expected one'):
        load_network(model.SerializeToString())


def test_no_piece_of_an_onnx_file_is_more_than_refused(capfd):
    data = onnx_networks.scores([1, 3, 20, 30], [1, 707])
    for end in range(1, len(data)):
        try:
            network = load_network(data[:end])
        except ValueError as error:
            assert '\n' not in str(error)
        else:
            # What comes last is not needed.
            assert network.input_shape == (20, 30, 3)
    capfd.readouterr()


def test_several_outputs_are_refused():
    with pytest.raises(ValueError, match='2 outputs'):
        load_network(onnx_network(np.arange(5.0), [5], outputs=2))
