# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks' constants from recordings: made-up sticks, in a report and in bags."""

import itertools
import json
import sys
import types

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from ncs_cluster_detector.planning.fitting.fit import fit_constants
from ncs_cluster_detector.planning.fitting.recording import read_recording
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from recorded_sticks import FULL_SPEED
from recorded_sticks import recorded
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores
from sensor_msgs.msg import Temperature


def write_report(path, sticks):
    """Write what matters of report.json."""
    path.write_text(json.dumps({'sticks': [{
        'stick': number, 'time_sec': [when for when, _ in readings],
        'temperature_celsius': [None if when < 2 else celsius for when, celsius in readings],
        'active': [active for _, _, active in inferences],
        'inferences': [count for _, count, _ in inferences],
    } for number, (readings, inferences) in sticks.items()]}))


def test_a_report_is_read(tmp_path):
    sticks = {0: recorded(), 4: recorded(ThermalModel(30.0, 60.0, 120.0), seed=2)}
    write_report(tmp_path / 'report.json', sticks)
    first, second = read_recording(tmp_path / 'report.json').series
    assert (first.number, second.number) == (0, 4)
    assert len(first.share) == len(first.time_sec) - 1 == 597
    assert fit_constants(first).constants.rise_celsius == pytest.approx(45.0, rel=0.05)
    assert fit_constants(second).constants.rise_celsius == pytest.approx(60.0, rel=0.05)


@pytest.mark.parametrize('age_sec', [0.0, 0.3, 0.9])
def test_the_age_of_readings_in_a_report_is_found(tmp_path, age_sec):
    readings, inferences = recorded(
        ThermalModel(30.0, 45.0, 20.0), seconds=120, on_sec=7, off_sec=9)
    late = [(now, count, active) for (now, _), (_, count, active) in zip(readings, inferences)]
    times, celsius = map(list, zip(*readings))
    sampled = list(zip(times, np.interp(np.array(times) - age_sec, times, celsius)))
    write_report(tmp_path / 'report.json', {0: (sampled, late)})
    (series,) = read_recording(tmp_path / 'report.json').series
    found = fit_constants(series).constants
    assert found.rise_celsius == pytest.approx(45.0, rel=0.03)
    assert found.time_constant_sec == pytest.approx(20.0, rel=0.03)


def test_every_stick_has_a_full_speed_of_its_own(tmp_path):
    readings, inferences = recorded()
    slow = [(now, count // 2, active) for now, count, active in inferences]
    resting = [(now, 0, False) for now, _, _ in inferences]
    write_report(tmp_path / 'report.json', {
        0: (readings, inferences), 1: (readings, slow), 2: (readings, resting)})
    first, second, third = read_recording(tmp_path / 'report.json').series
    assert second.share == pytest.approx(first.share, abs=0.1)
    assert set(third.share) == {0.0}


def test_what_a_paced_stick_does_now_and_then_is_full_speed(tmp_path):
    counts, done = [], 0.0
    for second in range(300):
        counts.append((float(second), round(done), True))
        done += FULL_SPEED * (1.0 if second % 100 < 40 else 0.4)
    write_report(tmp_path / 'report.json', {0: (recorded(seconds=300)[0], counts)})
    (series,) = read_recording(tmp_path / 'report.json').series
    assert series.share[10] == pytest.approx(1.0, abs=0.05)
    assert series.share[60] == pytest.approx(0.4, abs=0.05)


def test_readings_count_only_while_the_work_is_known(tmp_path):
    readings, inferences = recorded()
    again = [(now, count - inferences[400][1] * (index >= 400), active)   # the node began anew
             for index, (now, count, active) in enumerate(inferences)]
    write_bag(tmp_path / 'bag', {0: (readings, again)}, after=200.0)
    (series,) = read_recording(tmp_path / 'bag').series
    assert len(series.celsius) < 402
    assert fit_constants(series).constants.rise_celsius == pytest.approx(45.0, rel=0.03)


def test_two_detectors_in_a_bag_are_refused(tmp_path):
    write_bag(tmp_path / 'bag', {0: recorded(seconds=30)}, namespace=('/a', '/b'))
    with pytest.raises(ValueError, match='several detectors [(]/a/detector, /b/detector[)]'):
        read_recording(tmp_path / 'bag')


def test_full_speed_is_what_was_recorded_or_what_is_said(tmp_path):
    write_report(tmp_path / 'report.json', {0: recorded()})
    assert read_recording(tmp_path / 'report.json').inference_sec == pytest.approx(0.065, rel=0.03)
    slow = read_recording(tmp_path / 'report.json', 0.0325)
    assert slow.inference_sec == 0.0325
    fit = fit_constants(slow.series[0])   # it was half idle at work: full load heats twice as much
    assert fit.constants.rise_celsius == pytest.approx(90.0, rel=0.05)


def stamp_of(seconds):
    return Time(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))


def messages_of(sticks, namespace, diagnostics, after=0.0, owners=('detector',)):
    """
    Yield time, topic, type and message of made-up sticks; diagnostics only after a time.

    Of several owners in diagnostics the first one's sticks do what was made up, the others none.
    """
    for number, (readings, inferences) in sticks.items():
        for (when, celsius), (_, count, active) in zip(readings, inferences):
            message = Temperature(temperature=celsius)
            message.header.stamp = stamp_of(when)
            yield (when, f'{namespace}/detector/stick_{number}/temperature',
                   'sensor_msgs/msg/Temperature', message)
            if diagnostics and when >= after:
                values = {'inferences': count, 'active': 'true' if active else 'false'}
                idle = {'inferences': 0, 'active': 'false'}
                message = DiagnosticArray(status=[
                    DiagnosticStatus(name='camera: usb'),
                    DiagnosticStatus(name=f'joy: stick {number}'), *(
                        DiagnosticStatus(name=f'{owner}: stick {number}', values=[
                            KeyValue(key=key, value=str(value)) for key, value in (
                                values if owner == owners[0] else idle).items()])
                        for owner in owners)])
                message.header.stamp = stamp_of(when)
                yield when, '/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray', message


def write_bag(folder, sticks, plugin=StoragePlugin.MCAP, namespace='', diagnostics=True,
              after=0.0, owners=('detector',)):
    """Write a bag, of one namespace or of several."""
    namespaces = (namespace,) if isinstance(namespace, str) else namespace
    types_known = get_typestore(Stores.ROS2_JAZZY)
    with Writer(folder, version=9, storage_plugin=plugin) as writer:
        connections = {}
        for when, topic, name, message in itertools.chain.from_iterable(
                messages_of(sticks, space, diagnostics, after, owners) for space in namespaces):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, name, typestore=types_known)
            writer.write(connections[topic], int(when * 1e9), serialize_message(message))


