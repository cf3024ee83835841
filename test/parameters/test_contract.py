# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The parameters that people rely on: each is there as promised; further ones may come."""

from ncs_cluster_detector.parameters.camera_parameters import PARAMETERS as CAMERA
from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS as DETECTOR
from ncs_cluster_detector.parameters.parameter_spec import by_name
import pytest

# Name: default, whether live, and the limits of a number or some of the values of a text.
PROMISED = {
    'camera': {
        'source': ('usb', False, ('usb', 'realsense', 'video', 'images', 'test_pattern')),
        'device': ('/dev/video0', False),
        'width': (640, False, (16, 4096)),
        'height': (480, False, (16, 4096)),
        'fps': (30.0, False, (0.1, 240.0)),
        'loop': (True, True),
        'frame_id': ('camera_color_optical_frame', False),
        'camera_info_url': ('', False),
        'diagnostic_updater.use_fqn': (False, False)},
    'detector': {
        'enabled': (True, True),
        'cameras': ([''], False),
        'camera_weights': ([], True, (0.0, 1000.0)),
        'camera_max_fps': ([], True, (0.0, 1000.0)),
        'camera_regions': ([], True),
        'image_transport': ('raw', False, ('raw', 'compressed')),
        'driver': ('mvnc', False, ('mvnc', 'simulated')),
        'graph_paths': ([''], False),
        'label_files': ([''], False),
        'input_mean': (127.5, False),
        'input_scale': (0.007843, False),
        'input_order': ('bgr', False, ('bgr', 'rgb')),
        'max_sticks': (0, False, (0, 64)),
        'inflight_per_stick': (2, False, (1, 2)),
        'inference_timeout_ms': (2000, False, (50, 60000)),
        'startup_timeout_ms': (20000, False, (500, 120000)),
        'remote_hosts': ([''], False),
        'local_sticks': (True, False),
        'remote_encoding': ('jpeg', False, ('jpeg', 'raw')),
        'remote_jpeg_quality': (95, False, (1, 100)),
        'cluster_size': (0, True, (0, 64)),
        'cluster_switch_cycle_ms': (10000, True, (0, 3600000)),
        'switch_temperature': (65.0, True, (20.0, 95.0)),
        'resume_margin': (5.0, True, (0.0, 40.0)),
        'critical_margin': (10.0, True, (0.0, 40.0)),
        'min_dwell_ms': (2000, True, (0, 600000)),
        'rotation_policy': ('coolest', True, ('coolest', 'round_robin')),
        'score_threshold': (0.6, True, (0.0, 1.0)),
        'class_thresholds': ([], True),
        'class_filter': ([], True),
        'max_frame_age_ms': (500, True, (0, 600000)),
        'use_depth': (False, False),
        'depth_timeout_ms': (200, True, (0, 5000)),
        'diagnostic_updater.use_fqn': (False, False),
        'simulated.sticks': (5, False, (0, 64)),
        'simulated.usb_mb_per_sec': (0.0, False, (0.0, 10000.0)),
        'simulated.inference_ms': (65.0, False, (0.0, 60000.0)),
        'simulated.transfer_ms': (15.0, False, (0.0, 60000.0)),
        'simulated.boot_ms': (200.0, False, (0.0, 60000.0)),
        'simulated.ambient_celsius': (30.0, False, (-40.0, 100.0)),
        'simulated.rise_celsius': (45.0, False, (0.0, 200.0)),
        'simulated.time_constant_sec': (120.0, False, (0.1, 36000.0))}}
# What the lists hold that are not of texts.
NUMBERS = ('camera_weights', 'camera_max_fps')
TABLES = {'camera': by_name(CAMERA), 'detector': by_name(DETECTOR)}


@pytest.mark.parametrize('node, name', [
    (node, name) for node, promised in PROMISED.items() for name in promised])
def test_a_promised_parameter_is_as_promised(node, name):
    default, live, *values = PROMISED[node][name]
    spec = TABLES[node][name]
    assert (repr(spec.default), spec.live) == (repr(default), live)
    if isinstance(default, list):
        assert spec.type_name == ('double[]' if name in NUMBERS else 'string[]')
    if isinstance(default, str):
        assert set(*values) <= set(spec.choices)
        assert bool(values) == bool(spec.choices)
    else:
        assert (spec.low, spec.high) == (values[0] if values else (None, None))
