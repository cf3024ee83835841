# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the detector's parameters become: graphs with the labels that fit them."""

import caffe_networks
from ncs_cluster_detector.detector_node import parameters
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.wire.graph_files import GraphFiles
import pytest


def options(**changed):
    """Return the SupervisorOptions of the defaults and some changes, on simulated sticks."""
    values = {spec.name: spec.default for spec in PARAMETERS}
    values.update(driver='simulated', **changed)
    return parameters.options_of(values)


def write_labels(path, count):
    path.write_text(''.join(f'label {number}\n' for number in range(count)))
    return str(path)


@pytest.mark.parametrize('name, labels', [
    ('people', PASCAL_VOC), ('shapes', PASCAL_VOC), ('faces', FACE)])
def test_a_graph_has_its_default_labels_whatever_its_file_is_called(tmp_path, name, labels):
    assert options(graph_paths=[name]).workers.labels == (labels,)
    graph = tmp_path / 'graph'
    graph.write_text(f'detector: {name}\n')
    assert options(graph_paths=[str(graph)]).workers.labels == (labels,)


@pytest.mark.parametrize('graph, count, fits', [
    ('shapes', 15, False), ('shapes', 16, True), ('people', 21, True), ('people', 2, False),
    ('faces', 2, True), ('faces', 3, False), ('faces', 21, False)])
def test_the_number_of_labels_has_to_fit_a_graph_that_is_known(tmp_path, graph, count, fits):
    path = write_labels(tmp_path / 'labels.txt', count)
    if fits:
        labels, = options(graph_paths=[graph], label_files=[path]).workers.labels
        assert len(labels) == count
    else:
        with pytest.raises(StartupError) as error:
            options(graph_paths=[graph], label_files=[path])
        assert str(error.value).startswith(f"label_files=['{path}']: {count} labels do not fit")


def test_one_of_several_graphs_may_have_its_default_labels(tmp_path):
    """It has an empty name among the label files; empty names beyond the graphs do not count."""
    faces = write_labels(tmp_path / 'faces', 2)
    both = options(graph_paths=['people', 'faces'], label_files=['', faces]).workers.labels
    assert both == (PASCAL_VOC, ('label 0', 'label 1'))
    assert options(graph_paths=['faces'], label_files=[faces, '']).workers.labels == both[1:]
    assert options(graph_paths=['people', 'faces'], label_files=['', '']).workers.labels == (
        PASCAL_VOC, FACE)
    with pytest.raises(StartupError, match='must be one per graph'):
        options(graph_paths=['people', 'faces'], label_files=[faces])


def test_swapped_label_files_are_refused(tmp_path):
    objects, faces = (write_labels(tmp_path / name, count)
                      for name, count in (('objects', 21), ('faces', 2)))
    options(graph_paths=['people', 'faces'], label_files=[objects, faces])
    with pytest.raises(StartupError):
        options(graph_paths=['people', 'faces'], label_files=[faces, objects])


@pytest.mark.parametrize('graph', ['people', 'shapes', 'compiled'])
def test_labels_without_a_background_are_refused_whatever_runs_them(tmp_path, graph):
    labels = tmp_path / 'labels.txt'
    labels.write_text('\n'.join(PASCAL_VOC[1:]))
    values = {spec.name: spec.default for spec in PARAMETERS}
    if graph == 'compiled':
        graph = tmp_path / 'graph'
        graph.write_bytes(b'graph')
    else:
        values['driver'] = 'simulated'
    with pytest.raises(StartupError) as error:
        parameters.options_of(
            {**values, 'graph_paths': [str(graph)], 'label_files': [str(labels)]})
    assert str(error.value).startswith(f"label_files=['{labels}']: 20 labels without the ")
    assert 'expected 21' in str(error.value)


def test_labels_that_may_lack_a_background_are_told_of(tmp_path):
    labels, graph = tmp_path / 'labels.txt', tmp_path / 'graph'
    graph.write_bytes(b'graph')
    values = {spec.name: spec.default for spec in PARAMETERS}
    told = []
    for first in ('mug', 'background'):
        labels.write_text(f'{first}\ncup\n')
        parameters.options_of(
            {**values, 'graph_paths': [str(graph)], 'label_files': [str(labels)]}, told.append)
    (line,) = told
    assert line.startswith(f"label_files=['{labels}']: 2 labels, and line 1 is 'mug', which is ")
    assert line.endswith('there should be 3, put background in line 1')
    # The number is known to fit.
    parameters.options_of(
        {**values, 'driver': 'simulated', 'graph_paths': ['faces'],
         'label_files': [write_labels(labels, 2)]}, told.append)
    assert len(told) == 1


def test_an_exception_of_a_driver_is_a_start_up_error_with_one_line(monkeypatch):
    def fail(driver, name):
        raise KeyError('layers')

    monkeypatch.setattr(SimulatedDriver, 'read_graph', fail)
    with pytest.raises(StartupError) as error:
        options(graph_paths=['mine.graph'])
    assert str(error.value).startswith(
        "graph_paths=['mine.graph']: reading it for simulated sticks failed: KeyError: 'layers'; ")
    assert isinstance(error.value.__cause__, KeyError)


def test_an_empty_graph_file_for_real_sticks_is_refused(tmp_path):
    graph = tmp_path / 'graph'
    graph.touch()
    values = {spec.name: spec.default for spec in PARAMETERS}
    with pytest.raises(StartupError, match='the file is empty'):
        parameters.options_of({**values, 'graph_paths': [str(graph)]})


@pytest.mark.parametrize('name, expected', [
    ('red.caffemodel', 'a Caffe network, .* make one with mvNCCompile {}/red.prototxt '
     '-w {}/red.caffemodel -s 12 -o graph'),
    ('red.prototxt.txt', 'a Caffe network, .* make one with mvNCCompile {}/red.prototxt '),
    ('red.onnx', 'an ONNX network, .* make one with mvNCCompile from the Caffe or TensorFlow')])
def test_real_sticks_are_given_compiled_graphs_only(tmp_path, name, expected):
    path = tmp_path / name
    path.write_bytes(b'content')
    values = {spec.name: spec.default for spec in PARAMETERS}
    with pytest.raises(StartupError, match=expected.format(tmp_path, tmp_path)) as error:
        parameters.options_of({**values, 'graph_paths': [str(path)]})
    assert str(error.value).startswith(f"graph_paths=['{path}']: ")
    assert 'only simulated sticks take; expected a graph that is compiled' in str(error.value)
    assert '\n' not in str(error.value)


def test_both_files_of_a_caffe_network_are_not_two_networks(tmp_path):
    path = str(caffe_networks.write(tmp_path, (100, 60)))
    definition = str(tmp_path / 'red.prototxt')
    with pytest.raises(StartupError, match='are the two files of one Caffe network; name one'):
        options(graph_paths=[path, 'shapes', definition])
    # The same one twice is what was asked for.
    graphs = options(graph_paths=[path, path]).workers.graphs
    assert len(graphs) == 2
    assert graphs[0] == graphs[1]
    assert isinstance(graphs, GraphFiles)   # so that no worker has a copy
