# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Turns the detector's parameter values into settings, and checks rules between several."""

from collections.abc import Callable
from collections.abc import Sequence

from ncs_cluster_detector.detector_node.camera_settings import check_camera_settings
from ncs_cluster_detector.detector_node.camera_settings import check_labels
from ncs_cluster_detector.detector_node.camera_settings import class_thresholds_of
from ncs_cluster_detector.detector_node.camera_settings import PER_CAMERA
from ncs_cluster_detector.detector_node.camera_settings import regions_of
from ncs_cluster_detector.detector_node.graph_files import check_different
from ncs_cluster_detector.detector_node.graph_files import read_graph_and_labels
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.drivers.registry import WITHOUT_HARDWARE
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.parameters.camera_names import camera_names
from ncs_cluster_detector.parameters.camera_names import check_camera_names
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.graph_files import GraphFiles
from ncs_cluster_detector.wire.messages import WorkerConfig


def settings_of(values: Values) -> Settings:
    """Return the Settings in the values of the parameters."""
    chosen = {name: values[name] for name in Settings.__dataclass_fields__}
    chosen |= {name: tuple(values[name]) for name in PER_CAMERA}
    return Settings(**chosen | {
        'class_filter': tuple(filter(None, values['class_filter'])),
        'class_thresholds': class_thresholds_of(values), 'camera_regions': regions_of(values)})


def input_format_of(values: Values) -> InputFormat:
    """Return the InputFormat in the values of the parameters."""
    return InputFormat(*(values[f'input_{name}'] for name in InputFormat.__dataclass_fields__))


def validate_combination(values: Values, labels: Sequence[str]) -> None:
    """
    Check the rules that concern more than one value.

    :param values: all parameters as they would be after the change.
    :param labels: all labels that the graphs can give.
    :raises ValueError: one line ``name=value: rule (related current values); what to do``.
    """
    _check_names(values)
    input_format = input_format_of(values)
    if not input_format.fits_half_precision():
        low, high = input_format.extremes()
        raise ValueError(
            f'input_scale={input_format.scale:g}: the pixel values 0 to 255 become {low:g} to '
            f'{high:g}, more than the 65504 of half precision (input_mean='
            f'{input_format.mean:g}); use what the network was trained with')
    size = values['cluster_size']
    for name in ('max_sticks', *DRIVERS[values['driver']].stick_limits):
        most = values[name]
        if 0 < most < size:
            raise ValueError(f'cluster_size={size}: more than there can ever be ({name}={most}); '
                             f'use 0..{most} (0 = all, no rotation)')
    check_labels('class_filter', values, list(filter(None, values['class_filter'])), labels)
    check_camera_settings(values, labels)


def _check_names(values):
    """Check names of cameras and of files, but not the files; raise ValueError, as above."""
    check_camera_names(values['cameras'])
    names, label_files = _graphs(values), _label_files(values)
    check_different(names)
    if names and label_files and len(label_files) != len(names):
        raise ValueError(
            f'label_files={label_files}: must be one per graph (graph_paths={names}); name '
            f'{len(names)} files, or none for the default labels')


def _graphs(values):
    default = DRIVERS[values['driver']].default_graph
    return [name for name in values['graph_paths'] if name] or ([default] if default else [])


def _label_files(values):
    return [path for path in values['label_files'] if path]


def options_of(values: Values,
               warn: Callable[[str], object] = lambda text: None) -> SupervisorOptions:
    """
    Return the SupervisorOptions in the values of the parameters; read the graph files.

    :param warn: called with one line about each likely mistake in them.
    :raises StartupError: a graph or label file is missing or invalid.
    """
    try:
        _check_names(values)
    except ValueError as error:
        raise StartupError(str(error)) from None
    driver_class = DRIVERS[values['driver']]
    names, label_files = _graphs(values), _label_files(values)
    if not names:
        raise StartupError(
            f"graph_paths={values['graph_paths']}: with driver {values['driver']} a graph must be "
            "named; start with -p graph_paths:=\"['/path/to/graph']\", or try -p "
            f'driver:={WITHOUT_HARDWARE}')
    driver = driver_class.from_parameters(values)
    graphs, labels = zip(*(read_graph_and_labels(name, path, driver, warn)
                           for name, path in zip(names, label_files or [None] * len(names))))
    return SupervisorOptions(
        workers=WorkerConfig(driver, GraphFiles(graphs), labels, input_format_of(values)),
        max_sticks=values['max_sticks'],
        inflight_per_stick=values['inflight_per_stick'],
        inference_timeout_sec=values['inference_timeout_ms'] / 1000,
        startup_timeout_sec=values['startup_timeout_ms'] / 1000,
        cameras=len(camera_names(values['cameras'])))
