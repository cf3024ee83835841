# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters of the detector node: the table, and what is made of it."""

from ncs_cluster_detector.closest_name import closest
from ncs_cluster_detector.detector_node.graph_files import check_different
from ncs_cluster_detector.detector_node.graph_files import read_graph_and_labels
from ncs_cluster_detector.drivers.registry import DEFAULT
from ncs_cluster_detector.drivers.registry import driver_descriptions
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.drivers.registry import graph_descriptions
from ncs_cluster_detector.drivers.registry import WITHOUT_HARDWARE
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.input_format import ORDERS
from ncs_cluster_detector.policy.settings import LIMITS
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.ros.diagnostic_status import USE_FQN
from ncs_cluster_detector.ros.parameters import ParameterSpec
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import WorkerConfig

_DEFAULTS = Settings()
_BUS = BusSpec()
_INPUT = InputFormat()

PARAMETERS = (
    ParameterSpec(
        'driver', DEFAULT, f'What drives the sticks: {driver_descriptions()}. Restart to change.',
        choices=tuple(DRIVERS)),
    ParameterSpec(
        'graph_paths', [''], 'Graph files; all of them run on every stick, for every frame. '
        f'{graph_descriptions()} Restart to change.'),
    ParameterSpec(
        'label_files', [''], 'Label files, one per graph, one label a line, line 1 = class 0. '
        'Empty = the 21 Pascal VOC labels, or background and face for a graph with face in its '
        'name. Restart to change.'),
    ParameterSpec(
        'input_mean', _INPUT.mean, 'What the networks were trained with: each pixel value of 0 to '
        '255 becomes (value - input_mean) * input_scale. For all graphs. Restart to change.'),
    ParameterSpec(
        'input_scale', _INPUT.scale, 'See input_mean. Restart to change.', above=0.0),
    ParameterSpec(
        'input_order', _INPUT.order, 'Order of the colours of a pixel that the networks were '
        'trained with. For all graphs. Restart to change.', choices=ORDERS),
    ParameterSpec(
        'max_sticks', 0, 'Use at most this many sticks; 0 = all that are found. Restart to '
        'change.', 0, 64),
    ParameterSpec(
        'inflight_per_stick', 2, 'Frames that a stick may hold; 2 transfers the next one while it '
        'computes. Restart to change.', 1, 2),
    ParameterSpec(
        'inference_timeout_ms', 2000, 'A stick without a result for this many ms counts as hung '
        'and its worker is started again. Restart to change.', 50, 60000),
    ParameterSpec(
        'startup_timeout_ms', 20000, 'A stick that is not ready this many ms after its worker '
        'began to open it counts as failed (earlier when others started much faster). Restart to '
        'change.', 500, 120000),
    ParameterSpec(
        'cluster_size', _DEFAULTS.cluster_size, 'Sticks active at a time, the others rest; 0 = '
        'all, no rotation. At most max_sticks and simulated.sticks. Live.',
        *LIMITS['cluster_size'], live=True),
    ParameterSpec(
        'cluster_switch_cycle_ms', _DEFAULTS.cluster_switch_cycle_ms, 'Time in ms in which the '
        'whole cluster changes once: a shorter one rotates earlier, 0 = by temperature only. '
        'Changes are never closer together than min_dwell_ms. Live.',
        *LIMITS['cluster_switch_cycle_ms'], live=True),
    ParameterSpec(
        'switch_temperature', _DEFAULTS.switch_temperature, 'An active stick at or above this '
        'temperature in degrees Celsius is relieved: a lower one relieves earlier. Live.',
        *LIMITS['switch_temperature'], live=True),
    ParameterSpec(
        'resume_margin', _DEFAULTS.resume_margin, 'A relieved stick returns only when it is this '
        'many degrees Celsius below switch_temperature. Live.',
        *LIMITS['resume_margin'], live=True),
    ParameterSpec(
        'critical_margin', _DEFAULTS.critical_margin, 'A stick this many degrees Celsius above '
        'switch_temperature rests even if the cluster shrinks. Live.',
        *LIMITS['critical_margin'], live=True),
    ParameterSpec(
        'min_dwell_ms', _DEFAULTS.min_dwell_ms, 'Least time in ms between two changes of the '
        'active sticks; a lost or critical stick is replaced at once all the same. Live.',
        *LIMITS['min_dwell_ms'], live=True),
    ParameterSpec(
        'rotation_policy', _DEFAULTS.rotation_policy, 'coolest: the hottest active stick changes '
        'with the coolest rested one, one at a time; round_robin: the whole cluster changes, in '
        'the order of the stick numbers. Live.', choices=POLICIES, live=True),
    ParameterSpec(
        'score_threshold', _DEFAULTS.score_threshold, 'Least score of a published detection, 0 to '
        '1 (a fraction, not percent). Live.', *LIMITS['score_threshold'], live=True),
    ParameterSpec(
        'class_filter', [], 'Labels to publish; empty = all. Live.', live=True),
    ParameterSpec(
        'max_frame_age_ms', _DEFAULTS.max_frame_age_ms, 'A frame that has waited longer than this '
        'many ms since it reached the node is not sent to a stick; 0 = no limit. Live.',
        *LIMITS['max_frame_age_ms'], live=True),
    ParameterSpec(
        'use_depth', False, 'Whether positions are told (detections_3d, markers, '
        'foreground_image, distances on annotated_image), from the depth image with the same '
        'stamp as the image and from camera_info. Connect the raw image (image_raw) with its '
        'camera_info and with depth aligned to it; a rectified image needs a camera_info without '
        'distortion, which nothing checks. Restart to change.'),
    ParameterSpec(
        'depth_timeout_ms', _DEFAULTS.depth_timeout_ms, 'How many ms after it reached the node an '
        'image waits for its depth; its positions and its annotated picture come so much later '
        'when none comes. Live.', *LIMITS['depth_timeout_ms'], live=True),
    USE_FQN,
    ParameterSpec(
        'simulated.sticks', _BUS.sticks, 'Number of simulated sticks. Restart to change.', 0, 64),
    ParameterSpec(
        'simulated.inference_ms', _BUS.inference_ms, 'Time in ms that a simulated stick computes '
        'for one frame. Restart to change.', 0.0, 60000.0),
    ParameterSpec(
        'simulated.transfer_ms', _BUS.transfer_ms, 'Time in ms to bring one frame to a simulated '
        'stick. Restart to change.', 0.0, 60000.0),
    ParameterSpec(
        'simulated.boot_ms', _BUS.boot_ms, 'Time in ms that a simulated stick takes to open. '
        'Restart to change.', 0.0, 60000.0),
    ParameterSpec(
        'simulated.usb_mb_per_sec', _BUS.usb_mb_per_sec, 'What the USB bus that all simulated '
        'sticks share carries, in millions of bytes a second (an inference takes 0.54 MB at '
        '300x300); 0 = unlimited. Restart to change.', 0.0, 10000.0),
    ParameterSpec(
        'simulated.ambient_celsius', _BUS.ambient_celsius, 'Temperature in degrees Celsius of an '
        'idle simulated stick. Restart to change.', -40.0, 100.0),
    ParameterSpec(
        'simulated.rise_celsius', _BUS.rise_celsius, 'Degrees Celsius that a simulated stick at '
        'full load ends above an idle one. Restart to change.', 0.0, 200.0),
    ParameterSpec(
        'simulated.time_constant_sec', _BUS.time_constant_sec, 'Time in seconds in which a '
        'simulated stick gets 63 % of the way to its final temperature. Restart to change.',
        0.1, 36000.0),
)


