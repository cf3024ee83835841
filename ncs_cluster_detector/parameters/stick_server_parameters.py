# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters of the stick server: its own, and those of the detector that concern sticks."""

from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS as DETECTOR
from ncs_cluster_detector.parameters.parameter_spec import by_name
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec

OF_DETECTOR = (
    'driver', 'openvino.devices', 'openvino.cpu_threads', 'firmware', 'graph_paths', 'label_files',
    'input_mean', 'input_scale', 'input_order', 'max_sticks', 'inference_timeout_ms',
    'startup_timeout_ms',
    *(spec.name for spec in DETECTOR if spec.name.startswith('simulated.')),
    'diagnostic_updater.use_fqn')

PARAMETERS = (
    ParameterSpec(
        'host', '', 'Name of this host for the detector, in which remote_hosts names it and '
        'which stands before the name of each stick (pi2/1.2-ma2450). Empty = the last part of '
        "the node's namespace, else the node's name if it is not stick_server, else the name of "
        'the machine.'),
    *map(by_name(DETECTOR).__getitem__, OF_DETECTOR),
)
