# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Read graph files that are compiled for the sticks' chip."""

import os

from ncs_cluster_detector.regular_file import LARGEST_GRAPH
from ncs_cluster_detector.regular_file import read_file
from ncs_cluster_detector.simulation.networks.formats import caffe_files

_COMPILED = "expected a graph that is compiled for the sticks' chip"


def read_compiled_graph(name: str) -> bytes:
    """
    Return the content of a file; the sticks check most of it.

    :raises OSError: it cannot be read.
    :raises ValueError: no chip can run it, by its name or because it is empty.
    """
    _check_compiled(name)
    graph = read_file(os.path.expanduser(name), LARGEST_GRAPH)
    if not graph:
        raise ValueError('the file is empty; expected what mvNCCompile of NCSDK 2 writes')
    return graph


def _check_compiled(name: str) -> None:
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