def settings_of(values):
    """Return the Settings in a dictionary of parameter values."""
    chosen = {name: values[name] for name in Settings.__dataclass_fields__}
    chosen['class_filter'] = tuple(filter(None, values['class_filter']))
    return Settings(**chosen)


def input_format_of(values):
    """Return the InputFormat in a dictionary of parameter values."""
    return InputFormat(*(values[f'input_{name}'] for name in InputFormat.__dataclass_fields__))


def validate_combination(values, labels):
    """
    Check the rules that concern more than one value.

    :param values: dictionary of all parameter values as they would be.
    :param labels: all labels that the graphs can give.
    :raises ValueError: one line ``name=value: rule (related current values); what to do``.
    """
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
    for label in filter(None, values['class_filter']):
        if label not in labels:
            close = closest(label, labels)
            hint = f"did you mean '{close}'?" if close else 'use labels of the graphs'
            raise ValueError(f"class_filter={values['class_filter']}: unknown label '{label}' "
                             f'(known: {", ".join(labels)}); {hint}')


def options_of(values, warn=None):
    """
    Return the SupervisorOptions in a dictionary of parameter values, graph files read.

    :param warn: is called with one line for what is perhaps wrong in them; None to leave it out.
    :raises StartupError: a graph or label file is missing or unfit.
    """
    driver_class = DRIVERS[values['driver']]
    names = [name for name in values['graph_paths'] if name]
    if not names and driver_class.default_graph:
        names = [driver_class.default_graph]
    if not names:
        raise StartupError(
            f"graph_paths={values['graph_paths']}: with driver {values['driver']} a graph must be "
            "named; start with -p graph_paths:=\"['/path/to/graph']\", or try -p "
            f'driver:={WITHOUT_HARDWARE}')
    check_different(names)
    label_files = [path for path in values['label_files'] if path]
    if label_files and len(label_files) != len(names):
        raise StartupError(
            f'label_files={label_files}: must be one per graph (graph_paths={names}); name '
            f'{len(names)} files, or none for the default labels')
    driver = driver_class.from_parameters(values)
    return SupervisorOptions(
        workers=WorkerConfig(
            driver=driver, input_format=input_format_of(values), graphs=tuple(
                read_graph_and_labels(name, path, driver, warn or (lambda text: None))
                for name, path in zip(names, label_files or [None] * len(names)))),
        max_sticks=values['max_sticks'],
        inflight_per_stick=values['inflight_per_stick'],
        inference_timeout_sec=values['inference_timeout_ms'] / 1000,
        startup_timeout_sec=values['startup_timeout_ms'] / 1000)
