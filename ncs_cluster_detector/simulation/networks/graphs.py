# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Read the graph files of simulated sticks, and load the networks in them."""

import os
import re

from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.preprocessing import image_of_network_input
from ncs_cluster_detector.regular_file import LARGEST_GRAPH
from ncs_cluster_detector.regular_file import read_file
from ncs_cluster_detector.simulation.networks.caffe_network import caffe_network
from ncs_cluster_detector.simulation.networks.faces import FaceDetector
from ncs_cluster_detector.simulation.networks.formats import caffe_files
from ncs_cluster_detector.simulation.networks.host_network import HostNetwork
from ncs_cluster_detector.simulation.networks.onnx_network import onnx_network
from ncs_cluster_detector.simulation.networks.people import PeopleDetector
from ncs_cluster_detector.simulation.networks.shapes import detect_shapes
from ncs_cluster_detector.simulation.networks.trial import try_apart
import numpy as np
import numpy.typing as npt

# The built-in graphs: each value makes a function that takes a picture (uint8, height x width x 3,
# blue-green-red) and returns a list of :data:`ssd.Box`.
HOST_DETECTORS = {
    'people': PeopleDetector,
    'faces': FaceDetector,
    'shapes': lambda: detect_shapes,
}
# How many labels fit each of them. The highest class of people and shapes is 15 of the 21 Pascal
# VOC classes; faces has class 1 of the two of a face network.
LABEL_COUNTS = {
    'people': range(16, 1000),
    'faces': range(2, 3),
    'shapes': range(16, 1000),
}

_KEY = 'detector:'
_INPUT_KEY = 'input:'
_INPUT_FORM = re.compile(r'(\d+)x(\d+)(?: +(bgr|rgb))?')
_INPUT_SIDES = range(16, 2049)
_DEFAULT_INPUT = (300, 300), 'bgr'   # of MobileNet-SSD, which the built-in graphs stand for
_ONNX_BEGIN = b'\x08'   # the key of an ONNX file's first field, the version of the format
_KINDS = f'an ONNX network, a Caffe network of two files or a text with a line "{_KEY} NAME"'


def read_graph(name_or_path: str) -> bytes:
    """
    Return the bytes of a detector's graph by the name of a built-in one, or the path of a file.

    A graph file is an ONNX network or a text. A text has a line ``detector: NAME`` with the name
    of a built-in graph, may have a line ``input: WIDTHxHEIGHT ORDER`` (default 300x300 bgr), and
    comment lines that start with ``#``. A Caffe network is named by either of its files; both are
    packed into one (see :mod:`caffe_files`). ``~`` is expanded.

    :raises FileNotFoundError: neither a built-in name nor a file, or the detector's own files are
        not installed.
    :raises ValueError: the file cannot be read or run, the other file of a Caffe network is
        missing, or the network is not an SSD.
    """
    try:
        data = _read(name_or_path)
        if caffe_files.is_packed(data) or data.startswith(_ONNX_BEGIN):
            try_apart(data)
        load_network(data).check_detector()
    except FileNotFoundError as error:
        raise FileNotFoundError(f'cannot load graph {name_or_path}: {error}') from error
    except ValueError as error:
        raise ValueError(f'cannot load graph {name_or_path}: {error}') from error
    return data


def load_network(graph_bytes: bytes) -> 'HostNetwork | DetectorNetwork':
    """
    Return the network in the bytes of a graph file, which need not be a detector.

    :return: object with ``input_shape`` and ``output_shape`` (height, width, channels) and
        ``run(tensor)``, which takes a float array of the input's size and returns a flat
        float32 array of the output's.
    :raises FileNotFoundError: the detector's own files are not installed.
    :raises ValueError: the bytes are of none of the kinds of :func:`read_graph`.
    """
    if not graph_bytes:
        raise ValueError(f'it is empty; expected {_KINDS}')
    if is_compiled(graph_bytes):
        raise ValueError("it is neither text nor ONNX, so perhaps compiled for the stick's chip, "
                         f'which a host has not; expected {_KINDS}')
    if caffe_files.is_packed(graph_bytes):
        return caffe_network(graph_bytes)
    text = _text_in(graph_bytes)
    if text is None:
        return onnx_network(graph_bytes)
    return DetectorNetwork(_detector_name(text), *_detector_input(text))


