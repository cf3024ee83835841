# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The command thermal_plan, as it is called."""

import json

import cv2
from ncs_cluster_detector.planning import choose
from ncs_cluster_detector.planning import thermal_plan
from ncs_cluster_detector.planning.air import put_into_air
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
from ncs_cluster_detector.simulation.heat.body import Body
import pytest
from recorded_sticks import recorded_body


def call(capsys, folder, *words):
    """Run the command; return exit code, standard output and standard error."""
    code = thermal_plan.main(['--hours', '0.3', '--out', str(folder), *words])
    return (code, *capsys.readouterr())


@pytest.fixture
def no_picture(monkeypatch):
    """Leave out the picture, which takes longer than the plan."""
    monkeypatch.setattr(thermal_plan, 'draw_plan', lambda *_: None)


def test_table_picture_and_figures_are_made(tmp_path, capsys):
    code, out, err = call(capsys, tmp_path / 'new', '--sticks', '3', '--ambient', '40')
    assert (code, err) == (0, '')
    rows = {line.split('  ')[0].strip(): line for line in out.splitlines()}
    assert 'too hot' in rows['no rotation']
    for policy in ('round_robin', 'coolest'):
        assert ' 65.' in rows[policy]
        assert 'cool enough, but 1' in rows[policy] and ' of 30.8 frames/s' in rows[policy]
    assert ('air 40.0 °C (--ambient), an idle stick 5.0 °C warmer (assumed, see --idle-rise): '
            '45.0 °C\n') in out
    assert 'they sustain 1.33 sticks at full speed, that is 20.5 frames a second' in out
    assert '30.8 frames a second need 5 such sticks with cluster_size 2' in out
    picture = cv2.imread(str(tmp_path / 'new' / 'plan.png'))
    assert picture.shape == (900, 1400, 3)
    assert picture.std() > 10
    plan = json.loads((tmp_path / 'new' / 'plan.json').read_text())
    assert plan['sustainable_cluster_size'] == pytest.approx(4 / 3, rel=1e-3)
    assert [outcome['keeps_the_limit'] for outcome in plan['outcomes']] == [False, True, True]
    assert plan['needed_sticks'] == 5


def test_sticks_may_differ(tmp_path, capsys, no_picture):
    code, _, _ = call(capsys, tmp_path, '--sticks', '3', '--rise', '40,40,60', '--ambient', '25',
                      '--hours', '0.1')
    assert code == 0
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert [stick['rise_celsius'] for stick in plan['sticks']] == [40.0, 40.0, 60.0]
    assert [stick['idle_celsius'] for stick in plan['sticks']] == [30.0] * 3


def test_a_recording_gives_the_constants(tmp_path, capsys, no_picture):
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


@pytest.mark.parametrize('words, idle, air', [
    ([], [30.0] * 3, [25.0] * 3),
    (['--ambient', '45'], [50.0] * 3, [45.0] * 3),
    (['--ambient', '45', '--idle-rise', '0'], [45.0] * 3, [45.0] * 3),
    (['--idle-rise', '8'], [33.0] * 3, [25.0] * 3),
    (['--ambient', '40,41,42', '--idle-rise', '1,2,3'], [41.0, 43.0, 45.0], [40.0, 41.0, 42.0])])
def test_a_resting_stick_is_warmer_than_the_air_by_the_idle_rise(
        tmp_path, capsys, no_picture, words, idle, air):
    code, out, _ = call(capsys, tmp_path, '--sticks', '3', '--hours', '0.1', *words)
    assert code == 0
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert [stick['idle_celsius'] for stick in plan['sticks']] == idle
    assert plan['air']['celsius'] == air
    (line,) = [line for line in out.splitlines() if line.startswith('air ')]
    assert ('(--ambient)' in line) == ('--ambient' in words)
    assert ('(--idle-rise)' in line) == ('--idle-rise' in words)


def constants_at(*idle):
    return [ThermalModel(celsius, 45.0, 120.0) for celsius in idle]


