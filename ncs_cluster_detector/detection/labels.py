# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""The labels of a network's classes."""

# The 20 classes of Pascal VOC and the background, in the order of MobileNet-SSD's output.
PASCAL_VOC = (
    'background', 'aeroplane', 'bicycle', 'bird', 'boat', 'bottle', 'bus', 'car', 'cat', 'chair',
    'cow', 'diningtable', 'dog', 'horse', 'motorbike', 'person', 'pottedplant', 'sheep', 'sofa',
    'train', 'tvmonitor')
FACE = ('background', 'face')


def default_labels(graph_name):
    """
    Return the labels of a graph for which the user named no label file.

    :param graph_name: path or built-in name of the graph; one with ``face`` in its file name is
        a face graph (``faces``, ``graph.fullfacedetection``), all others have the VOC classes.
    :return: tuple of label texts, index is the class.
    """
    return FACE if 'face' in graph_name.rsplit('/', 1)[-1].lower() else PASCAL_VOC


def read_label_file(path):
    """
    Read a label file: one label a line, line 1 is class 0; empty lines at the end do not count.

    :raises OSError: the file cannot be read.
    :raises ValueError: the file is no text, or holds fewer than two labels (class 0 is the
        background).
    """
    with open(path, encoding='utf-8') as file:
        try:
            labels = tuple(line.strip() for line in file.read().rstrip().split('\n'))
        except UnicodeDecodeError:
            raise ValueError(f'{path} is not a text in UTF-8; name a text file with one label a '
                             'line') from None
    if len(labels) < 2:
        raise ValueError(f'{len(labels)} label in {path}; expected one label a line, at least two '
                         '(line 1 is the background)')
    return labels
