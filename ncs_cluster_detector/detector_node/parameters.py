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
from dataclasses import replace

from ncs_cluster_detector.detector_node.camera_settings import check_camera_settings
from ncs_cluster_detector.detector_node.camera_settings import check_labels
from ncs_cluster_detector.detector_node.camera_settings import class_thresholds_of
from ncs_cluster_detector.detector_node.camera_settings import PER_CAMERA
from ncs_cluster_detector.detector_node.camera_settings import regions_of
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters.camera_names import camera_names
from ncs_cluster_detector.parameters.camera_names import check_camera_names
from ncs_cluster_detector.parameters.host_names import check_host_names
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.ros.sticks.pool_options import check_graph_names
from ncs_cluster_detector.ros.sticks.pool_options import input_format_of
from ncs_cluster_detector.ros.sticks.pool_options import pool_options_of
from ncs_cluster_detector.ros.sticks.reserve_options import check_reserve
from ncs_cluster_detector.ros.sticks.reserve_options import reserve_options_of
from ncs_cluster_detector.supervision.supervisor_options import RemoteOptions
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.host_messages import networks_of


def settings_of(values: Values) -> Settings:
    """Return the Settings in the values of the parameters."""
    chosen = {name: values[name] for name in Settings.__dataclass_fields__}
    chosen |= {name: tuple(values[name]) for name in PER_CAMERA}
    return Settings(**chosen | {
        'class_filter': tuple(filter(None, values['class_filter'])),
        'class_thresholds': class_thresholds_of(values), 'camera_regions': regions_of(values)})


def validate_combination(values: Values, labels: Sequence[str]) -> None:
    """
    Check the rules that concern more than one value.

    :param values: all parameters as they would be after the change.
    :param labels: all labels that the graphs can give.
    :raises ValueError: one line ``name=value: rule (related current values); what to do``.
    """
    check_camera_names(values['cameras'])
    check_graph_names(values)
    check_reserve(values)
    input_format = input_format_of(values)
    if not input_format.fits_half_precision():
        low, high = input_format.extremes()
        raise ValueError(
            f'input_scale={input_format.scale:g}: the pixel values 0 to 255 become {low:g} to '
            f'{high:g}, more than the 65504 of half precision (input_mean='
            f'{input_format.mean:g}); use what the network was trained with')
    size = values['cluster_size']
    limits = [('max_sticks', values['max_sticks']),
              DRIVERS[values['driver']].most_sticks(values) or ('', 0)]
    for name, most in () if remote_hosts(values) else limits:   # other hosts have more
        if 0 < most < size:
            raise ValueError(f'cluster_size={size}: more than there can ever be ({name}='
                             f'{values[name]}); use 0..{most} (0 = all, no rotation)')
    check_labels('class_filter', values, list(filter(None, values['class_filter'])), labels)
    check_camera_settings(values, labels)


def options_of(values: Values, warn: Callable[[str], object] = lambda text: None,
               node_name: str = '/detector') -> SupervisorOptions:
    """
    Return the SupervisorOptions in the values of the parameters; read the graph files.

    :param warn: called with one line about each likely mistake in them.
    :param node_name: the full name of this node.
    :raises StartupError: a graph or label file is missing or invalid, or there can be no stick.
    """
    try:
        check_camera_names(values['cameras'])
        check_host_names(values['remote_hosts'])
    except ValueError as error:
        raise StartupError(str(error)) from None
    hosts = remote_hosts(values)
    if not hosts and not values['local_sticks']:
        raise StartupError(
            'local_sticks=False: there is no stick without other hosts (remote_hosts='
            f"{values['remote_hosts']}); name some, such as -p remote_hosts:=\"['*']\"")
    options = pool_options_of(values, warn)
    return replace(
        options, inflight_per_stick=values['inflight_per_stick'],
        reserve=reserve_options_of(values, warn), cameras=len(camera_names(values['cameras'])),
        local_sticks=values['local_sticks'],
        remote=RemoteOptions(
            hosts, node_name, networks_of(options.workers),
            values['remote_jpeg_quality'] if values['remote_encoding'] == 'jpeg' else 0,
        ) if hosts else None)


def remote_hosts(values: Values) -> tuple[str, ...]:
    """Return the names of other hosts whose sticks are to be used."""
    return tuple(filter(None, values['remote_hosts']))
