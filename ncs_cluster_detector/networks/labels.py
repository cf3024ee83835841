# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The labels of a network's classes."""

from collections.abc import Sequence
import re

from ncs_cluster_detector.regular_file import read_file

LARGEST_BYTES = 2**20   # of a label file; that of ImageNet with its 1000 classes has 30 kB
# The 20 classes of Pascal VOC and the background, in the order of MobileNet-SSD's output.
PASCAL_VOC = (
    'background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair',
    'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
    'train', 'tvmonitor')
BACKGROUND = 'background'   # class 0 of an SSD network, and before the others of any
FACE = (BACKGROUND, 'face')
# Names of class 0 in the label files of Caffe, TensorFlow and others; '' is no name at all.
_BACKGROUND = re.compile(r'[\W_]*(?:background|bg|none|unlabell?ed|n/a|\?*)[\W_]*(?:class)?')
# These in line 1 are not a background: labels of Pascal VOC, among them the first ones of COCO.
_OBJECTS = frozenset((*PASCAL_VOC[1:], *FACE[1:], 'airplane', 'vehicle', 'pedestrian'))


def default_labels(graph_name: str) -> tuple[str, ...]:
    """
    Return the labels of a graph for which the user named no label file.

    :param graph_name: path or built-in name of the graph; one with ``face`` in its file name is
        a face graph (``faces``, ``graph.fullfacedetection``), all others have the VOC classes.
    :return: tuple of label texts, index is the class.
    """
    return FACE if 'face' in graph_name.rsplit('/', 1)[-1].lower() else PASCAL_VOC


def read_label_file(path: str, has_background: bool = True) -> tuple[str, ...]:
    """
    Read a label file: one label a line, line 1 is class 0; empty lines at the end do not count.

    :param has_background: whether class 0 is the background, which is never shown: then line 1
        may be empty, and there must be another one.
    :raises OSError: the file cannot be read.
    :raises ValueError: it is no file or no text, is longer than any, has an empty line in its
        middle, or holds too few labels.
    """
    content = read_file(path, LARGEST_BYTES)
    try:
        text = content.decode('utf-8-sig')   # some editors begin a file with a mark
    except UnicodeDecodeError:
        raise ValueError(f'{path} is not a text in UTF-8; name a text file with one label a '
                         'line') from None
    lines = text.replace('\r\n', '\n').replace('\r', '\n').rstrip().split('\n')
    labels = tuple(line.strip() for line in lines)
    objects_from = int(has_background)
    if len(labels) <= objects_from:
        raise ValueError(f'{len(labels)} label in {path}; expected one label a line, at least two '
                         '(line 1 is the background); put background in line 1')
    if '' in labels[objects_from:]:
        line = labels.index('', objects_from) + 1
        raise ValueError(f'line {line} of {path} is empty; expected a label in every line, since '
                         'their numbers are those of the classes; remove or fill it')
    return labels


def is_background(label: str) -> bool:
    """Return whether a label stands for the background, or for no object."""
    return _BACKGROUND.fullmatch(label.lower()) is not None


def check_background(labels: Sequence[str]) -> bool:
    """
    Check that a label file begins with the background, which SSD networks have as class 0.

    Without it every label stands for the class before its own.

    :return: False if it is not certain whether line 1 is the background.
    :raises ValueError: it certainly is not; the text says why, and what to do.
    """
    first, number = labels[0].lower(), len(labels)
    if is_background(first):
        return True
    for line, label in enumerate(labels[1:], 2):
        if is_background(label) and label:
            raise ValueError(f"{number} labels with '{label}' in line {line}; expected it in line "
                             '1, as class 0; move it there')
    if first in _OBJECTS:
        raise ValueError(f"{number} labels without the background, line 1 is '{labels[0]}'; "
                         f'expected {number + 1}, or each would be shifted by one; put background '
                         'in line 1')
    return False
