# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes ONNX networks for the tests: one that really detects, and some that are no detectors."""

from ncs_cluster_detector.networks.input_format import InputFormat
import numpy as np
import pytest

RED_CLASS = 8   # cat, of the Pascal VOC labels


def model(nodes, shape, output, weights, metadata=None):
    """
    Return the bytes of an ONNX model with an input ``in`` and an output ``out``.

    :param nodes: list of ONNX nodes.
    :param shape: dimensions of the input; a text makes a dimension without a number.
    :param output: dimensions of the output.
    :param weights: dictionary of names and arrays.
    :param metadata: dictionary of texts that stand in the file.
    """
    onnx = pytest.importorskip('onnx')
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes, 'test', [helper.make_tensor_value_info('in', kind, shape)],
        [helper.make_tensor_value_info('out', kind, output)],
        [onnx.numpy_helper.from_array(array, name) for name, array in weights.items()])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 13)])
    made.ir_version = 8
    onnx.helper.set_model_props(made, metadata or {})
    return made.SerializeToString()


def red_finder(size, input_format):
    """
    Return an SSD network that finds the only pure red rectangle, if the input is as it wants it.

    :param size: (width, height) of its input in pixels.
    :param input_format: the InputFormat that it was "trained" with.
    """
    make = pytest.importorskip('onnx').helper.make_node
    nodes, constants = _red_box(size, input_format)
    constants |= {
        'class': np.full((1, 1, 1, 1), RED_CLASS, np.float32),
        'image': np.zeros((1, 1, 1, 1), np.float32),
        'end': np.array([[[[-1, 0, 0, 0, 0, 0, 0]]]], np.float32),
        'form': np.array([1, 1, 2, 7], np.int64)}
    nodes += [make('Concat', ['image', 'class', 'score', 'left', 'top', 'most right',
                              'most bottom'], ['box'], axis=3),
              make('Concat', ['box', 'end'], ['rows'], axis=3),
              make('Reshape', ['rows', 'form'], ['out'])]
    width, height = size
    return model(nodes, [1, 3, height, width], [1, 1, 2, 7], constants)


def red_yolo(size, version, names=None):
    """
    Return a YOLO of two classes that finds the only pure red rectangle, as its class 1.

    :param size: (width, height) of its input in pixels, multiples of 32.
    :param version: 5, with objectness, or 8.
    :param names: dictionary of labels by class for the file's metadata, as Ultralytics writes it.
    """
    make = pytest.importorskip('onnx').helper.make_node
    width, height = size
    cells = sum((width // stride) * (height // stride) for stride in (8, 16, 32))
    nodes, constants = _red_box(size, InputFormat(0.0, 1.0 / 255.0, 'rgb'))
    constants |= {'half': np.full((1, 1, 1, 1), 0.5, np.float32),
                  'width': np.full((1, 1, 1, 1), width, np.float32),
                  'height': np.full((1, 1, 1, 1), height, np.float32),
                  'no': np.zeros((1, 1, 1, 1), np.float32)}
    for low, high, side, across in (('left', 'most right', 'width', 'x'),
                                    ('top', 'most bottom', 'height', 'y')):
        nodes += [make('Add', [low, high], [f'sum {across}']),
                  make('Sub', [high, low], [f'extent {across}']),
                  make('Mul', [f'sum {across}', 'half'], [f'middle {across}']),
                  make('Mul', [f'middle {across}', side], [f'centre {across}']),
                  make('Mul', [f'extent {across}', side], [f'pixels {across}'])]
    about = ['centre x', 'centre y', 'pixels x', 'pixels y']
    about += ['score', 'no', 'score'] if version == 5 else ['no', 'score']
    rows = 3 * cells if version == 5 else cells
    shape = [1, rows, len(about)] if version == 5 else [1, len(about), rows]
    constants['others'] = np.zeros((1, 1, rows - 1, len(about)), np.float32)
    constants['form'] = np.array([1, rows, len(about)], np.int64)
    nodes += [make('Concat', about, ['box'], axis=3),
              make('Concat', ['box', 'others'], ['boxes'], axis=2),
              make('Reshape', ['boxes', 'form'], ['out' if version == 5 else 'table'])]
    if version != 5:
        nodes.append(make('Transpose', ['table'], ['out'], perm=[0, 2, 1]))
    metadata = {} if names is None else {'names': repr(names)}
    return model(nodes, [1, 3, height, width], shape, constants, metadata)


def _red_box(size, input_format):
    """Return nodes that find a pure red rectangle, and their constants; all are 1x1x1x1."""
    make = pytest.importorskip('onnx').helper.make_node
    width, height = size

    def redness(blue, green, red):
        """Return what the network calls so of a pixel: red minus green minus blue."""
        blue, green, red = ((value - input_format.mean) * input_format.scale
                            for value in (blue, green, red))
        return red - green - blue

    def edge(number, value):
        """Return nodes that give 1 where the redness is above a value, and 0 below it."""
        constants[f'edge {number}'] = np.array([value], np.float32)
        return [make('Sub', ['redness', f'edge {number}'], [f'above {number}']),
                make('Mul', [f'above {number}', 'steep'], [f'steep {number}']),
                make('Clip', [f'steep {number}', 'none', 'all'], [f'is above {number}'])]

    full, grey = redness(0, 0, 255), redness(90, 90, 90)
    step = redness(0, 0, 255) - redness(0, 0, 245)
    signs = [-1.0, -1.0, 1.0] if input_format.order == 'bgr' else [1.0, -1.0, -1.0]
    columns = np.arange(width, dtype=np.float32).reshape(1, 1, 1, width)
    rows = np.arange(height, dtype=np.float32).reshape(1, 1, height, 1)
    constants = {
        'signs': np.array(signs, np.float32).reshape(1, 3, 1, 1),
        'steep': np.array([100.0 / abs(full - grey)], np.float32),
        'none': np.array(0.0, np.float32), 'all': np.array(1.0, np.float32),
        'one': np.ones((1, 1, 1, 1), np.float32),
        # How far it is from the low border to the end of a pixel, and from its start to the high.
        'to right': (columns + 1) / width, 'to left': 1 - columns / width,
        'to bottom': (rows + 1) / height, 'to top': 1 - rows / height}
    nodes = [make('Conv', ['in', 'signs'], ['redness']),
             # Half-way to the background, and not much more than full red is allowed.
             *edge(1, (full + grey) / 2), *edge(2, full + step),
             make('Sub', ['is above 1', 'is above 2'], ['mask'])]
    for side in ('left', 'top', 'right', 'bottom'):
        nodes += [make('Mul', ['mask', f'to {side}'], [f'far {side}']),
                  make('GlobalMaxPool', [f'far {side}'], [f'most {side}'])]
    for side in ('left', 'top'):
        nodes.append(make('Sub', ['one', f'most {side}'], [side]))
    nodes.append(make('GlobalMaxPool', ['mask'], ['score']))
    return nodes, constants


def scores(shape, output):
    """
    Return a network that is no detector: its output is the beginning of its input.

    :param shape: dimensions of its input.
    :param output: dimensions of its output, of no more values.
    """
    make = pytest.importorskip('onnx').helper.make_node
    nodes = [make('Reshape', ['in', 'all'], ['flat']),
             make('Slice', ['flat', 'start', 'stop', 'axis'], ['part']),
             make('Reshape', ['part', 'form'], ['out'])]
    return model(nodes, shape, output, {
        'all': np.array([1, -1], np.int64), 'start': np.array([0], np.int64),
        'stop': np.array([np.prod(output)], np.int64), 'axis': np.array([1], np.int64),
        'form': np.array(output, np.int64)})
