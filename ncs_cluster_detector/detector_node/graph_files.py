# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads the graph files and the label files that the parameters name."""

import os

from ncs_cluster_detector.networks.labels import check_background
from ncs_cluster_detector.networks.labels import default_labels
from ncs_cluster_detector.networks.labels import FACE
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.labels import read_label_file
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.simulation.networks.formats import caffe_files

_COMPILED = "expected a graph that is compiled for the sticks' chip"


def check_different(names):
    """
    Check that no network is named by both of its files.

    :param names: the graphs.
    :raises StartupError: one is.
    """
    first = {}
    for name in names:
        stem = caffe_files.stem_of(name)
        if stem is not None and first.setdefault(stem, name) != name:
            raise StartupError(
                f'graph_paths={names}: {first[stem]} and {name} are the two files of one Caffe '
                'network; name one of them, the other is found beside it')


def read_graph_and_labels(name, label_file, simulated, warn):
    """
    Return the bytes of a graph and its labels.

    :param name: path of the graph's file, or with simulated sticks the name of a built-in one.
    :param label_file: path, or None for the labels that fit best.
    :param simulated: whether the sticks are.
    :param warn: is called with one line for what is perhaps wrong.
    :raises StartupError: a file is missing or unfit, or they do not fit each other.
    """
    graph = _graph(name, simulated)
    fitting = graphs.label_counts(graph) if simulated else None
    if label_file is None:
        labels = default_labels(name) if fitting is None else next(
            labels for labels in (FACE, PASCAL_VOC) if len(labels) in fitting)
    else:
        labels = _labels(label_file)
    if fitting is not None and len(labels) not in fitting:
        expected = f'{fitting[0]} or more' if len(fitting) > 1 else f'{fitting[0]}'
        raise StartupError(
            f"label_files=['{label_file}']: {len(labels)} labels do not fit the graph {name}, "
            f'which needs {expected} (line 1 is the background); put background in line 1 if it '
            'is missing, name the files in the order of graph_paths, or none for the default '
            'labels')
    if label_file is not None and not _begin_with_background(label_file, labels) and (
            fitting is None or len(fitting) > 1):
        warn(f"label_files=['{label_file}']: {len(labels)} labels, and line 1 is '{labels[0]}', "
             'which is never shown: the first class of a network is its background; if that is '
             f'missing there should be {len(labels) + 1}, put background in line 1')
    return graph, labels


def _graph(name, simulated):
    try:
        if simulated:
            return graphs.read_graph(name)
        _check_compiled(name)
        with open(os.path.expanduser(name), 'rb') as file:
            graph = file.read()
    except (OSError, ValueError) as error:
        raise StartupError(f"graph_paths=['{name}']: {_reason(error)}") from None
    if not graph:
        raise StartupError(f"graph_paths=['{name}']: the file is empty; expected what "
                           'mvNCCompile of NCSDK 2 writes')
    return graph


def _check_compiled(name):
    """Refuse what a chip cannot run by its name; the sticks judge the rest."""
    stem = caffe_files.stem_of(name)
    if stem is not None:
        raise ValueError(
            f'a Caffe network, which only simulated sticks take; {_COMPILED}; make one with '
            f'mvNCCompile {stem}{caffe_files.DEFINITION_ENDINGS[0]} '
            f'-w {stem}{caffe_files.WEIGHTS_ENDING} -s 12 -o graph, and name that')
    if name.endswith('.onnx'):
        raise ValueError(
            f'an ONNX network, which only simulated sticks take; {_COMPILED}; make one with '
            'mvNCCompile from the Caffe or TensorFlow network that this was exported from')


def _labels(path):
    try:
        return read_label_file(os.path.expanduser(path))
    except (OSError, ValueError) as error:
        raise StartupError(f"label_files=['{path}']: {_reason(error)}") from None


def _begin_with_background(path, labels):
    try:
        return check_background(labels)
    except ValueError as error:
        raise StartupError(f"label_files=['{path}']: {error}") from None


def _reason(error):
    """Return the text of an error, of the system's terse ones with a remedy."""
    if isinstance(error, OSError) and error.strerror:
        return f'{error.strerror}; name a file that can be read'
    return str(error)