def label_counts(graph_bytes: bytes) -> range | None:
    """Return the label counts that fit a graph of :func:`read_graph`, or None when unknown."""
    text = _text_in(graph_bytes)
    return None if text is None else LABEL_COUNTS[_detector_name(text)]


def is_compiled(graph_bytes: bytes) -> bool:
    """Return whether a graph file is of no kind that a host can run, so perhaps for a chip."""
    return not (graph_bytes.startswith(_ONNX_BEGIN) or caffe_files.is_packed(graph_bytes)
                or _text_in(graph_bytes) is not None)


class DetectorNetwork:
    """A detector on the host, with the input and output of an SSD network."""

    output_shape = (ssd.MOST_BOXES + 1, ssd.VALUES_PER_BOX, 1)

    def __init__(self, name: str, size: tuple[int, int], order: str) -> None:
        """
        Load the detector with this built-in name.

        :param size: (width, height) of the input in pixels.
        :param order: of the colours in the input, ``bgr`` or ``rgb``.
        """
        self.input_shape = size[1], size[0], 3
        self._size = size
        self._order = order
        self._detect = HOST_DETECTORS[name]()

    def check_detector(self) -> None:
        """Do nothing: this is a detector."""

    def run(self, tensor: npt.ArrayLike) -> npt.NDArray[np.float32]:
        """Return the output vector for an input tensor of the default mean and scale."""
        return ssd.encode(self._detect(
            image_of_network_input(tensor, self._size, self._order)))


def _text_in(graph_bytes):
    """Return the text in the bytes, or None when they are not a text."""
    try:
        text = graph_bytes.decode('utf-8')
    except UnicodeDecodeError:
        return None
    return None if '\0' in text else text


def _read(name_or_path):
    if name_or_path in HOST_DETECTORS:
        return (f'# Graph of a simulated Neural Compute Stick: runs a detector on the host.\n'
                f'{_KEY} {name_or_path}\n').encode()
    path = os.path.expanduser(name_or_path)
    try:
        if caffe_files.stem_of(path) is not None:
            return caffe_files.read_packed(path)
        return read_file(path, LARGEST_GRAPH)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'no such file, and not one of the built-in graphs {", ".join(HOST_DETECTORS)}; name '
            'one of these or an existing file') from error
    except OSError as error:
        raise ValueError(f'{error.strerror}; expected a readable file or one of the built-in '
                         f'graphs {", ".join(HOST_DETECTORS)}') from error


def _values(text, key):
    """Return the value in each line that begins with a key."""
    lines = [line.strip() for line in text.splitlines()]
    return [line[len(key):].strip() for line in lines if line.startswith(key)]


def _detector_input(text):
    """Return size and order of the input of a built-in graph."""
    inputs = _values(text, _INPUT_KEY)
    if not inputs:
        return _DEFAULT_INPUT
    form = _INPUT_FORM.fullmatch(inputs[0])
    sides = tuple(map(int, form.groups()[:2])) if form else ()
    if len(inputs) > 1 or not form or not all(side in _INPUT_SIDES for side in sides):
        raise ValueError(f'it has the line "{_INPUT_KEY} {inputs[-1]}"; expected one such as '
                         f'"{_INPUT_KEY} 512x384 rgb": width and height of {_INPUT_SIDES[0]} to '
                         f'{_INPUT_SIDES[-1]} pixels, and bgr or rgb')
    return sides, form[3] or _DEFAULT_INPUT[1]


def _detector_name(text):
    names = _values(text, _KEY)
    if len(names) != 1:
        raise ValueError(f'it is a text with {len(names)} lines "{_KEY} NAME"; expected one, with '
                         f'one of the names {", ".join(HOST_DETECTORS)}')
    if names[0] not in HOST_DETECTORS:
        raise ValueError(f'it names the detector {names[0]!r}; expected one of '
                         f'{", ".join(HOST_DETECTORS)}')
    return names[0]
