# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Recordings for the planner: reports and bags with any content."""

import json
from pathlib import Path
import shutil
import tempfile

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from fuzz_door import ANY_FLOAT
from fuzz_door import ANY_INT
from fuzz_door import ANY_TEXT
from fuzz_door import door
from fuzz_door import little_memory
from fuzz_door import NUMBER_WORDS
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.planning.fitting.fit import fit_constants
from ncs_cluster_detector.planning.fitting.recording import read_recording
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Temperature

FOLDER = Path(tempfile.mkdtemp(prefix='fuzz-recordings-'))
JSON = st.recursive(
    st.none() | st.booleans() | ANY_FLOAT | ANY_INT.filter(lambda number: number < 10**300)
    | ANY_TEXT, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(['sticks', 'stick', 'time_sec', 'temperature_celsius', 'inferences',
                         'active']) | ANY_TEXT, inner, max_size=5), max_leaves=12)


def curve(number=30):
    """Return times and temperatures of a stick that warms."""
    times = [float(second) for second in range(number)]
    return times, [30.0 + 20.0 * (1 - np.exp(-second / 10.0)) for second in times]


@st.composite
def reports(draw):
    """Make a report of sticks, of which some values are anything."""
    sticks = []
    for number in range(draw(st.integers(0, 3))):
        times, celsius = curve()
        stick = {'stick': number, 'time_sec': times, 'temperature_celsius': celsius,
                 'active': [second % 20 < 12 for second in range(30)],
                 'inferences': [10 * second for second in range(30)]}
        for name in draw(st.lists(st.sampled_from(list(stick)), max_size=2)):
            if draw(st.booleans()) or not isinstance(stick[name], list):
                stick[name] = draw(JSON | ANY_INT | st.lists(ANY_FLOAT, max_size=30))
            else:
                at = draw(st.integers(0, len(stick[name]) - 1)) if stick[name] else 0
                stick[name][at:at + 1] = [draw(JSON | ANY_FLOAT | ANY_INT)]
        sticks.append(stick)
    return {'sticks': sticks}


def read(path):
    """Read a recording and fit what is in it."""
    recording = taken_or_refused(lambda: read_recording(path), ValueError)
    for series in recording.series if recording else ():
        assert len(series.time_sec) == len(series.celsius)
        fit = taken_or_refused(lambda series=series: fit_constants(series), ValueError)
        if fit is not None:
            constants = fit.constants
            assert np.isfinite([constants.idle_celsius, constants.rise_celsius,
                                constants.time_constant_sec]).all()


def a_report(**values):
    """Return a report of one stick, with other values."""
    return {'report': {'sticks': [{
        'stick': 0, 'time_sec': [0.0, 1.0, 2.0, 3.0], 'temperature_celsius': [30.0] * 4,
        'active': [True] * 4, 'inferences': [0, 9, 18, 27], **values}]}}


@door(60, also=[a_report(stick=[]), a_report(stick='x'), a_report(stick=None),
                a_report(time_sec=[None, 1.0, 2.0, 3.0]), a_report(time_sec=['a', 1e300, 2, 3]),
                a_report(time_sec=[float('nan')] * 4), a_report(inferences=[None, 'x', 1, 2]),
                a_report(temperature_celsius=[1e300, -1e300, 1e300, 0.0])],
      report=reports() | JSON)
def test_a_report_of_any_values_is_read_or_refused(report):
    path = FOLDER / 'report.json'
    path.write_text(json.dumps(report))
    read(path)


@door(100, data=spoilt([json.dumps({'sticks': [{
    'stick': 0, 'time_sec': [0.0, 1.0], 'temperature_celsius': [30.0, 31.0], 'active': [True] * 2,
    'inferences': [0, 9]}]}).encode()]) | st.sampled_from(
        [b'[' * 100_000, b'{"sticks":' * 50_000, b'9' * 5000, b'1e999', b'\xff', b'', b'NaN']))
def test_a_report_of_any_form_is_read_or_refused(data):
    path = FOLDER / 'report.json'
    path.write_bytes(data)
    read(path)


