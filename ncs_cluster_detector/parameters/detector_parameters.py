# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters of the detector node, each with its default, limits and meaning."""

from typing import Callable

from ncs_cluster_detector.drivers.registry import DEFAULT
from ncs_cluster_detector.drivers.registry import driver_descriptions
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.drivers.registry import graph_descriptions
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.input_format import ORDERS
from ncs_cluster_detector.parameters.parameter_spec import ParameterSpec
from ncs_cluster_detector.parameters.parameter_spec import USE_FQN
from ncs_cluster_detector.parameters.setting_effects import effect_of_cluster_size
from ncs_cluster_detector.parameters.setting_effects import effect_of_cycle
from ncs_cluster_detector.parameters.setting_effects import effect_of_max_fps
from ncs_cluster_detector.parameters.setting_effects import effect_of_policy
from ncs_cluster_detector.parameters.setting_effects import effect_of_regions
from ncs_cluster_detector.parameters.setting_effects import effect_of_weights
from ncs_cluster_detector.parameters.setting_effects import too_few_of
from ncs_cluster_detector.policy.settings import LIMITS
from ncs_cluster_detector.policy.settings import MOST_STICKS
from ncs_cluster_detector.policy.settings import POLICIES
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.bus_spec import LONGEST_MS
from ncs_cluster_detector.simulation.bus.bus_spec import MOST_MB_PER_SEC

# Defaults and limits that other code has too are read from there: policies and simulation do not
# import the parameters.
_SETTINGS = Settings()
_BUS = BusSpec()
_INPUT = InputFormat()


def _setting(name: str, description: str, effect: Callable[[Settings, int], str],
             choices: tuple[str, ...] = (), items: type = str) -> ParameterSpec:
    """Return the live parameter for a field of Settings, with its default and limits."""
    default = getattr(_SETTINGS, name, None)
    is_number = isinstance(default, (int, float)) and not isinstance(default, bool)
    if default is None or (is_number and name not in LIMITS):
        raise LookupError(f'parameter {name}: expected a field of Settings, a number with its '
                          'limits; add it in policy/settings.py')
    low, high = LIMITS.get(name, (None, None))
    return ParameterSpec(
        name, list(default) if isinstance(default, tuple) else default, description, low, high,
        choices, live=True, effect=effect, items=items)


