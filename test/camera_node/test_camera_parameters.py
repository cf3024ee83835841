# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the camera node's parameters and of the file that shows them."""

from pathlib import Path

from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.parameters.camera_parameters import PARAMETERS
from ncs_cluster_detector.ros.parameters import NodeParameters
from ncs_cluster_detector.ros.parameters import StartupError
import pytest
import rclpy
from rclpy.parameter import Parameter
import yaml

CONFIG = Path(__file__).resolve().parents[2] / 'config' / 'camera.yaml'


@pytest.fixture
def make_node():
    """Return a function that makes a node and its NodeParameters for given arguments."""
    contexts, nodes = [], []

    def make(*arguments):
        context = rclpy.Context()
        rclpy.init(args=['--ros-args', *arguments], context=context)
        contexts.append(context)
        nodes.append(rclpy.create_node('camera', context=context))
        return nodes[-1], NodeParameters(nodes[-1], PARAMETERS, 'camera')

    yield make
    for node in nodes:
        node.destroy_node()
    for context in contexts:
        rclpy.shutdown(context=context)


def test_the_config_file_shows_every_parameter_at_its_default():
    shown = yaml.safe_load(CONFIG.read_text())['/**']['ros__parameters']
    for name, value in shown.pop('diagnostic_updater').items():
        shown[f'diagnostic_updater.{name}'] = value
    assert shown == {spec.name: spec.default for spec in PARAMETERS}
    assert {name: type(value) for name, value in shown.items()} == {
        spec.name: type(spec.default) for spec in PARAMETERS}


def test_the_config_file_serves_any_name_and_namespace(tmp_path, make_node):
    file = tmp_path / 'camera.yaml'
    file.write_text(CONFIG.read_text().replace('fps: 30.0', 'fps: 7').replace('true', 'false'))
    _, parameters = make_node(
        '--params-file', str(file), '-r', '__ns:=/front', '-r', '__node:=eye')
    values = parameters.values()
    assert values['fps'] == 7.0
    assert values['loop'] is False
    assert values['frame_id'] == 'camera_color_optical_frame'


@pytest.mark.parametrize('given, device', [
    ('2', '2'), ('845112071321', '845112071321'),
    ('018322071905', '18322071905'),                  # no octal number, so ROS reads a float
    ('017322071705', str(0o17322071705)), ("'017322071705'", '017322071705')])
def test_a_device_may_be_a_bare_number(make_node, given, device):
    _, parameters = make_node('-p', f'device:={given}')
    assert parameters.values()['device'] == device


@pytest.mark.parametrize('argument, refusal', [
    ('source:=realsens', f'source=realsens: must be one of {", ".join(SOURCES)} ('),
    ('width:=15', 'width=15: must be a whole number, 16 to 4096'),
    ('height:=4097', 'height=4097: must be a whole number, 16 to 4096'),
    ('fps:=0.0', 'fps=0.0: must be a number, 0.1 to 240.0'),
    ('loop:=7', 'loop=7: must be true or false'),
    ('device:=true', 'device=True: must be a text'),
    ('device:=1.5', 'device=1.5: must be a text')])
def test_a_wrong_value_is_refused_in_one_line(make_node, argument, refusal):
    with pytest.raises(StartupError) as error:
        make_node('-p', argument)
    assert str(error.value).startswith(refusal)
    assert '\n' not in str(error.value)


def other_value(spec):
    """Return a value of a parameter that is not its default."""
    if spec.choices:
        return next(choice for choice in spec.choices if choice != spec.default)
    if spec.low is not None:
        return spec.low if spec.default != spec.low else spec.high
    return {bool: lambda old: not old, str: '{}x'.format, list: lambda old: [*old, 'x']}.get(
        type(spec.default), lambda old: old + 1)(spec.default)


def test_only_live_ones_change(make_node):
    node, parameters = make_node()
    changes = []
    parameters.accept_changes(lambda values: None, lambda *change: changes.append(change))
    expected = []
    for spec in PARAMETERS:
        before, value = parameters.values(), other_value(spec)
        result = node.set_parameters([Parameter(spec.name, value=value)])[0]
        assert result.successful == spec.live
        if spec.live:
            expected.append((before, before | {spec.name: value}))
        else:
            assert parameters.values() == before
    assert changes == expected
