# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads bags: the temperatures of the sticks, and their work from the diagnostics."""

from dataclasses import dataclass
import math
from pathlib import Path
import re
from typing import Any

from ncs_cluster_detector.shown_text import brief

_TEMPERATURE_TOPIC = re.compile(r'(.*)/stick_(\d+)/temperature$')
_STICK_STATUS = re.compile(r'^(.*): stick (\d+)$')
_DETECTOR = 'detector'   # what the names of statuses begin with, unless use_fqn is set
_DIAGNOSTICS = 'diagnostic_msgs/msg/DiagnosticArray'
_TEMPERATURE = 'sensor_msgs/msg/Temperature'
_MOST_INFERENCES = 2**53   # the highest that float64 has


@dataclass(frozen=True)
class RecordedStick:
    """
    What was recorded of one stick.

    ``readings`` are pairs (seconds, degrees Celsius), ``inferences`` triples (seconds, inferences
    done until then, whether the stick was active); both may be empty. All readings may
    have been taken up to ``late_sec`` earlier.
    """

    readings: list[tuple[float, float]]
    inferences: list[tuple[float, int, bool]]
    late_sec: float = 0.0


def inference_count(value: Any) -> int:
    """
    Return how many inferences were done, as a recording tells it.

    :raises ValueError: it is none, or more than a number can count that arithmetic is done with.
    """
    count = int(value)
    if not 0 <= count <= _MOST_INFERENCES:
        raise ValueError(f'{brief(str(value))} inferences')
    return count


def read_bag(path: Path) -> dict[int, RecordedStick]:
    """
    Return what was recorded of each stick, by its number.

    :param path: a bag: its folder, or the .mcap or .db3 file in it.
    :raises ValueError: it is no bag, or it is damaged.
    :raises OSError: there is no such file.
    :raises ImportError: there is no library to read it with.
    """
    if not path.exists():
        raise FileNotFoundError(f'{path}: no such file or folder; expected report.json or a bag')
    from diagnostic_msgs.msg import DiagnosticArray
    from rclpy.serialization import deserialize_message
    from sensor_msgs.msg import Temperature
    readings, inferences, detectors = {}, {}, set()
    try:
        for topic, type_name, data in _messages(path):
            match = _TEMPERATURE_TOPIC.match(topic)
            if match and type_name == _TEMPERATURE:
                detectors.add(match[1])
                message = deserialize_message(data, Temperature)
                if math.isfinite(message.temperature):
                    readings.setdefault(int(match[2]), []).append(
                        (_seconds(message.header.stamp), message.temperature))
            elif type_name == _DIAGNOSTICS:
                message = deserialize_message(data, DiagnosticArray)
                for owner, number, entry in _work(message):
                    inferences.setdefault((owner, number), []).append(entry)
    except ImportError:
        raise
    except Exception as error:   # each library has exceptions of its own for a damaged bag
        raise ValueError(f'{path}: reading the bag failed ({type(error).__name__}: '
                         f'{" ".join(str(error).split())}); expected report.json or a bag of '
                         'ROS 2') from error
    if len(detectors) > 1:
        raise ValueError(f'{path}: sticks of several detectors ({", ".join(sorted(detectors))}), '
                         'which cannot be told apart in /diagnostics; record one')
    fully_qualified = ''.join(detectors).strip('/')
    return {number: RecordedStick(readings.get(number, []), inferences.get(
        (fully_qualified, number), inferences.get((_DETECTOR, number), [])))
            for number in readings}


def _work(message):
    """Yield owner, number, and (seconds, inferences, activity), of each stick in diagnostics."""
    for status in message.status:
        match = _STICK_STATUS.match(status.name)
        values = {item.key: item.value for item in status.values}
        if match and 'inferences' in values:   # not a stick of something else
            yield match[1], int(match[2]), (
                _seconds(message.header.stamp), inference_count(values['inferences']),
                values['active'] == 'true')


def _seconds(stamp):
    return stamp.sec + stamp.nanosec / 1e9


def _messages(path):
    """Yield topic, type and serialized content of all messages that matter."""
    try:
        import rosbag2_py
    except ImportError:   # a machine without ROS
        yield from _messages_without_ros(path)
        return
    reader = rosbag2_py.SequentialReader()
    reader.open(rosbag2_py.StorageOptions(uri=str(path), storage_id=''),
                rosbag2_py.ConverterOptions('', ''))
    types = {topic.name: topic.type for topic in reader.get_all_topics_and_types()
             if topic.type in (_TEMPERATURE, _DIAGNOSTICS)}
    if types:   # none would be taken for all
        reader.set_filter(rosbag2_py.StorageFilter(topics=list(types)))
        while reader.has_next():
            topic, data, _ = reader.read_next()
            yield topic, types[topic], data


def _messages_without_ros(path):
    try:
        from rosbags.rosbag2 import Reader
    except ImportError:
        raise ImportError(f'{path}: no library to read a bag with; install rosbag2_py (with ROS '
                          '2) or rosbags (pip install rosbags)') from None
    with Reader(path) as reader:
        wanted = [connection for connection in reader.connections
                  if connection.msgtype in (_TEMPERATURE, _DIAGNOSTICS)]
        if wanted:   # none would be taken for all
            for connection, _, data in reader.messages(connections=wanted):
                yield connection.topic, connection.msgtype, data
