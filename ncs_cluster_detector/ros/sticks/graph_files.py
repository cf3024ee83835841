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
from typing import Callable
from typing import Sequence

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.networks.labels import BACKGROUND
from ncs_cluster_detector.networks.labels import check_background
from ncs_cluster_detector.networks.labels import is_background
from ncs_cluster_detector.networks.labels import read_label_file
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import unexpected
from ncs_cluster_detector.simulation.networks.formats.caffe_files import stem_of
from ncs_cluster_detector.sticks.stick import SdkMissingError


def check_different(names: Sequence[str]) -> None:
    """
    Check that ``graph_paths`` names no Caffe network by both of its files.

    :raises ValueError: it does; the text is the whole refusal.
    """
    first = {}
    for name in names:
        stem = stem_of(name)
        if stem is not None and first.setdefault(stem, name) != name:
            raise ValueError(
                f'graph_paths={names}: {first[stem]} and {name} are the two files of one Caffe '
                'network; name one of them, the other is found beside it')


def read_graph_and_labels(name: str, label_file: str | None, driver: Driver,
                          warn: Callable[[str], None], parameter: str = 'graph_paths',
                          ) -> tuple[bytes, tuple[str, ...]]:
    """
    Return the bytes of a graph and its labels.

    :param name: path of the graph's file, or the name of a graph built into the driver.
    :param label_file: path, or None for the labels that fit best.
    :param driver: reads the graph and may know how many labels fit it.
    :param warn: called with one line about each likely mistake.
    :param parameter: the one that names the graph.
    :raises StartupError: a file is missing or invalid, or the labels do not fit the graph.
    """
    try:
        graph = driver.read_graph(name)
    except (OSError, ValueError) as error:
        raise StartupError(f"{parameter}=['{name}']: {_reason(error)}") from None
    except SdkMissingError:
        raise
    except Exception as error:
        attempt = f"{parameter}=['{name}']: reading it for {driver.title}"
        raise unexpected(attempt, error) from error
    fitting = driver.label_counts(graph)
    if label_file is None:
        labels = driver.labels(graph, name)
    elif driver.has_background(graph):
        labels = _read_labels(label_file)
    else:
        return graph, _labels_of_objects(label_file, name, fitting)
    if label_file is None and fitting is not None and len(labels) not in fitting and (
            not driver.has_background(graph)):
        raise StartupError(
            f"{parameter}=['{name}']: its file names {len(labels) - 1} classes and its outputs "
            f'have {fitting[0] - 1}, as those of networks for poses and masks; take a detector, '
            'or name its labels in label_files')
    if fitting is not None and len(labels) not in fitting:
        expected = f'{fitting[0]} or more' if len(fitting) > 1 else f'{fitting[0]}'
        raise StartupError(
            f"label_files=['{label_file or ''}']: {len(labels)} labels do not fit the graph "
            f'{name}, which needs {expected} (line 1 is the background); put background in line 1 '
            'if it is missing, name the files in the order of graph_paths, or none for the '
            'default labels')
    if label_file is not None and not _begin_with_background(label_file, labels) and (
            fitting is None or len(fitting) > 1):
        warn(f"label_files=['{label_file}']: {len(labels)} labels, and line 1 is '{labels[0]}', "
             'which is never shown: the first class of a network is its background; if that is '
             f'missing there should be {len(labels) + 1}, put background in line 1')
    return graph, labels


def _labels_of_objects(path, name, fitting):
    """Return the labels in a file for a network without a background, and one before them."""
    labels = _read_labels(path, has_background=False)
    if fitting is not None and len(labels) in fitting and is_background(labels[0]):
        return labels
    if fitting is not None and len(labels) + 1 not in fitting:
        raise StartupError(
            f"label_files=['{path}']: {len(labels)} labels do not fit the graph {name}, which "
            f'needs {fitting[0] - 1} (line 1 is its class 0, as it has no background); name the '
            'files in the order of graph_paths, or none for the default labels')
    return BACKGROUND, *labels


def _read_labels(path, has_background=True):
    try:
        return read_label_file(os.path.expanduser(path), has_background)
    except (OSError, ValueError) as error:
        raise StartupError(f"label_files=['{path}']: {_reason(error)}") from None


def _begin_with_background(path, labels):
    try:
        return check_background(labels)
    except ValueError as error:
        raise StartupError(f"label_files=['{path}']: {error}") from None


def _reason(error):
    """Return the text of an error; an error of the system gets a remedy."""
    if isinstance(error, OSError) and error.strerror:
        return f'{error.strerror}; name a file that can be read'
    return str(error)
