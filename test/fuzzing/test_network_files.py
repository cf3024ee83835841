# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Label files and graph files with any content."""

import os
from pathlib import Path
import signal
import tempfile
import traceback

import caffe_networks
from fuzz_door import ANY_TEXT
from fuzz_door import door
from fuzz_door import little_memory
from fuzz_door import little_time
from fuzz_door import NUMBER_WORDS
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.labels import check_background
from ncs_cluster_detector.networks.labels import read_label_file
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.sticks.graph_files import read_graph_and_labels
from ncs_cluster_detector.simulation.networks import caffe_network
from ncs_cluster_detector.simulation.networks import onnx_network
from ncs_cluster_detector.simulation.networks.formats import protobuf_text
from ncs_cluster_detector.simulation.networks.loading import load_network
import numpy as np
from onnx_networks import model
from onnx_networks import red_finder
from onnx_networks import scores
import pytest

RELU = pytest.importorskip('onnx').helper.make_node('Relu', ['in'], ['out'])
FOLDER = tempfile.TemporaryDirectory()
CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE)
LINES = st.sampled_from(
    [b'background', b'person', b'', b' ', b'\r', b'face', b'unlabeled', b'???', b'\xef\xbb\xbf',
     b'\xff', b'\0', b'aeroplane', 'ü'.encode(), b'x' * 20_000]) | st.binary(max_size=20)
GRAPH_WORDS = st.sampled_from(
    ['detector: people', 'detector: faces', 'detector: shapes', 'detector:', '# text', 'input:',
     'input: 300x300 bgr', 'input: 512x384 rgb', 'input: 16x2048', '\0', 'caffe 7', 'caffe 0'])


def simulated():
    """Return the driver that reads the most kinds of graph files."""
    return DRIVERS['simulated'].__new__(DRIVERS['simulated'])


def written(name, content):
    """Write a file and return its path."""
    path = Path(FOLDER.name, name)
    path.write_bytes(content)
    return str(path)


@door(200, lines=st.lists(LINES, max_size=30))
def test_a_label_file_is_read_or_refused(lines):
    path = written('labels.txt', b'\n'.join(lines))
    labels = taken_or_refused(lambda: read_label_file(path), ValueError)
    if labels is not None:
        assert len(labels) >= 2 and '' not in labels[1:]
        taken_or_refused(lambda: check_background(labels), ValueError)
    taken_or_refused(
        lambda: read_graph_and_labels('shapes', path, simulated(), lambda text: None),
        StartupError)


@door(150, lines=st.lists(GRAPH_WORDS | st.tuples(NUMBER_WORDS, NUMBER_WORDS).map(
    lambda sides: 'input: {}x{} bgr'.format(*sides)) | ANY_TEXT, max_size=6))
def test_the_text_of_a_graph_is_read_or_refused(lines):
    content = '\n'.join(lines).encode(errors='surrogatepass')
    path = written('graph', content)
    taken_or_refused(lambda: load_network(content), ValueError)
    for name, driver in DRIVERS.items():
        graph = taken_or_refused(
            lambda driver=driver: read_graph_and_labels(
                path, None, driver.__new__(driver), lambda text: None), StartupError)
        assert graph is None or graph[0] == content


@door(300, text=st.lists(st.sampled_from(
    ['layer', '{', '}', '<', '>', '[', ']', ':', ',', '"', "'", '#', '\n', ' ', 'dim: 1',
     'input: "data"', 'input_shape', 'input_dim: 3', '\\', 'type: "Input"', 'input_param',
     'top: "data"', 'shape', 'layer { type: "Convolution" name: "a" }']) | ANY_TEXT | NUMBER_WORDS
    .map(lambda word: f'dim: {word}'), max_size=40).map(''.join))