PARAMETERS = (
    _setting(
        'enabled', 'Whether to infer. False = no image is taken and all sticks rest, still '
        'measured; true again = the next image is inferred at once.',
        lambda settings, _: 'images are inferred' if settings.enabled else
        'no image is taken, all sticks rest'),
    ParameterSpec(
        'cameras', [''], 'Names of the cameras that share the sticks: with front and rear the '
        'node takes front/image_raw and rear/image_raw, and publishes front/detections, '
        'rear/detections and so on. Empty = one camera without a name.'),
    _setting(
        'camera_weights', 'Shares of the cameras while they send more than can be inferred, one '
        'number per camera: with 2.0 and 1.0 the first one gets two thirds. 0.0 = only what the '
        'others leave. Empty = 1.0 each.', effect_of_weights, items=float),
    _setting(
        'camera_max_fps', 'Images to infer a second at most, one number per camera; 0.0 = no '
        'limit. Empty = no limits.', effect_of_max_fps, items=float),
    _setting(
        'camera_regions', 'Part of the picture that the networks see, one text per camera: '
        "'x,y,w,h' are its left and upper edge, width and height as fractions of the picture, "
        "such as '0.25,0.5,0.5,0.5'. Boxes are those in the whole picture. Empty = all of it.",
        effect_of_regions),
    ParameterSpec(
        'image_transport', 'raw', 'How images come: raw = image_raw; compressed = '
        'image_raw/compressed, JPEG or PNG, decoded only when a stick takes the image.',
        choices=('raw', 'compressed')),
    ParameterSpec(
        'driver', DEFAULT, f'What drives the sticks: {driver_descriptions()}.',
        choices=tuple(DRIVERS)),
    ParameterSpec(
        'openvino.devices', ['CPU'], 'With driver openvino: the devices that join the cluster. '
        'MYRIAD = every Neural Compute Stick 2 that is found (OpenVINO 2022.3), CPU, GPU, GPU.1, '
        'NPU = one member each; one that is named twice is two.'),
    ParameterSpec(
        'openvino.cpu_threads', 0, 'With driver openvino: how many threads the processor may use '
        'for inference, in all members; 0 = half of the cores, so that the work of others goes '
        'on.', 0, 1024),
    ParameterSpec(
        'firmware', '', "With driver xlink: path of the sticks' firmware, the file "
        'MvNCAPI-ma2450.mvcmd of NCSDK 2, or of the folder that it is in; empty = where NCSDK 2 '
        'puts it, /usr/local/lib/mvnc.'),
    ParameterSpec(
        'graph_paths', [''], 'Graph files; all of them run on every stick, for every frame. '
        + graph_descriptions()),
    ParameterSpec(
        'label_files', [''], 'Label files, one per graph, one label a line, line 1 = class 0. '
        'Empty = the 21 Pascal VOC labels, or background and face for a graph with face in its '
        'name; with driver openvino those in the file of the network, or those of COCO.'),
    ParameterSpec(
        'input_mean', _INPUT.mean, 'What the networks were trained with: each pixel value of 0 to '
        '255 becomes (value - input_mean) * input_scale. For all graphs. '
        'While input_mean, input_scale and input_order all have their defaults, a network that '
        'OpenVINO reads gets what those of its kind usually want.'),
    ParameterSpec(
        'input_scale', _INPUT.scale, 'See input_mean.', above=0.0),
    ParameterSpec(
        'input_order', _INPUT.order, 'Order of the colours of a pixel that the networks were '
        'trained with. For all graphs.', choices=ORDERS),
    ParameterSpec(
        'max_sticks', 0, 'Use at most this many sticks; 0 = all that are found.', 0,
        MOST_STICKS),
    ParameterSpec(
        'inflight_per_stick', 2, 'Frames that a stick may hold; 2 transfers the next one while it '
        'computes.', 1, 2),
    ParameterSpec(
        'inference_timeout_ms', 2000, 'A stick without a result for this many ms counts as hung '
        'and its worker is started again.', 50, 60000),
    ParameterSpec(
        'startup_timeout_ms', 20000, 'A stick that is not ready this many ms after its worker '
        'began to open it counts as failed (earlier when others started much faster).',
        500, 120000),
    ParameterSpec(
        'remote_hosts', [''], 'Other hosts whose sticks join this cluster: the names of their '
        "stick servers (stick_server, parameter host). ['*'] = every stick server in the "
        "detector's namespace and below. Empty = only the sticks of this host."),
    ParameterSpec(
        'local_sticks', True, 'Whether to use the sticks of this host too; false = only those of '
        'remote_hosts.'),
    ParameterSpec(
        'remote_encoding', 'jpeg', 'How images travel to the sticks of other hosts, already in '
        'the size of the networks: jpeg = small, for any link, at some cost in scores '
        '(remote_jpeg_quality); raw = unchanged, 270 KB at 300x300, for wired gigabit links.',
        choices=('jpeg', 'raw')),
    ParameterSpec(
        'remote_jpeg_quality', 95, 'Quality of the JPEG images for the sticks of other hosts: '
        'less makes them smaller, and scores differ more from those of raw ones.', 1, 100),
    ParameterSpec(
        'reserve', '', 'What of this host detects while sticks are gone, as <driver>:<device>, '
        'such as openvino:CPU. It works beside what is left of the sticks until they are back, '
        'and takes no part in the rotation. Empty = nothing.'),
    ParameterSpec(
        'reserve_graph_paths', [''], 'Graph files for the reserve, in the form that its driver '
        'takes, with the labels that graph_paths without label_files would get. Empty = the one '
        'that its driver runs if none is named.'),
    ParameterSpec(
        'reserve_warm', False, 'Whether the reserve loads its networks when the node starts, so '
        'that it detects within a second of the loss of sticks, and takes memory all the time. '
        'False = when it is first needed, which takes up to some seconds; then they stay loaded.'),
    _setting(
        'reserve_below', 'The reserve works while fewer sticks than this are usable: running, and '
        'neither too hot to work nor late. When the node starts, the sticks get their time first.',
        lambda settings, _: 'the reserve, if there is one, works while '
        f'{too_few_of(settings)} usable'),
    _setting(
        'cluster_size', 'Sticks active at a time, the others rest; 0 = all, no rotation. At most '
        'max_sticks and simulated.sticks.', effect_of_cluster_size),
    _setting(
        'cluster_switch_cycle_ms', 'Time in ms in which the whole cluster changes once: a shorter '
        'one rotates earlier, 0 = by temperature only. Changes are never closer together than '
        'min_dwell_ms.', effect_of_cycle),
    _setting(
        'switch_temperature', 'An active stick at or above this temperature in degrees Celsius '
        'is relieved: a lower one relieves earlier.',
        lambda settings, _: f'a relieved stick returns below {settings.resume_temperature:.1f} C, '
        f'rests in any case from {settings.critical_temperature:.1f} C'),
    _setting(
        'resume_margin', 'A relieved stick returns only when it is this many degrees Celsius '
        'below switch_temperature.',
        lambda settings, _: f'a relieved stick returns below {settings.resume_temperature:.1f} C'),
    _setting(
        'critical_margin', 'A stick this many degrees Celsius above switch_temperature rests even '
        'if the cluster shrinks.',
        lambda settings, _: 'a stick rests in any case from '
        f'{settings.critical_temperature:.1f} C'),
    _setting(
        'min_dwell_ms', 'Least time in ms between two changes of the active sticks; a lost or '
        'critical stick is replaced at once all the same.',
        lambda settings, _: f'changes at least {settings.min_dwell_ms / 1000:g} s apart'),
    _setting(
        'rotation_policy', 'How the active sticks change: coolest = the coolest rested stick '
        'takes the place of the hottest active one, one at a time; round_robin = the whole '
        'cluster changes, in the order of the stick numbers.', effect_of_policy, POLICIES),
    _setting(
        'score_threshold', 'Least score of a published detection, 0 to 1 (a fraction, not '
        'percent).',
        lambda settings, _: f'detections from {settings.score_threshold:.0%} on are published'),
    _setting(
        'class_thresholds', 'Labels with a least score of their own, which stands in for '
        "score_threshold: 'car:0.7'. Empty = score_threshold for all.",
        lambda settings, _: ', '.join(f'{label} from {score:.0%} on' for label, score in
                                      settings.class_thresholds) or
        f'all labels from {settings.score_threshold:.0%} on'),
    _setting(
        'class_filter', 'Labels to publish; empty = all.',
        lambda settings, _: 'only these labels are published' if settings.class_filter else
        'all labels are published'),
    _setting(
        'max_frame_age_ms', 'A frame that has waited longer than this many ms since it reached '
        'the node is not sent to a stick; 0 = no limit. With several cameras that keep all sticks '
        'busy, less than about 100 ms can cost those that send seldom some images.',
        lambda settings, _: 'older frames are not sent to a stick' if settings.max_frame_age_ms
        else 'no limit'),
    ParameterSpec(
        'use_depth', False, 'Whether to publish positions (detections_3d, markers, '
        'foreground_image, distances on annotated_image), from the depth image with the same '
        'stamp as the image and from camera_info. Connect the raw image (image_raw) with its '
        'camera_info and with depth aligned to it; a rectified image needs a camera_info without '
        'distortion, which nothing checks.'),
    _setting(
        'depth_timeout_ms', 'How many ms an image waits for its depth, from its arrival at the '
        'node. When none comes, its positions and its annotated picture are that much later.',
        lambda settings, _: f'an image waits up to {settings.depth_timeout_ms / 1000:g} s for its '
        'depth' if settings.depth_timeout_ms else
        'an image uses only depth that came before its detections'),
    USE_FQN,
    ParameterSpec(
        'simulated.sticks', _BUS.sticks, 'Number of simulated sticks.', 0, MOST_STICKS),
    ParameterSpec(
        'simulated.inference_ms', _BUS.inference_ms, 'Time in ms that a simulated stick computes '
        'for one frame.', 0.0, LONGEST_MS),
    ParameterSpec(
        'simulated.transfer_ms', _BUS.transfer_ms, 'Time in ms to bring one frame to a simulated '
        'stick.', 0.0, LONGEST_MS),
    ParameterSpec(
        'simulated.boot_ms', _BUS.boot_ms, 'Time in ms that a simulated stick takes to open.',
        0.0, LONGEST_MS),
    ParameterSpec(
        'simulated.usb_mb_per_sec', _BUS.usb_mb_per_sec, 'Capacity of the USB bus that all '
        'simulated sticks share, in millions of bytes a second (an inference takes 0.54 MB at '
        '300x300); 0 = unlimited.', 0.0, MOST_MB_PER_SEC),
    ParameterSpec(
        'simulated.ambient_celsius', _BUS.ambient_celsius, 'Temperature in degrees Celsius of an '
        'idle simulated stick.', -40.0, 100.0),
    ParameterSpec(
        'simulated.rise_celsius', _BUS.rise_celsius, 'Degrees Celsius that a simulated stick at '
        'full load ends above an idle one.', 0.0, 200.0),
    ParameterSpec(
        'simulated.time_constant_sec', _BUS.time_constant_sec, 'Time in seconds in which a '
        'simulated stick gets 63 % of the way to its final temperature.',
        0.1, 36000.0),
)
