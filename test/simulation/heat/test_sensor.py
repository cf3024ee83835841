# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What sensors tell, in invented time."""

import statistics

from ncs_cluster_detector.simulation.heat.sensor import Sensor
from ncs_cluster_detector.simulation.heat.sensor import SensorReader
import pytest


def readings(sensor, points, seed=0):
    """Return what a sensor tells at the given seconds of the given temperatures."""
    reader = SensorReader(sensor, seed)
    return [reader.read(now, celsius) for now, celsius in points]


def test_a_sensor_as_it_should_be_tells_the_truth():
    points = [(0.0, 30.04), (1.0, 61.3), (2.0, -5.0)]
    assert readings(Sensor(), points) == [30.04, 61.3, -5.0]


def test_steps():
    points = [(0.0, 43.2), (1.0, 43.3), (2.0, 43.8), (3.0, -0.6)]
    assert readings(Sensor(step_celsius=0.5), points) == [43.0, 43.5, 44.0, -0.5]


def test_a_sensor_that_lags_is_63_percent_of_the_way_after_its_time():
    first, second = readings(Sensor(lag_sec=10.0), [(0.0, 30.0), (10.0, 40.0)])
    assert (first, second) == pytest.approx((30.0, 36.3212), abs=1e-4)
    # However often it is asked.
    *_, last = readings(Sensor(lag_sec=10.0), [(0.0, 30.0), (4.0, 40.0), (5.0, 40.0),
                                               (10.0, 40.0)])
    assert last == pytest.approx(second)


def test_the_highest_of_the_last_seconds():
    points = [(0.0, 50.0), (1.0, 40.0), (3.0, 30.0), (4.0, 30.0), (4.1, 30.0), (5.0, 31.0),
              (5.1, 30.0)]
    assert readings(Sensor(highest_of_sec=4.0), points) == [
        50.0, 50.0, 50.0, 50.0, 40.0, 40.0, 31.0]


def test_noise_has_its_deviation_and_follows_from_the_seed():
    points = [(float(second), 50.0) for second in range(4000)]
    told = readings(Sensor(noise_celsius=1.5), points, 'a')
    assert statistics.mean(told) == pytest.approx(50.0, abs=0.08)
    assert statistics.stdev(told) == pytest.approx(1.5, rel=0.03)
    # One reading says nothing of the next.
    assert abs(statistics.correlation(told[1:], told[:-1])) < 0.05
    assert readings(Sensor(noise_celsius=1.5), points[:9], 'a') == told[:9]
    assert readings(Sensor(noise_celsius=1.5), points[:9], 'b') != told[:9]


def test_readings_are_lost_for_a_while_of_every_while():
    points = [(float(second), 50.0) for second in range(90)]
    told = readings(Sensor(lost_sec=5.0, lost_every_sec=30.0), points)
    lost = [second for second, celsius in enumerate(told) if celsius is None]
    assert lost == [0, 1, 2, 3, 4, 30, 31, 32, 33, 34, 60, 61, 62, 63, 64]
    assert {celsius for celsius in told if celsius is not None} == {50.0}


def test_a_sensor_sees_what_it_does_not_tell():
    sensor = Sensor(highest_of_sec=10.0, lost_sec=5.0, lost_every_sec=30.0)
    assert readings(sensor, [(2.0, 70.0), (6.0, 40.0)]) == [None, 70.0]


def test_noise_is_in_what_is_rounded_and_not_in_what_the_highest_is_of():
    sensor = Sensor(highest_of_sec=1000.0, noise_celsius=1.0, step_celsius=0.5)
    told = readings(sensor, [(float(second), 50.0) for second in range(500)])
    assert statistics.mean(told) == pytest.approx(50.0, abs=0.2)
    assert all(celsius % 0.5 == 0.0 for celsius in told)


def test_a_sensor_that_begins_to_lag_begins_at_what_it_has():
    reader = SensorReader(Sensor(lag_sec=10.0))
    assert reader.read(0.0, 30.0) == 30.0
    reader.sensor = Sensor()
    assert reader.read(100.0, 60.0) == 60.0
    reader.sensor = Sensor(lag_sec=10.0)
    assert reader.read(110.0, 50.0) == pytest.approx(53.6788, abs=1e-4)
