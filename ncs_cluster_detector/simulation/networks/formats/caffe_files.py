# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Pack the two files of a Caffe network into one graph file for simulated sticks.

A graph file is a line ``caffe N``, N bytes of the definition (prototxt), and the weights
(caffemodel).
"""

import os
import re

from ncs_cluster_detector.regular_file import LARGEST_GRAPH
from ncs_cluster_detector.regular_file import read_file

WEIGHTS_ENDING = '.caffemodel'
DEFINITION_ENDINGS = '.prototxt', '.prototxt.txt'
_HEADER = re.compile(rb'caffe (\d{1,12})\n')


def stem_of(path: str) -> str | None:
    """Return the path of a Caffe file without its ending, or None for another ending."""
    for ending in (WEIGHTS_ENDING, *DEFINITION_ENDINGS):
        if path.endswith(ending):
            return path[:-len(ending)]
    return None


def read_packed(path: str) -> bytes:
    """
    Return both files as one graph file.

    :param path: of one of them; the other is beside it, with another ending.
    :raises OSError: one of them cannot be read.
    :raises ValueError: the other one is missing.
    """
    given = read_file(path, LARGEST_GRAPH)
    is_weights = path.endswith(WEIGHTS_ENDING)
    other = read_file(_other(path, DEFINITION_ENDINGS if is_weights else [WEIGHTS_ENDING]),
                      LARGEST_GRAPH)
    definition, weights = (other, given) if is_weights else (given, other)
    return b'caffe %d\n' % len(definition) + definition + weights


def is_packed(data: bytes) -> bool:
    """Return whether bytes are such a graph file."""
    return _HEADER.match(data) is not None


def unpack(data: bytes) -> tuple[memoryview, memoryview]:
    """
    Return (definition, weights) as views of a graph file's bytes.

    :raises ValueError: the bytes end in the definition.
    """
    header = _HEADER.match(data)
    end = header.end() + int(header[1])
    if end > len(data):
        raise ValueError(f'its first line announces {int(header[1])} bytes of prototxt, and '
                         f'{len(data) - header.end()} follow; expected a line "caffe N", N bytes '
                         'of prototxt, and the caffemodel')
    view = memoryview(data)
    return view[header.end():end], view[end:]


def _other(path, endings):
    """Return the path of a network's other file, which has one of the endings."""
    candidates = [stem_of(path) + ending for ending in endings]
    for candidate in candidates:
        if os.path.exists(candidate):
            return candidate
    raise ValueError(f'a Caffe network is two files, and there is no {" or ".join(candidates)}; '
                     f'expected it beside {os.path.basename(path)}, so put it there')