@pytest.mark.parametrize('ambient, rises, idle, air', [
    (None, None, (30.0, 34.0), (27.0, 27.0)),
    (None, [2.0, 2.0], (30.0, 34.0), (30.0, 30.0)),
    ([45.0, 45.0], None, (48.0, 52.0), (45.0, 45.0)),   # by what they differed before
    ([45.0, 45.0], [4.0, 4.0], (49.0, 49.0), (45.0, 45.0))])
def test_recorded_sticks_are_brought_into_other_air(ambient, rises, idle, air):
    constants, found = put_into_air(constants_at(30.0, 34.0), ambient, rises, True)
    assert [stick.idle_celsius for stick in constants] == pytest.approx(idle)
    assert found.celsius == pytest.approx(air)
    assert [a + rise for a, rise in zip(found.celsius, found.idle_rises)] == pytest.approx(idle)


def test_a_body_that_gets_into_warmer_air_is_as_one_that_was_planned_in_it(
        tmp_path, capsys, no_picture):
    plans = []
    for words in (['--ambient', '40', '--body', 'ambient 45'],
                  ['--ambient', '45', '--body', 'hub 0']):
        call(capsys, tmp_path, '--sticks', '2', '--hours', '0.1', *words)
        plans.append(json.loads((tmp_path / 'plan.json').read_text()))
    first, second = (plan['floor_celsius'] for plan in plans)
    assert first == pytest.approx(second)


@pytest.mark.parametrize('words, verdict, to_do', [
    # Cool enough and too few frames: more at work.
    ('--ambient 20 --fps 25 --inference-ms 100', 'cool enough, but 20.0 of 25.0 frames/s',
     '25.0 frames a second need 3 such sticks with cluster_size 3. There are 5: set cluster_size '
     'to 3.'),
    # Held at the limit by slowing down: more sticks.
    ('--ambient 40 --fps 25 --sticks 3', 'cool enough, but ',
     '25.0 frames a second need 4 such sticks with cluster_size 2. There are 3: add 1.'),
    # Both.
    ('--ambient 45 --fps 25 --inference-ms 100', 'cool enough, but 14.5 of 25.0 frames/s',
     ' such sticks with cluster_size 3. There are 5: add '),
    # Neither.
    ('--ambient 25 --fps 20', 'cool enough and fast enough',
     '20.0 frames a second need 2 such sticks with cluster_size 2.'),
    # More than is needed.
    ('--fps 10 --cluster-size 3', 'cool enough and fast enough',
     '10.0 frames a second need 1 such stick with cluster_size 1. There are 5, and cluster_size 1 '
     'is enough.'),
    ('--ambient 45 --fps 20 --cluster-size 4 --sticks 4', 'cool enough and fast enough',
     '20.0 frames a second need 5 such sticks with cluster_size 2. The 4 that there are do with '
     'cluster_size 4.'),
    # What nothing helps against.
    ('--ambient 62 --fps 20', 'too hot, and ',
     'need a limit that is above what idle sticks have, or cooler air.'),
    ('--fps 2000', 'cool enough, but 30.8 of 2000.0 frames/s',
     'need 130 sticks at full speed, and a cluster has 64 at most')])
def test_the_verdict_tells_heat_and_rate_and_what_to_do(
        tmp_path, capsys, no_picture, words, verdict, to_do):
    code, out, err = call(capsys, tmp_path, *words.split())
    assert (code, err) == (0, '')
    (row,) = [line for line in out.splitlines() if line.startswith('coolest')]
    assert verdict in row
    assert to_do in out
    best = json.loads((tmp_path / 'plan.json').read_text())['outcomes'][-1]
    assert best['reaches_the_rate'] == ('fast enough' in row)
    assert best['keeps_the_limit'] == ('cool enough' in row)


