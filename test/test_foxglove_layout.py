# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The Foxglove layouts: every panel is there, and every topic and field in it is published."""

import json
from pathlib import Path

from ncs_cluster_detector.policy.settings import LIMITS
from ncs_cluster_detector.policy.settings import Settings
from node_harness import NodeProcess
import pytest
from sensor_msgs.msg import Temperature

CONFIG = Path(__file__).resolve().parent.parent / 'config'
# The names of the cameras in each layout.
CAMERAS = {'foxglove_layout.json': [''], 'foxglove_two_cameras.json': ['front', 'rear']}
STICKS = 5
PANELS = {'Image', 'Plot', 'DiagnosticSummary', 'DiagnosticStatusPanel', 'Parameters'}


@pytest.fixture(scope='module', params=CAMERAS)
def cameras(request):
    """Return the names of the cameras in a layout."""
    return CAMERAS[request.param]


@pytest.fixture(scope='module')
def layout(cameras):
    """Return the parsed layout."""
    (file,) = (file for file, names in CAMERAS.items() if names == cameras)
    return json.loads((CONFIG / file).read_text())


@pytest.fixture
def detector(cameras):
    """Start a detector with as many sticks as the plot shows; end it after the test."""
    node = NodeProcess('detector_node', {
        'driver': 'simulated', 'simulated.sticks': STICKS, 'simulated.boot_ms': 50.0,
        'cameras': str(cameras)})
    yield node
    node.end()


def texts(value):
    """Yield all texts in nested dictionaries and lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts(inner)


def topics_and_fields(layout):
    """Return all (topic, field or empty) that the panels name."""
    return {tuple(text.partition('.')[::2]) for text in texts(layout['configById'])
            if text.startswith('/')}


def panels_in(tree):
    """Return the panels in a tree of splits, from left to right and from top to bottom."""
    if isinstance(tree, str):
        return [tree]
    assert set(tree) == {'direction', 'splitPercentage', 'first', 'second'}
    assert tree['direction'] in ('row', 'column')
    assert 0 < tree['splitPercentage'] < 100
    return panels_in(tree['first']) + panels_in(tree['second'])


def splits_in(tree):
    """Return the splits of a tree whose both parts are panels."""
    if isinstance(tree, str):
        return []
    inner = splits_in(tree['first']) + splits_in(tree['second'])
    return inner or [tree]


def test_every_panel_has_its_place(layout):
    assert set(layout) == {
        'configById', 'globalVariables', 'userNodes', 'playbackConfig', 'layout'}
    placed = panels_in(layout['layout'])
    assert sorted(placed) == sorted(layout['configById'])
    assert {panel.split('!')[0] for panel in placed} == PANELS


def test_every_topic_and_field_is_published(layout, cameras, detector, probe):
    named = topics_and_fields(layout)
    pictures = {f'/{name}/annotated_image' if name else '/annotated_image' for name in cameras}
    assert {topic for topic, _ in named} == pictures | {'/diagnostics'} | {
        f'/detector/stick_{number}/temperature' for number in range(STICKS)}
    probe.wait_for_running(STICKS)

    def published():
        return dict(probe.node.get_publisher_names_and_types_by_node('detector', '/'))

    probe.wait_for(lambda: {topic for topic, _ in named} <= set(published()))
    types = published()
    for topic, field in named:
        if field:
            assert types[topic] == ['sensor_msgs/msg/Temperature']
            assert field in Temperature.get_fields_and_field_types(), topic


def test_the_plot_shows_the_limit_and_all_temperatures_that_can_be_chosen(layout):
    (plot,) = (config for name, config in layout['configById'].items()
               if name.startswith('Plot!'))
    assert all(path['enabled'] for path in plot['paths'])
    (limit,) = (path for path in plot['paths'] if not path['value'].startswith('/'))
    assert float(limit['value']) == Settings().switch_temperature
    assert limit['label'] == 'switch_temperature'
    assert plot['minYValue'] <= LIMITS['switch_temperature'][0]
    assert plot['maxYValue'] >= LIMITS['switch_temperature'][1]


def test_every_status_that_a_panel_shows_is_published(layout, cameras, detector, probe):
    chosen = {(config['selectedName'], config['selectedHardwareId'])
              for name, config in layout['configById'].items()
              if name.startswith('DiagnosticStatusPanel!')}
    assert chosen == {('detector: cluster', 'cluster')} | {
        (f'detector: camera {name}', name) for name in cameras if name}

    def published():
        return {(status.name, status.hardware_id)
                for array in list(probe.diagnostics) for status in array.status}

    probe.wait_for(lambda: chosen <= published())


def test_the_pictures_of_two_cameras_are_side_by_side():
    layout = json.loads((CONFIG / 'foxglove_two_cameras.json').read_text())['layout']
    (pair,) = (part for part in splits_in(layout) if {part['first'], part['second']} == {
        'Image!front', 'Image!rear'})
    assert pair['direction'] == 'row'
    assert pair['splitPercentage'] == 50


def test_both_layouts_plot_the_same():
    one, two = (json.loads((CONFIG / file).read_text())['configById'] for file in CAMERAS)
    assert all(two[name] == config for name, config in one.items() if name in two)
    assert set(one) - set(two) == {'Image!annotated'}
