# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Read and check the graph files of simulated sticks.

No OpenCV is loaded here: it would stay in the detector node, which runs no network.
"""

from contextlib import suppress
import importlib.util
import os
import re

from ncs_cluster_detector.regular_file import LARGEST_GRAPH
from ncs_cluster_detector.regular_file import read_file
from ncs_cluster_detector.shown_text import brief
from ncs_cluster_detector.simulation.networks.cascade import find_cascade
from ncs_cluster_detector.simulation.networks.cascade import find_cascade_or_warn
from ncs_cluster_detector.simulation.networks.formats import caffe_files
from ncs_cluster_detector.simulation.networks.trial import try_apart
from ncs_cluster_detector.sticks.openvino import network_file
from ncs_cluster_detector.sticks.openvino.inspection import ENDINGS
from ncs_cluster_detector.sticks.openvino.inspection import read_network
from ncs_cluster_detector.sticks.stick import SdkMissingError

# How many labels fit each of the built-in graphs. The highest class of people and shapes is 15 of
# the 21 Pascal VOC classes; faces has class 1 of the two of a face network.
LABEL_COUNTS = {
    'people': range(16, 1000),
    'faces': range(2, 3),
    'shapes': range(16, 1000),
}
# These look for the files that the detectors need.
_FILE_CHECKS = {'people': find_cascade_or_warn, 'faces': find_cascade, 'shapes': lambda: None}

_KEY = 'detector:'
_INPUT_KEY = 'input:'
_INPUT_FORM = re.compile(r'(\d{1,4})x(\d{1,4})(?: +(bgr|rgb))?')
_INPUT_SIDES = range(16, 2049)
_DEFAULT_INPUT = (300, 300), 'bgr'   # of MobileNet-SSD, which the built-in graphs stand for
_ONNX_ENDING = '.onnx'
_ONNX_BEGIN = b'\x08'   # the key of an ONNX file's first field, the version of the format
_KINDS = f'an ONNX network, a Caffe network of two files or a text with a line "{_KEY} NAME"'


def read_graph(name_or_path: str) -> bytes:
    """
    Return the bytes of a detector's graph by the name of a built-in one, or the path of a file.

    A graph file is a network that OpenVINO reads, by the ending of its name, or any ONNX network,
    or a text. A text has a line ``detector: NAME`` with the name
    of a built-in graph, may have a line ``input: WIDTHxHEIGHT ORDER`` (default 300x300 bgr), and
    comment lines that start with ``#``. A Caffe network is named by either of its files; both are
    packed into one (see :mod:`caffe_files`), and so is what OpenVINO has read (see
    :mod:`network_file`). ``~`` is expanded.

    :raises FileNotFoundError: neither a built-in name nor a file, or the detector's own files are
        not installed.
    :raises ValueError: the file cannot be read or run, the other file of a Caffe network is
        missing, or the network is no detector.
    """
    try:
        return _read_detector(name_or_path)
    except FileNotFoundError as error:
        raise FileNotFoundError(f'cannot load graph {name_or_path}: {error}') from error
    except (ValueError, SdkMissingError) as error:
        raise ValueError(f'cannot load graph {name_or_path}: {error}') from error


def _read_detector(name_or_path):
    """Return a graph that OpenVINO runs or, ONNX only, OpenCV in its place; or a built-in one."""
    is_onnx = name_or_path.endswith(_ONNX_ENDING)
    if name_or_path.endswith(ENDINGS) and (has_openvino() or not is_onnx):
        try:
            return read_network(name_or_path)
        except ValueError:
            if not is_onnx:
                raise
            with suppress(ValueError):
                return _read_for_opencv(name_or_path)   # as ever: an output that is one row
            raise
    return _read_for_opencv(name_or_path)


def has_openvino() -> bool:
    """Tell whether OpenVINO is installed."""
    return importlib.util.find_spec('openvino') is not None


def _read_for_opencv(name_or_path):
    data = _read(name_or_path)
    detector = built_in_detector(data)
    if detector is None:
        try_apart(data)
    else:
        _FILE_CHECKS[detector[0]]()
    return data


def built_in_detector(graph_bytes: bytes) -> tuple[str, tuple[int, int], str] | None:
    """
    Return the built-in detector that a graph file names, or None for a file that OpenCV reads.

    :return: the detector's name, and of its input (width, height) in pixels and the order of the
        colours, ``bgr`` or ``rgb``.
    :raises ValueError: the bytes are of none of the kinds of :func:`read_graph`.
    """
    if not graph_bytes:
        raise ValueError(f'it is empty; expected {_KINDS}')
    if is_compiled(graph_bytes):
        raise ValueError("it is neither text nor ONNX, so perhaps compiled for the stick's chip, "
                         f'which a host has not; expected {_KINDS}')
    is_packed = caffe_files.is_packed(graph_bytes) or network_file.is_packed(graph_bytes)
    text = None if is_packed else _text_in(graph_bytes)
    return None if text is None else (_detector_name(text), *_detector_input(text))


def label_counts(graph_bytes: bytes) -> range | None:
    """Return the label counts that fit a graph of :func:`read_graph`, or None when unknown."""
    detector = built_in_detector(graph_bytes)
    return None if detector is None else LABEL_COUNTS[detector[0]]


def is_compiled(graph_bytes: bytes) -> bool:
    """Return whether a graph file is of no kind that a host can run, so perhaps for a chip."""
    return not (graph_bytes.startswith(_ONNX_BEGIN) or caffe_files.is_packed(graph_bytes)
                or network_file.is_packed(graph_bytes)
                or _text_in(graph_bytes) is not None)


def _text_in(graph_bytes):
    """Return the text in the bytes, or None when they are not a text."""
    try:
        text = graph_bytes.decode('utf-8')
    except UnicodeDecodeError:
        return None
    return None if '\0' in text else text


def _read(name_or_path):
    if name_or_path in LABEL_COUNTS:
        return (f'# Graph of a simulated Neural Compute Stick: runs a detector on the host.\n'
                f'{_KEY} {name_or_path}\n').encode()
    path = os.path.expanduser(name_or_path)
    try:
        if caffe_files.stem_of(path) is not None:
            return caffe_files.read_packed(path)
        return read_file(path, LARGEST_GRAPH)
    except FileNotFoundError as error:
        raise FileNotFoundError(
            f'no such file, and not one of the built-in graphs {", ".join(LABEL_COUNTS)}; name '
            'one of these or an existing file') from error
    except OSError as error:
        raise ValueError(f'{error.strerror}; expected a readable file or one of the built-in '
                         f'graphs {", ".join(LABEL_COUNTS)}') from error


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
        raise ValueError(
            f'it has the line "{_INPUT_KEY} {brief(inputs[-1])}"; expected one such as "'
            f'{_INPUT_KEY} 512x384 rgb": width and height of {_INPUT_SIDES[0]} to '
            f'{_INPUT_SIDES[-1]} pixels, and bgr or rgb')
    return sides, form[3] or _DEFAULT_INPUT[1]


def _detector_name(text):
    names = _values(text, _KEY)
    if len(names) != 1:
        raise ValueError(f'it is a text with {len(names)} lines "{_KEY} NAME"; expected one, with '
                         f'one of the names {", ".join(LABEL_COUNTS)}')
    if names[0] not in LABEL_COUNTS:
        raise ValueError(f'it names the detector {brief(names[0])!r}; expected one of '
                         f'{", ".join(LABEL_COUNTS)}')
    return names[0]