def test_a_rate_that_no_cluster_reaches_is_said_with_choose_too(
        tmp_path, capsys, monkeypatch, no_picture):
    monkeypatch.setattr(choose, '_SETTLING', (1.5, 10.0, 10.0))
    monkeypatch.setattr(choose, '_COUNTING', (1.5, 10.0, 10.0))
    code, out, err = call(capsys, tmp_path, '--fps', '2000', '--choose', '--time-constant', '5')
    assert (code, err) == (0, '')
    assert '2000.0 frames a second cannot be had within 65 °C' in out
    assert 'It takes 130 sticks at full speed, and a cluster has 64 at most' in out


def test_several_cameras_share_what_the_sticks_sustain(tmp_path, capsys):
    code, out, err = call(capsys, tmp_path, '--ambient', '45', '--fps', '30,30,5',
                          '--camera-weights', '2,1,1')
    assert (code, err) == (0, '')
    assert cv2.imread(str(tmp_path / 'plan.png')).shape == (900, 1400, 3)
    plan = json.loads((tmp_path / 'plan.json').read_text())
    assert plan['input_frames_per_sec'] == 65.0
    assert plan['cameras'] == [{'input_frames_per_sec': rate, 'weight': weight}
                               for rate, weight in ((30.0, 2.0), (30.0, 1.0), (5.0, 1.0))]
    assert plan['settings']['camera_weights'] == [2.0, 1.0, 1.0]
    for outcome in plan['outcomes']:
        first, second, third = outcome['frames_per_sec_of_cameras']
        assert (first, third) == (pytest.approx(2 * second, abs=0.01), 5.0)
        assert first + second + third == pytest.approx(outcome['frames_per_sec'], abs=0.01)
    heading, *rows = out[out.index('Of these '):].splitlines()[1:5]
    assert heading.split('  ') == ['camera', 'weight', 'images a second', 'inferred']
    shares = plan['outcomes'][-1]['frames_per_sec_of_cameras']
    assert [row.split() for row in rows] == [
        [str(number), weight, rate, f'{share:.1f}'] for number, (weight, rate, share) in enumerate(
            zip(('2', '1', '1'), ('30.0', '30.0', '5.0'), shares))]


def test_one_camera_has_nothing_to_share(tmp_path, capsys, no_picture):
    outs = [call(capsys, tmp_path, '--sticks', '2', '--fps', '20', '--hours', '0.1', *words)
            for words in ([], ['--camera-weights', '3'])]
    assert outs[0] == outs[1]
    assert 'each camera' not in outs[0][1]
    assert 'cameras' not in (tmp_path / 'plan.json').read_text()


@pytest.mark.parametrize('words, text', [
    (['--fps', '30,30', '--camera-weights', '2,1,1'],
     '--camera-weights: 3 values for 2 rates of --fps; give one weight for each rate'),
    (['--camera-weights', '2'], '--camera-weights without the rates of the cameras; give'),
    (['--idle-rise', '1,2'], '--idle-rise: 2 values for 5 sticks'),
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
    (['--idle-rise', '-1'], '-1: expected 0 to 100'),
    (['--fps', '30,0'], '0: expected 0.1 to 10000'),
    (['--camera-weights', '1,-1'], '-1: expected 0 to 1000'),
    (['--sticks', '2.5'], "invalid whole number value: '2.5'"), (['--what'], '--what'),
    (['--body', 'dye 20'], "'dye 20': unknown; expected one of die, hub"),
    (['--body', 'die'], "'die': expected die RISE [SECONDS]"),
    (['--body', 'die 20 5 6'], "'die 20 5 6': expected die RISE [SECONDS]"),
    (['--body', 'hub warm'], "'hub warm': warm: expected a number from 0 to 200"),
    (['--body', 'die 20,'], "'': unknown"),
    (['--body', 'lost-temperature 60'], 'no reading would ever come')])
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


def test_a_die_in_a_recording_is_planned_with(tmp_path, capsys, no_picture):
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


def test_settings_are_chosen_for_a_rate(tmp_path, capsys, monkeypatch, no_picture):
    monkeypatch.setattr(choose, '_SETTLING', (1.5, 10.0, 90.0))
    monkeypatch.setattr(choose, '_COUNTING', (1.5, 10.0, 150.0))
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