@pytest.mark.parametrize('plugin', StoragePlugin)
@pytest.mark.parametrize('namespace', ['', '/robot1'])
def test_a_bag_is_read(tmp_path, plugin, namespace):
    write_bag(tmp_path / 'bag', {0: recorded(), 2: recorded(seed=2)}, plugin, namespace)
    first, second = read_recording(tmp_path / 'bag').series
    assert (first.number, second.number) == (0, 2)
    assert fit_constants(first).constants.rise_celsius == pytest.approx(45.0, rel=0.05)
    (file,) = (tmp_path / 'bag').glob('*.db3' if plugin is StoragePlugin.SQLITE3 else '*.mcap')
    assert read_recording(file).series == (first, second)
    (tmp_path / 'alone').mkdir()
    alone = file.rename(tmp_path / 'alone' / file.name)   # without metadata.yaml
    assert read_recording(alone).series == (first, second)


def test_the_work_is_that_of_the_detector_whose_temperatures_were_recorded(tmp_path):
    write_bag(tmp_path / 'plain', {0: recorded()}, namespace='/front')
    write_bag(tmp_path / 'bag', {0: recorded()}, namespace='/front',
              owners=('front/detector', 'rear/detector', 'detector'))
    assert read_recording(tmp_path / 'bag').series == read_recording(tmp_path / 'plain').series
    assert read_recording(tmp_path / 'bag').series[0].share is not None


def test_a_bag_without_diagnostics_tells_no_work(tmp_path):
    write_bag(tmp_path / 'bag', {1: recorded()}, diagnostics=False)
    (series,) = read_recording(tmp_path / 'bag').series
    assert series.share is None
    assert len(series.celsius) == 600


def test_on_a_robot_the_library_of_ros_reads_the_bag(tmp_path, monkeypatch):
    sticks = {0: recorded(seconds=60)}
    (tmp_path / 'bag').mkdir()
    waiting = list(messages_of(sticks, '', True))
    topics = {topic: name for _, topic, name, _ in waiting} | {'/rosout': 'rcl_interfaces/msg/Log'}

    class Reader:

        def open(self, storage, converter):  # noqa: A003
            assert storage == str(tmp_path / 'bag')

        def get_all_topics_and_types(self):
            return [types.SimpleNamespace(name=topic, type=name)
                    for topic, name in topics.items()]

        def has_next(self):
            return bool(waiting)

        def read_next(self):
            when, topic, _, message = waiting.pop(0)
            return topic, serialize_message(message), int(when * 1e9)

        def set_filter(self, topics):
            assert sorted(topics) == ['/detector/stick_0/temperature', '/diagnostics']

    monkeypatch.setitem(sys.modules, 'rosbag2_py', types.SimpleNamespace(
        SequentialReader=Reader, StorageOptions=lambda uri, storage_id: uri,
        StorageFilter=lambda topics: topics, ConverterOptions=lambda *formats: formats))
    (series,) = read_recording(tmp_path / 'bag').series
    assert len(series.celsius) == 60
    assert series.share is not None


@pytest.mark.parametrize('name, content, text', [
    ('report.json', '{"sticks": [{"stick": 0, "time_sec": [0.0, 1.0], "temperature_celsius": '
     '[30.0, 31.0], "active": [true, true], "inferences": [0, 99999999999999999999]}]}',
     '99999999999999999999 inferences'),
    ('report.json', '{', 'no report of make run'), ('report.json', '{"a": 1}', 'no report'),
    ('report.json', '{"sticks": []}', 'no temperature of any stick'),
    ('bag', 'nonsense', 'reading the bag failed'), ('absent', None, 'no such file')])
def test_what_is_no_recording_is_refused_in_one_line(tmp_path, name, content, text):
    if content is not None:
        (tmp_path / name).write_text(content)
    with pytest.raises((ValueError, OSError), match=text) as refusal:
        read_recording(tmp_path / name)
    assert '\n' not in str(refusal.value)


def test_a_bag_without_sticks_is_refused(tmp_path):
    write_bag(tmp_path / 'bag', {})
    with pytest.raises(ValueError, match='no temperature of any stick'):
        read_recording(tmp_path / 'bag')
