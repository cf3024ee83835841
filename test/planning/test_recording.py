# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Sticks' constants from recordings: made-up sticks, in a report and in bags."""

import json
import random
import sys
import types

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from ncs_cluster_detector.planning.fit import fit_constants
from ncs_cluster_detector.planning.fit import mean_constants
from ncs_cluster_detector.planning.recording import read_recording
from ncs_cluster_detector.planning.recording import StickSeries
from ncs_cluster_detector.planning.virtual_cluster import Constants
import pytest
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores
from sensor_msgs.msg import Temperature

CONSTANTS = Constants(30.0, 45.0, 120.0)
FULL_SPEED = 1 / 0.065


def recorded(constants=CONSTANTS, seconds=600, on_sec=20, off_sec=30, noise=0.0, seed=1):
    """Return lists of (time, temperature) and (time, inferences, active) of a stick."""
    chance = random.Random(seed)
    celsius, work_sec, now = constants.idle_celsius, 0.0, 0.0
    readings, inferences = [], []
    for second in range(seconds):
        active = second % (on_sec + off_sec) < on_sec
        readings.append((now, celsius + chance.uniform(-noise, noise)))
        inferences.append((now, round(work_sec * FULL_SPEED), active))
        elapsed_sec = chance.uniform(0.98, 1.02)
        celsius = constants.after(celsius, float(active), elapsed_sec)
        work_sec += active * elapsed_sec
        now += elapsed_sec
    return readings, inferences


def series_of(readings, inferences, number=0):
    """Return a StickSeries of a stick that is at rest or at full speed."""
    times, celsius = map(list, zip(*readings))
    return StickSeries(number, times, celsius,
                       None if inferences is None else [float(on) for _, _, on in inferences[:-1]])


@pytest.mark.parametrize('constants', [CONSTANTS, Constants(45.0, 90.0, 16.0),
                                       Constants(22.0, 30.0, 300.0)])
def test_the_constants_of_a_clean_recording_are_found(constants):
    fit = fit_constants(series_of(*recorded(constants)))
    found = fit.constants
    assert found.idle_celsius == pytest.approx(constants.idle_celsius, abs=0.1)
    assert found.rise_celsius == pytest.approx(constants.rise_celsius, rel=0.01)
    assert found.time_constant_sec == pytest.approx(constants.time_constant_sec, rel=0.01)
    assert (fit.is_sure, fit.notes) == (True, ())
    assert fit.deviation_celsius < 0.05


def test_noise_does_little_harm():
    fit = fit_constants(series_of(*recorded(noise=0.5)))
    assert fit.constants.rise_celsius == pytest.approx(45.0, rel=0.05)
    assert fit.constants.time_constant_sec == pytest.approx(120.0, rel=0.05)
    assert fit.deviation_celsius == pytest.approx(0.5 / 3 ** 0.5, rel=0.1)


def test_work_is_guessed_from_the_temperatures_and_the_guess_is_named():
    readings, _ = recorded(Constants(30.0, 45.0, 60.0), noise=0.05)
    fit = fit_constants(series_of(readings, None))
    assert fit.constants.rise_celsius == pytest.approx(45.0, rel=0.1)
    assert fit.constants.time_constant_sec == pytest.approx(60.0, rel=0.15)
    assert any('guessed' in note for note in fit.notes)


def test_what_cannot_be_told_is_named_and_left_to_the_others():
    always = fit_constants(series_of(*recorded(off_sec=0)))
    assert not always.is_sure
    assert always.notes
    good = fit_constants(series_of(*recorded()))
    assert mean_constants([always, good]) == good.constants


@pytest.mark.parametrize('readings, text', [
    ([(float(second), 30.0 + second) for second in range(10)], '10 readings recorded'),
    ([(float(second), 30.0) for second in range(60)], 'changed by 0.0 C')])
def test_too_little_is_refused_in_one_line(readings, text):
    with pytest.raises(ValueError, match=text) as refusal:
        fit_constants(series_of(readings, None, number=3))
    assert str(refusal.value).startswith('stick 3: ')


def write_report(path, sticks):
    """Write what matters of report.json."""
    path.write_text(json.dumps({'sticks': [{
        'stick': number, 'time_sec': [when for when, _ in readings],
        'temperature_celsius': [None if when < 2 else celsius for when, celsius in readings],
        'active': [active for _, _, active in inferences],
        'inferences': [count for _, count, _ in inferences],
    } for number, (readings, inferences) in sticks.items()]}))


def test_a_report_is_read(tmp_path):
    sticks = {0: recorded(), 4: recorded(Constants(30.0, 60.0, 120.0), seed=2)}
    write_report(tmp_path / 'report.json', sticks)
    first, second = read_recording(tmp_path / 'report.json').series
    assert (first.number, second.number) == (0, 4)
    assert len(first.share) == len(first.time_sec) - 1 == 597
    assert fit_constants(first).constants.rise_celsius == pytest.approx(45.0, rel=0.05)
    assert fit_constants(second).constants.rise_celsius == pytest.approx(60.0, rel=0.05)


def test_full_speed_is_what_was_recorded_or_what_is_said(tmp_path):
    write_report(tmp_path / 'report.json', {0: recorded()})
    assert read_recording(tmp_path / 'report.json').inference_sec == pytest.approx(0.065, rel=0.03)
    slow = read_recording(tmp_path / 'report.json', 0.0325)
    assert slow.inference_sec == 0.0325
    fit = fit_constants(slow.series[0])   # it was half idle at work: full load heats twice as much
    assert fit.constants.rise_celsius == pytest.approx(90.0, rel=0.05)


def stamp_of(seconds):
    return Time(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))


def messages_of(sticks, namespace, diagnostics):
    """Yield time, topic, type and message of made-up sticks."""
    for number, (readings, inferences) in sticks.items():
        for (when, celsius), (_, count, active) in zip(readings, inferences):
            message = Temperature(temperature=celsius)
            message.header.stamp = stamp_of(when)
            yield (when, f'{namespace}/detector/stick_{number}/temperature',
                   'sensor_msgs/msg/Temperature', message)
            if diagnostics:
                values = {'inferences': count, 'active': 'true' if active else 'false'}
                message = DiagnosticArray(status=[
                    DiagnosticStatus(name='camera: usb'),
                    DiagnosticStatus(name=f'detector: stick {number}', values=[
                        KeyValue(key=key, value=str(value)) for key, value in values.items()])])
                message.header.stamp = stamp_of(when)
                yield when, '/diagnostics', 'diagnostic_msgs/msg/DiagnosticArray', message


def write_bag(folder, sticks, plugin=StoragePlugin.MCAP, namespace='', diagnostics=True):
    """Write a bag."""
    types_known = get_typestore(Stores.ROS2_JAZZY)
    with Writer(folder, version=9, storage_plugin=plugin) as writer:
        connections = {}
        for when, topic, name, message in messages_of(sticks, namespace, diagnostics):
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

    monkeypatch.setitem(sys.modules, 'rosbag2_py', types.SimpleNamespace(
        SequentialReader=Reader, StorageOptions=lambda uri, storage_id: uri,
        ConverterOptions=lambda *formats: formats))
    (series,) = read_recording(tmp_path / 'bag').series
    assert len(series.celsius) == 60
    assert series.share is not None


@pytest.mark.parametrize('name, content, text', [
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
