# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Made-up sticks whose temperatures and work are recorded, for tests."""

import random

from ncs_cluster_detector.planning.fitting.recording import StickSeries
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.simulation.heat.body import BodyHeat
from ncs_cluster_detector.simulation.heat.sensor import Sensor
from ncs_cluster_detector.simulation.heat.sensor import SensorReader

CONSTANTS = ThermalModel(30.0, 45.0, 120.0)
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


def recorded_body(body, sensor=Sensor(), seconds=600, on_sec=60, off_sec=60, seed=1, age_sec=0.0):
    """
    Return the same of a stick that is a Body at 30 C, told by a Sensor in tenths of a degree.

    Each reading tells what the stick had ``age_sec`` before its time, up to a second.
    """
    chance, reader = random.Random(seed), SensorReader(sensor, seed)
    heat, work_sec, now, active = BodyHeat(30.0), 0.0, 0.0, False
    readings, inferences = [], []
    for second in range(seconds):
        elapsed_sec = chance.uniform(0.98, 1.02)
        taken = body.after(heat, float(active), 30.0, elapsed_sec - age_sec)
        heat = body.after(heat, float(active), 30.0, elapsed_sec)
        work_sec += active * elapsed_sec
        now += elapsed_sec
        active = second % (on_sec + off_sec) < on_sec
        readings.append((now, round(reader.read(now - age_sec, taken.celsius), 1)))
        inferences.append((now, round(work_sec * FULL_SPEED), active))
    return readings, inferences


def series_of(readings, inferences, number=0):
    """Return a StickSeries of a stick that is at rest or at full speed."""
    times, celsius = map(list, zip(*readings))
    return StickSeries(number, times, celsius,
                       None if inferences is None else [float(on) for _, _, on in inferences[:-1]])
