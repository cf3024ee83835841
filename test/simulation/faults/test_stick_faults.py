# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The words for faults: what they mean, and that each wrong one says what is expected."""

import math

from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.simulation.faults.fault_words import CALLS
from ncs_cluster_detector.simulation.faults.fault_words import FAULTS
from ncs_cluster_detector.simulation.faults.stick_faults import parse_faults
from ncs_cluster_detector.simulation.faults.stick_faults import StickFaults
from ncs_cluster_detector.simulation.heat.sensor import Sensor
import pytest


def faults_of(*texts):
    faults = StickFaults()
    for text in texts:
        faults = faults.with_fault(*text.split())
    return faults


def test_faults_add_up_until_they_are_cleared():
    faults = faults_of('hang read', 'hang write', 'error open ERROR', 'error option BUSY',
                       'slow 2.5', 'fail-open', 'garbage', 'nan-temperature', 'heat 80')
    assert faults.hang == {'read', 'write'}
    assert faults.status_of('open') is Status.ERROR
    assert faults.status_of('option') is Status.BUSY
    assert faults.status_of('read') is None
    assert (faults.slow, faults.fail_open, faults.garbage) == (2.5, True, 'random')
    assert (faults.nan_temperature, faults.celsius) == (True, 80.0)
    assert faults.with_fault('clear') == StickFaults()


def test_all_means_every_call():
    assert faults_of('hang all').hang == set(CALLS)


def test_the_last_of_a_kind_counts():
    faults = faults_of('error read ERROR', 'error read BUSY', 'slow 2', 'slow 1', 'heat 80',
                       'heat -5', 'garbage nan', 'garbage inf')
    assert faults.status_of('read') is Status.BUSY
    assert (faults.slow, faults.celsius, faults.garbage) == (1.0, -5.0, 'inf')


@pytest.mark.parametrize('texts', [
    [], ['hang all'], ['slow 0.125'], ['heat -40', 'nan-temperature'], ['garbage counts'],
    ['tells-temperature -87.9', 'coarse-temperature 0.5'], ['tells-temperature 0'],
    ['noisy-temperature 1.5', 'highest-temperature 5', 'lagging-temperature 20'],
    ['lost-temperature 5 30'], ['lost-temperature 5 60'], ['lost-temperature 0 5'],
    ['die 8'], ['die 8 2.5'], ['die 0'], ['ambient 45 600'], ['ambient 45'], ['ambient 0'],
    ['throttle 70', 'cooling 0.5'],
    ['mute', 'nak', 'swallow 540000', 'no-usb-reset', 'no-access', 'unheard', 'slow-boot 7.5'],
    ['fail-open', *(f'error {call} UNSUPPORTED_CONFIGURATION_FILE' for call in CALLS)]])
def test_as_text_they_are_the_same(texts):
    assert parse_faults(str(faults_of(*texts))) == faults_of(*texts)


@pytest.mark.parametrize('text, expected', [
    ('explode', 'unplug, plug, hang, error, slow, fail-open, garbage, nan-temperature, tells-t'),
    ('hang', r'hang CALL\|all'), ('hang reed', 'enumerate, open, allocate, .* all'),
    ('error read', 'error CALL STATUS'), ('error all ERROR', 'enumerate, open'),
    ('error read OK', 'BUSY, ERROR'), ('slow 0', 'more than 0'), ('slow inf', 'number'),
    ('slow 1001', '1000 at most'), ('heat warm', 'number'), ('heat 201', '-40 to 200'),
    ('tells-temperature', 'CELSIUS'), ('tells-temperature nan', 'number'),
    ('tells-temperature -1001', '-1000 to 1000'), ('coarse-temperature 0', 'more than 0'),
    ('coarse-temperature 51', '50 at most'), ('die', r'die RISE \[SECONDS\]'),
    ('die -1', 'rise -1: expected 0 to 100'), ('die 8 0', 'time constant 0: .* more than 0'),
    ('die 8 5 3', 'die RISE'), ('ambient', 'ambient CELSIUS'), ('ambient 201', '-40 to 200'),
    ('ambient 45 -1', '0 to 86400 seconds'), ('throttle hot', 'number'),
    ('throttle', 'throttle CELSIUS'), ('noisy-temperature -1', '0 to 50'),
    ('highest-temperature 3601', '0 to 3600 seconds'), ('lagging-temperature nan', 'number'),
    ('lost-temperature 5', 'SECONDS EVERY'), ('lost-temperature 5 0', 'more than 0'),
    ('lost-temperature 60 5', 'lost 60 of every 5 seconds: expected no more than 5'),
    ('garbage bin', 'nan, inf, counts, random'), ('clear all', 'expected clear'),
    ('fail-open now', 'expected fail-open'), ('mute all', 'expected mute'),
    ('slow-boot', 'slow-boot SECONDS'), ('slow-boot -1', '0 to 3600 seconds'),
    ('slow-boot soon', 'number'), ('swallow 1.5', 'whole bytes'), ('swallow -1', 'whole bytes'),
    ('swallow inf', 'number'), ('swallow', 'swallow BYTES')])
def test_a_wrong_word_is_refused(text, expected):
    with pytest.raises(ValueError, match=expected) as caught:
        faults_of(text)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('text', ['mute', 'nak', 'swallow 1'])
def test_a_silent_stick_hangs_all_calls_but_those_to_its_rom(text):
    faults = faults_of(text, 'hang enumerate')
    assert faults.silent
    assert {call for call in CALLS if faults.hangs(call)} == set(CALLS) - {'open'}
    assert str(faults.after_power_off()) == 'hang enumerate'
    assert not faults_of('swallow 1', 'swallow 0').silent


@pytest.mark.parametrize('texts, told', [
    ([], 43.3), (['tells-temperature -87.9'], -87.9), (['tells-temperature 0'], 0.0),
    (['coarse-temperature 0.5'], 43.5), (['coarse-temperature 1'], 43.0),
    (['coarse-temperature 1', 'tells-temperature 20.3'], 20.3)])
def test_what_a_sensor_tells(texts, told):
    faults = faults_of(*texts)
    reading = faults.sensor.rounded(43.3)
    assert faults.reported(reading) == told
    assert math.isnan(faults.with_fault('nan-temperature').reported(reading))


def test_a_sensor_that_is_lost_tells_no_number_unless_it_tells_something_else():
    assert math.isnan(StickFaults().reported(None))
    assert faults_of('tells-temperature 20').reported(None) == 20.0


def test_words_of_one_sensor_add_up_and_the_last_of_each_counts():
    faults = faults_of('noisy-temperature 2', 'noisy-temperature 1', 'lost-temperature 5 30',
                       'coarse-temperature 0.5', 'highest-temperature 4', 'lagging-temperature 7')
    assert faults.sensor == Sensor(7.0, 4.0, 1.0, 0.5, 5.0, 30.0)


def test_a_word_without_its_last_argument_forgets_the_former_one():
    assert faults_of('die 8 2', 'die 9') == faults_of('die 9')
    assert faults_of('ambient 45 600', 'ambient 50') == faults_of('ambient 50')


def test_every_word_in_the_table_is_known():
    words = {usage.split()[0] for usage in FAULTS} - {'plug', 'unplug', 'stuck-temperature'}
    for word in words:
        with pytest.raises(ValueError, match=f'expected {word}'):
            StickFaults().with_fault(word, *['1'] * 5)
