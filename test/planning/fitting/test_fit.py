# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks' constants from what was recorded of made-up sticks."""

from ncs_cluster_detector.planning.fitting.fit import fit_constants
from ncs_cluster_detector.planning.fitting.fit import mean_constants
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.sensor import Sensor
import pytest
from recorded_sticks import CONSTANTS
from recorded_sticks import recorded
from recorded_sticks import recorded_body
from recorded_sticks import series_of


@pytest.mark.parametrize('constants', [CONSTANTS, ThermalModel(45.0, 90.0, 16.0),
                                       ThermalModel(22.0, 30.0, 300.0)])
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
    readings, _ = recorded(ThermalModel(30.0, 45.0, 60.0), noise=0.05)
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


def test_a_short_recording_is_not_sure():
    fit = fit_constants(series_of(
        *recorded(ThermalModel(30.0, 45.0, 300.0), 60, 20, 10, noise=0.5)))
    assert not fit.is_sure
    assert any('too short' in note for note in fit.notes)
    assert fit.constants.rise_celsius == pytest.approx(45.0, rel=0.5)


def test_work_is_not_guessed_from_noise():
    readings, _ = recorded(ThermalModel(25.0, 35.0, 300.0), 900, noise=0.5)
    fit = fit_constants(series_of(readings, None))
    assert not fit.is_sure
    assert any('too noisy' in note for note in fit.notes)


def test_a_long_silence_tells_nothing():
    readings, inferences = recorded(seconds=700)
    kept = [index for index, (now, _) in enumerate(readings) if not 200 < now < 410]
    fit = fit_constants(series_of([readings[index] for index in kept],
                                  [inferences[index] for index in kept]))
    assert fit.constants.rise_celsius == pytest.approx(45.0, rel=0.01)
    assert fit.constants.time_constant_sec == pytest.approx(120.0, rel=0.01)


@pytest.mark.parametrize('sensor', [
    Sensor(), Sensor(noise_celsius=0.3), Sensor(noise_celsius=1.0), Sensor(step_celsius=1.0)])
@pytest.mark.parametrize('die', [(10.0, 5.0), (15.0, 10.0), (20.0, 3.0)])
def test_a_die_in_a_case_is_found(die, sensor):
    rise, seconds = die
    fit = fit_constants(series_of(*recorded_body(Body(45.0 - rise, 120.0, rise, seconds), sensor)))
    assert fit.die.rise_celsius == pytest.approx(rise, rel=0.1)
    assert fit.die.time_constant_sec == pytest.approx(seconds, rel=0.2)
    assert fit.die.is_sure
    assert fit.constants.rise_celsius == pytest.approx(45.0, rel=0.15)
    assert fit.constants.time_constant_sec == pytest.approx(120.0, rel=0.15)
    assert any('a die in a case is to be seen' in note for note in fit.notes)


def test_a_die_is_as_sure_as_is_said():
    body = Body(35.0, 120.0, 10.0, 5.0)
    misses = []
    for seed in range(10):
        die = fit_constants(series_of(*recorded_body(
            body, Sensor(noise_celsius=1.0), seed=seed))).die
        misses += [(die.rise_celsius - 10.0) / die.errors[0],
                   (die.time_constant_sec - 5.0) / die.errors[1]]
    assert 0.4 < (sum(miss ** 2 for miss in misses) / len(misses)) ** 0.5 < 2.0


@pytest.mark.parametrize('sensor', [
    Sensor(), Sensor(noise_celsius=0.3), Sensor(noise_celsius=1.0), Sensor(step_celsius=0.1),
    Sensor(step_celsius=1.0), Sensor(lag_sec=5.0), Sensor(highest_of_sec=25.0),
    Sensor(highest_of_sec=25.0, noise_celsius=0.3)])
@pytest.mark.parametrize('body, on_sec, off_sec', [
    (Body(45.0, 120.0), 20, 30), (Body(60.0, 8.0), 60, 60), (Body(30.0, 300.0), 60, 60)])
def test_one_body_is_not_taken_for_two(body, on_sec, off_sec, sensor):
    fit = fit_constants(series_of(*recorded_body(body, sensor, on_sec=on_sec, off_sec=off_sec)))
    assert fit.die is None
    assert fit.is_sure or sensor.lag_sec or sensor.highest_of_sec


@pytest.mark.parametrize('seed', range(6))
def test_steps_of_a_fast_stick_are_not_taken_for_a_die(seed):
    fit = fit_constants(series_of(*recorded_body(
        Body(60.0, 8.0), Sensor(step_celsius=1.0), on_sec=20, off_sec=30, seed=seed)))
    assert fit.die is None


@pytest.mark.parametrize('body, sensor, on_sec, off_sec', [
    (Body(30.0, 120.0, 15.0, 10.0), Sensor(noise_celsius=1.0), 20, 30),
    (Body(35.0, 120.0, 10.0, 5.0), Sensor(noise_celsius=0.3), 7, 9),
    (Body(25.0, 120.0, 20.0, 3.0), Sensor(lag_sec=5.0), 60, 60),
    (Body(35.0, 120.0, 10.0, 5.0), Sensor(highest_of_sec=5.0), 60, 60)])
def test_a_die_that_cannot_be_told_well_is_not_said_to_be_sure(body, sensor, on_sec, off_sec):
    fit = fit_constants(series_of(*recorded_body(body, sensor, on_sec=on_sec, off_sec=off_sec)))
    assert not fit.is_sure if fit.die is None else not fit.die.is_sure
    assert fit.notes