def test_the_definition_of_a_caffe_network_is_read_or_refused(text):
    content = text.encode(errors='surrogatepass')
    taken_or_refused(lambda: protobuf_text.parse(text), ValueError)
    definition = taken_or_refused(lambda: caffe_network.parse_definition(content), ValueError)
    if definition is not None:
        taken_or_refused(lambda: caffe_network.input_shapes(definition), ValueError)
        taken_or_refused(lambda: caffe_network.check_weights(definition, content), ValueError)


GOOD_CAFFE = [b'caffe %d\n' % len(definition) + definition + caffe_networks.caffemodel()
              for definition in [caffe_networks.prototxt((40, 40)).encode()]]


@door(20, data=spoilt(GOOD_CAFFE))
def test_a_caffe_network_runs_or_is_refused(data):
    run(data)


GOOD_ONNX = [red_finder((32, 24), InputFormat()), scores([1, 3, 16, 16], [1, 1, 2, 7]),
             model([], [1, 3, 16, 16], [1, 1, 2, 7], {})]


@door(200, data=spoilt(GOOD_ONNX) | st.binary(max_size=200))
def test_the_inputs_of_an_onnx_network_are_read_or_refused(data):
    taken_or_refused(lambda: onnx_network.input_shapes(data), ValueError)


@door(40, data=spoilt(GOOD_ONNX))
def test_an_onnx_network_runs_or_is_refused(data):
    run(data)


SIDES = st.integers(-2**63, 2**63 - 1) | st.sampled_from(
    [0, 1, 3, 16, 300, 2048, 4096, 65536, 2**31, 2**40])


@door(60, also=[{'sides': [65536] * 4}, {'sides': [2**40] * 4}, {'sides': [2**62] * 4}],
      sides=st.lists(SIDES, min_size=4, max_size=4))
def test_the_size_of_an_input_is_usable_or_refused(sides):
    run(model([RELU], [1, 3, *sides[:2]], [1, 3, *sides[2:]], {}))


def run(data):
    """Let a network compute once, as a stick would, if it is not refused."""
    def run_it():
        network = taken_or_refused(lambda: load_network(data), ValueError)
        if network is not None:
            output = network.run(np.zeros(network.input_shape, np.float32))
            assert output.size == np.prod(network.output_shape)

    # In a process of its own, since OpenCV crashes with some; so does read_graph.
    child = os.fork()
    if not child:
        with little_time():
            try:
                run_it()
            except BaseException:
                traceback.print_exc()
                os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status == 0 or -status in CRASHES, f'exit code {status}, see its traceback above'


@pytest.mark.parametrize('name', ['pipe', '/dev/zero', 'pipe.prototxt', 'pipe.caffemodel',
                                  'pipe.onnx', 'pipe.pb'])
@pytest.mark.parametrize('driver', list(DRIVERS))
def test_what_has_no_end_is_refused_at_once(name, driver, tmp_path):
    path = tmp_path / name
    if tmp_path in path.parents:
        os.mkfifo(path)
    made = DRIVERS[driver].__new__(DRIVERS[driver])
    for graph, labels in ((str(path), None), ('shapes', str(path))):
        with little_memory(), pytest.raises(StartupError, match='pipe or a dev|which only simul'
                                                                '|No such file|another ending'):
            read_graph_and_labels(graph, labels, made, lambda text: None)


def test_a_file_that_crashes_opencv_is_refused_in_one_line():
    # The number of weights of a layer that OpenCV does not know stays what it is.
    crashing = GOOD_CAFFE[0].replace(b'"Convolution"', b'"Convolutio\xb1"', 1)
    path = written('network', crashing)
    with pytest.raises(StartupError, match='OpenCV .* crashes with it .SIG.*damaged'):
        read_graph_and_labels(path, None, simulated(), lambda text: None)


def test_the_good_files_are_good():
    assert load_network(GOOD_CAFFE[0]).run(np.zeros((40, 40, 3))).size
    assert load_network(GOOD_ONNX[0]).run(np.zeros((24, 32, 3))).size
