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

"""The command thermal_plan, as it is called."""

import json

import cv2
from ncs_cluster_detector.planning import choose
from ncs_cluster_detector.planning import thermal_plan
from ncs_cluster_detector.simulation.body import Body
import pytest
from recorded_sticks import recorded_body


def call(capsys, folder, *words):
    """Run the command; return exit code, standard output and standard error."""
    code = thermal_plan.main(['--hours', '0.5', '--out', str(folder), *words])
    return (code, *capsys.readouterr())


def test_table_picture_and_figures_are_made(tmp_path, capsys):
    code, out, err = call(capsys, tmp_path / 'new', '--sticks', '3', '--ambient', '45')
    assert (code, err) == (0, '')
    rows = {line.split('  ')[0].strip(): line for line in out.splitlines()}
    assert 'too hot' in rows['no rotation']
    for policy in ('round_robin', 'coolest'):
        assert ' 65.' in rows[policy]
        assert 'slowed down to 6' in rows[policy]
    assert 'they sustain 1.33 sticks at full speed, that is 20.5 frames a second' in out
    assert '30.8 frames a second need 5 such sticks with cluster_size 2' in out
    picture = cv2.imread(str(tmp_path / 'new' / 'plan.png'))
    assert picture.shape == (900, 1400, 3)
    assert picture.std() > 10
    plan = json.loads((tmp_path / 'new' / 'plan.json').read_text())
    assert plan['sustainable_cluster_size'] == pytest.approx(4 / 3, rel=1e-3)
    assert [outcome['keeps_the_limit'] for outcome in plan['outcomes']] == [False, True, True]
    assert plan['needed_sticks'] == 5


def test_sticks_may_differ(tmp_path, capsys):
    code, _, _ = call(capsys, tmp_path, '--sticks', '3', '--rise', '40,40,60', '--ambient', '25')
    assert code == 0
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert [stick['rise_celsius'] for stick in plan['sticks']] == [40.0, 40.0, 60.0]
    assert [stick['idle_celsius'] for stick in plan['sticks']] == [25.0] * 3


def test_a_recording_gives_the_constants(tmp_path, capsys):
    rising = [30 + 45 * (1 - 2.718281828 ** (-second / 120)) for second in range(300)]
    cooling = [30 + (rising[-1] - 30) * 2.718281828 ** (-second / 120) for second in range(300)]
    (tmp_path / 'report.json').write_text(json.dumps({'sticks': [{
        'stick': number, 'time_sec': list(range(600)), 'temperature_celsius': rising + cooling,
        'active': [True] * 299 + [False] * 301,
        'inferences': [round(min(second, 299) * 15.4) for second in range(600)],
    } for number in range(3)]}))
    code, out, _ = call(capsys, tmp_path, '--fit', str(tmp_path / 'report.json'), '--hours', '0.1')
    assert code == 0
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert len(plan['sticks']) == 3
    for stick in plan['sticks']:
        assert stick['idle_celsius'] == pytest.approx(30.0, abs=0.5)
        assert stick['rise_celsius'] == pytest.approx(45.0, rel=0.03)
        assert stick['time_constant_sec'] == pytest.approx(120.0, rel=0.03)
    assert 'stick 2: ' in out
    assert call(capsys, tmp_path, '--fit', str(tmp_path / 'report.json'), '--sticks', '5',
                '--hours', '0.1')[0] == 0
    assert len(json.loads((tmp_path / 'plan.json').read_text())['sticks']) == 5


