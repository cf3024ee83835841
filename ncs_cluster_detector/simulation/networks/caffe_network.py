# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Caffe networks, which OpenCV runs on the host in place of a stick.

What OpenCV does not report is read here: a network's input, and whether its files match. The
names and numbers of the fields are those of caffe.proto.
"""

from collections.abc import Mapping
import re
from typing import Any

import cv2
from ncs_cluster_detector.networks.formats import protobuf
from ncs_cluster_detector.shown_text import brief
from ncs_cluster_detector.simulation.networks.formats import caffe_files
from ncs_cluster_detector.simulation.networks.formats import protobuf_text
from ncs_cluster_detector.simulation.networks.host_network import HostNetwork
from ncs_cluster_detector.simulation.networks.host_network import picture_size
import numpy as np

# Fields of the messages NetParameter, and of LayerParameter and its older form.
_LAYERS_OF_NET = 100
_OLD_LAYERS_OF_NET = 2
_NAME_OF_LAYER, _BLOBS_OF_LAYER = 1, 7
_NAME_OF_OLD_LAYER, _BLOBS_OF_OLD_LAYER = 4, 6
_DIMENSIONS = 4
_DIMENSION = re.compile(r'0*[1-9]\d{0,8}', re.ASCII)
_ARRAYS_OF_BATCH_NORM = 3   # mean, variance, and the factor of both
# The field with ``bias_term`` of the kinds of layers that may have a bias.
_BIAS_FORMS = {'Convolution': 'convolution_param', 'InnerProduct': 'inner_product_param'}
_FALSE = ['false'], ['False'], ['f'], ['0']


def caffe_network(data: bytes) -> HostNetwork:
    """
    Load the network of a prototxt and a caffemodel, and compute once.

    :param data: bytes of both files, as :mod:`caffe_files` packs them.
    :raises ValueError: this OpenCV cannot read Caffe networks, or the network does not have
        one input of 1 x 3 x height x width and one output, or its files do not match.
    """
    if not hasattr(cv2.dnn, 'readNetFromCaffe'):
        raise ValueError(f'OpenCV {cv2.__version__} cannot read Caffe networks; expected '
                         'OpenCV 4; install that, or export the network to ONNX')
    prototxt, caffemodel = caffe_files.unpack(data)
    definition = parse_definition(prototxt)
    size = picture_size(
        input_shapes(definition),
        'take the prototxt for deployment, with a fixed input of 1x3xHEIGHTxWIDTH')
    check_weights(definition, caffemodel)
    return HostNetwork(
        size,
        lambda: cv2.dnn.readNetFromCaffe(
            *(np.frombuffer(part, dtype=np.uint8) for part in (prototxt, caffemodel))),
        'the prototxt and the caffemodel of one Caffe network of layers that OpenCV knows',
        'end its prototxt with one DetectionOutput layer')


def parse_definition(prototxt: bytes | memoryview) -> dict[str, list[Any]]:
    """Return a definition as :func:`protobuf_text.parse` does; comments have any encoding."""
    try:
        return protobuf_text.parse(bytes(prototxt).decode('utf-8', errors='replace'))
    except ValueError as error:
        raise ValueError(f'its prototxt is no definition of a Caffe network: {error}; expected '
                         'the text that Caffe itself reads') from error


def input_shapes(definition: Mapping[str, list[Any]]) -> dict[str, tuple[int | str, ...]]:
    """Return the dimensions of a network's inputs by name; an unknown one is '?'."""
    names = _texts(definition, 'input')
    shapes = [_dimensions(shape) for shape in _messages(definition, 'input_shape')]
    sides = tuple(map(_dimension, definition.get('input_dim', [])))
    shapes += [sides[at:at + _DIMENSIONS] for at in range(0, len(sides), _DIMENSIONS)]
    for layer in _messages(definition, 'layer'):
        if _texts(layer, 'type') == ['Input']:
            names += _texts(layer, 'top')
            shapes += [_dimensions(shape) for form in _messages(layer, 'input_param')
                       for shape in _messages(form, 'shape')]
    return dict(zip(names, shapes + [()] * len(names)))


def check_weights(definition: Mapping[str, list[Any]], caffemodel: bytes | memoryview) -> None:
    """
    Check that the weights belong to the same network as the definition.

    OpenCV does not: when a layer's bias is missing, it computes without one.

    :raises ValueError: they belong to another one, or are not weights.
    """
    try:
        found = _arrays(caffemodel)
    except ValueError as error:
        raise ValueError(f'its caffemodel is no file of weights: {error}; expected the whole '
                         'file that Caffe wrote') from error
    for layer in _messages(definition, 'layer'):
        kind, name = ((_texts(layer, key) or [''])[-1] for key in ('type', 'name'))
        expected = _expected_arrays(layer, kind)
        if expected is not None and found.get(name, 0) != expected:
            raise ValueError(
                f'its caffemodel has {found.get(name, 0)} arrays of weights for the '
                f'{brief(kind)} layer {brief(name)}, expected {expected} as in its prototxt: one '
                'of them may have batch normalization merged into the layers before it; take both '
                'files of one network')


def _expected_arrays(layer, kind):
    """Return how many arrays of weights a layer needs, or None for an unknown kind."""
    if kind == 'BatchNorm':
        return _ARRAYS_OF_BATCH_NORM
    if kind not in _BIAS_FORMS:
        return None
    bias_terms = [value for form in _messages(layer, _BIAS_FORMS[kind])
                  for value in _texts(form, 'bias_term')]
    return 1 if bias_terms[-1:] in _FALSE else 2


def _arrays(caffemodel):
    """Return the number of arrays of weights by layer name."""
    layers = protobuf.every(caffemodel, _LAYERS_OF_NET)
    numbers = _NAME_OF_LAYER, _BLOBS_OF_LAYER
    if not layers:
        layers = protobuf.every(caffemodel, _OLD_LAYERS_OF_NET)
        numbers = _NAME_OF_OLD_LAYER, _BLOBS_OF_OLD_LAYER
    if not layers:
        raise ValueError('it has no layers')
    return {protobuf.text(protobuf.only(layer, numbers[0])): len(protobuf.every(layer, numbers[1]))
            for layer in layers}


def _dimensions(shape):
    return tuple(map(_dimension, shape.get('dim', [])))


def _dimension(value):
    """Return a positive number that a dimension may be, or '?' for anything else."""
    return int(value) if _DIMENSION.fullmatch(str(value)) else '?'


def _messages(message, name):
    return [value for value in message.get(name, []) if isinstance(value, dict)]


def _texts(message, name):
    return [value for value in message.get(name, []) if isinstance(value, str)]
