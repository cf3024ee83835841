# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Turns parameter values into options of a pool of sticks, here or at a stick server."""

from collections.abc import Callable

from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.drivers.registry import WITHOUT_HARDWARE
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.ros.sticks.graph_files import check_different
from ncs_cluster_detector.ros.sticks.graph_files import read_graph_and_labels
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.graph_files import GraphFiles
from ncs_cluster_detector.wire.messages import WorkerConfig


def input_format_of(values: Values) -> InputFormat:
    """Return the InputFormat in the values of the parameters."""
    return InputFormat(*(values[f'input_{name}'] for name in InputFormat.__dataclass_fields__))


def check_graph_names(values: Values) -> None:
    """
    Check the names of graph and label files, but not the files.

    :raises ValueError: one line ``name=value: rule (related current values); what to do``.
    """
    names = _graphs(values)
    label_files = _label_files(values, names)
    check_different(names)
    if names and label_files and len(label_files) != len(names):
        raise ValueError(
            f'label_files={label_files}: must be one per graph (graph_paths={names}); name '
            f'{len(names)} files, or none for the default labels')


def _graphs(values):
    default = DRIVERS[values['driver']].default_graph
    return [name for name in values['graph_paths'] if name] or ([default] if default else [])


def _label_files(values, names):
    """Return the label file of each graph, '' for the labels that fit best; [] is none at all."""
    given = values['label_files']
    kept = given if len(given) == len(names) else [path for path in given if path]
    return kept if any(kept) else []


def pool_options_of(values: Values,
                    warn: Callable[[str], object] = lambda text: None) -> SupervisorOptions:
    """
    Return the SupervisorOptions of a pool of sticks; read the graph files.

    :param warn: called with one line about each likely mistake in them.
    :raises StartupError: a graph or label file is missing or invalid.
    """
    try:
        check_graph_names(values)
    except ValueError as error:
        raise StartupError(str(error)) from None
    driver_class = DRIVERS[values['driver']]
    names = _graphs(values)
    if not names:
        raise StartupError(
            f"graph_paths={values['graph_paths']}: with driver {values['driver']} a graph must be "
            "named; start with -p graph_paths:=\"['/path/to/graph']\", or try -p "
            f'driver:={WITHOUT_HARDWARE}')
    try:
        driver = driver_class.from_parameters(values)
    except ValueError as error:
        raise StartupError(str(error)) from None
    label_files = _label_files(values, names) or [''] * len(names)
    graphs, labels = zip(*(read_graph_and_labels(name, path or None, driver, warn)
                           for name, path in zip(names, label_files)))
    return SupervisorOptions(
        workers=WorkerConfig(driver, GraphFiles(graphs), labels, input_format_of(values)),
        max_sticks=values['max_sticks'],
        inference_timeout_sec=values['inference_timeout_ms'] / 1000,
        startup_timeout_sec=values['startup_timeout_ms'] / 1000)
