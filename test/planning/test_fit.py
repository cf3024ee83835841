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

"""Sticks' constants from what was recorded of made-up sticks."""

from ncs_cluster_detector.planning.fit import fit_constants
from ncs_cluster_detector.planning.fit import mean_constants
from ncs_cluster_detector.policy.heat_constants import Constants
import pytest
from recorded_sticks import CONSTANTS
from recorded_sticks import recorded
from recorded_sticks import series_of


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


def test_a_short_recording_is_not_sure():
    fit = fit_constants(series_of(*recorded(Constants(30.0, 45.0, 300.0), 60, 20, 10, noise=0.5)))
    assert not fit.is_sure
    assert any('too short' in note for note in fit.notes)
    assert fit.constants.rise_celsius == pytest.approx(45.0, rel=0.5)


def test_work_is_not_guessed_from_noise():
    readings, _ = recorded(Constants(25.0, 35.0, 300.0), 900, noise=0.5)
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