def test_a_report_without_an_end_is_refused_at_once(tmp_path):
    (tmp_path / 'report.json').symlink_to('/dev/zero')
    with little_memory(), pytest.raises(ValueError, match='pipe or a device'):
        read_recording(tmp_path / 'report.json')


def bag(folder, plugin, messages):
    """Write a bag of pairs (topic, message)."""
    rosbag2 = pytest.importorskip('rosbags.rosbag2')
    from rosbags.typesys import get_typestore
    from rosbags.typesys import Stores
    shutil.rmtree(folder, ignore_errors=True)
    types_known = get_typestore(Stores.ROS2_JAZZY)
    with rosbag2.Writer(folder, version=9, storage_plugin=plugin) as writer:
        connections = {}
        for when, (topic, message) in enumerate(messages):
            kind = type(message).__module__.split('.')[0]
            if topic not in connections:
                connections[topic] = writer.add_connection(
                    topic, f'{kind}/msg/{type(message).__name__}', typestore=types_known)
            writer.write(connections[topic], when * 10**9,
                         message if isinstance(message, bytes) else serialize_message(message))


def temperature(celsius, sec=0):
    message = Temperature(temperature=celsius)
    message.header.stamp.sec = sec
    return message


def status(name, values):
    return DiagnosticArray(status=[DiagnosticStatus(name=name, values=[
        KeyValue(key=key, value=value) for key, value in values.items()])])


def good_bags():
    """Return the files of good bags: pairs (name, content)."""
    rosbag2 = pytest.importorskip('rosbags.rosbag2')
    made = []
    for plugin in rosbag2.StoragePlugin:
        folder = FOLDER / 'good'
        bag(folder, plugin, [
            entry for second, celsius in zip(*curve()) for entry in (
                ('/detector/stick_0/temperature', temperature(celsius, int(second))),
                ('/diagnostics', status('detector: stick 0', {
                    'inferences': str(int(10 * second)), 'active': 'true'})))])
        files = {path.name: path.read_bytes() for path in folder.iterdir()}
        (data,) = (name for name in files if name != 'metadata.yaml')
        made.append((data, files[data], files['metadata.yaml']))
    return made


GOOD_BAGS = good_bags()


@door(30, which=st.sampled_from(GOOD_BAGS).flatmap(lambda good: st.tuples(
    st.just(good[0]), spoilt([good[1]]), st.just(good[2]) | spoilt([good[2]]))
    | st.tuples(st.just(good[0]), st.just(good[1]), spoilt([good[2]]))))
def test_a_spoilt_bag_is_read_or_refused(which):
    name, data, metadata = which
    folder = FOLDER / 'bag'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / name).write_bytes(data)
    (folder / 'metadata.yaml').write_bytes(metadata)
    read(folder)
    read(folder / name)


ENCODABLE = st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=20)
NAMES = st.sampled_from(['detector: stick 0', 'front/detector: stick 1', 'joy: stick 0',
                         'detector: stick ٣', 'detector: stick ' + '9' * 5000]) | ENCODABLE
MESSAGES = st.tuples(
    st.sampled_from(['/detector/stick_0/temperature', '/a/detector/stick_1/temperature',
                     f'/detector/stick_{"9" * 5000}/temperature']),
    st.builds(temperature, ANY_FLOAT, st.integers(-2**31, 2**31 - 1))) | st.tuples(
        st.just('/diagnostics'), st.builds(status, NAMES, st.dictionaries(
            st.sampled_from(['inferences', 'active']) | ENCODABLE,
            NUMBER_WORDS | ENCODABLE | st.sampled_from(['true', '5']), max_size=3)))


@door(20, messages=st.lists(MESSAGES, min_size=1, max_size=8))
def test_a_bag_of_any_messages_is_read_or_refused(messages):
    rosbag2 = pytest.importorskip('rosbags.rosbag2')
    bag(FOLDER / 'any', rosbag2.StoragePlugin.MCAP, messages)
    read(FOLDER / 'any')