@pytest.mark.parametrize('words, text', [
    (['--rise', '40,50'], '--rise: 2 values for 5 sticks'),
    (['--fit', '/nowhere/report.json'], 'No such file'),
    (['--fit', '/nowhere'], 'no such file'),
    (['--choose'], '--choose: settings are chosen for a wanted rate; give --fps'),
    (['--body', 'die 45'], 'die 45: expected less than the 45 C'),
    (['--body', 'cooling 0.6 7'], 'cooling of stick 7: there are 5 sticks'),
])
def test_what_does_not_fit_is_one_line_and_exit_code_2(tmp_path, capsys, words, text):
    code, out, err = call(capsys, tmp_path, *words)
    assert (code, out) == (2, '')
    assert text in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize('words, text', [
    (['--sticks', '0'], '0: expected 1 to 64'), (['--ambient', 'warm'], "'warm'"),
    (['--sticks', '2.5'], "invalid whole number value: '2.5'"), (['--what'], '--what'),
    (['--body', 'dye 20'], "'dye 20': unknown; expected one of die, hub"),
    (['--body', 'die'], "'die': expected die RISE [SECONDS]"),
    (['--body', 'die 20 5 6'], "'die 20 5 6': expected die RISE [SECONDS]"),
    (['--body', 'hub warm'], "'hub warm': warm: expected a number from 0 to 200"),
    (['--body', 'die 20,'], "'': unknown"),
    (['--body', 'lost-temperature 60'], 'nothing would ever be told')])
def test_bad_words_are_one_line(tmp_path, capsys, words, text):
    with pytest.raises(SystemExit) as exit_call:
        thermal_plan.main(words)
    assert exit_call.value.code == 2
    err = capsys.readouterr().err
    assert text in err
    assert len(err.splitlines()) == 1


def test_bodies_are_simulated_and_named(tmp_path, capsys):
    words = 'hub 8 60, die 20 3, camera 30 30'
    code, out, err = call(capsys, tmp_path, '--sticks', '3', '--hours', '0.2', '--body', words)
    assert (code, err) == (0, '')
    assert f'bodies: {words}' in out
    assert 'of that rise 20.0 °C are those of a die in a case, with a time constant of 3.0' in out
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert plan['bodies']['words'] == words
    assert [stick['die_rise_celsius'] for stick in plan['bodies']['sticks']] == [20.0] * 3
    assert [stick['rise_celsius'] for stick in plan['bodies']['sticks']] == [25.0] * 3
    assert [stick['rise_celsius'] for stick in plan['sticks']] == [45.0] * 3


def test_a_die_in_a_recording_is_planned_with(tmp_path, capsys):
    sticks = [recorded_body(Body(30.0, 120.0, 15.0, 5.0), seed=seed) for seed in range(2)]
    (tmp_path / 'report.json').write_text(json.dumps({'sticks': [{
        'stick': number, 'time_sec': [now for now, _ in readings],
        'temperature_celsius': [celsius for _, celsius in readings],
        'active': [active for *_, active in inferences],
        'inferences': [count for _, count, _ in inferences],
    } for number, (readings, inferences) in enumerate(sticks)]}))
    code, out, _ = call(capsys, tmp_path, '--fit', str(tmp_path / 'report.json'), '--hours', '0.1')
    assert code == 0
    assert 'a die in a case is to be seen' in out
    plan = json.loads((tmp_path / 'plan.json').read_text())
    for stick in plan['bodies']['sticks']:
        assert stick['die_rise_celsius'] == pytest.approx(15.0, rel=0.1)
        assert stick['die_time_constant_sec'] == pytest.approx(5.0, rel=0.2)
        assert stick['time_constant_sec'] == pytest.approx(120.0, rel=0.1)


def test_settings_are_chosen_for_a_rate(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(choose, 'CYCLES_MS', (20000,))
    monkeypatch.setattr(choose, 'RESUME_MARGINS', (2.0,))
    code, out, err = call(capsys, tmp_path, '--sticks', '2', '--fps', '12', '--choose',
                          '--time-constant', '60')
    assert (code, err) == (0, '')
    choice = json.loads((tmp_path / 'plan.json').read_text())['choice']
    assert choice['is_enough_with_reserve']
    assert f"recommended: {choice['arguments']}" in out
    for name, value in choice['recommended'].items():
        assert f'-p {name}:={value}' in choice['arguments']
    assert {'peak_celsius', 'switches_per_hour', 'frames_per_sec'} <= set(choice['candidates'][0])


def test_the_help_names_every_option_with_its_default(capsys):
    with pytest.raises(SystemExit):
        thermal_plan.main(['--help'])
    out = capsys.readouterr().out
    assert '--switch-temperature C' in out
    assert '(65.0)' in out
    assert 'None' not in out
