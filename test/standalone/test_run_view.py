# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The live view fits its terminal and shows what is known, with colours or without."""

import io
import re

from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import made_up_state
from made_up_run import stick_status
from ncs_cluster_detector.detector_node.diagnostics import Intake
from ncs_cluster_detector.detector_node.diagnostics import statuses
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import condition_of
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
import pytest
from runner.state import Detection
from runner.state import RunState
from runner.view.coloured_text import Style  # noqa: I100 (made_up_run makes it importable)
from runner.view.coloured_text import wrapped
from runner.view.live_view import Facts
from runner.view.live_view import plain_line
from runner.view.live_view import render
from runner.view.stick_table import words_for
from runner.view.terminal import Terminal

FACTS = Facts('street_people.mp4', 12.2, 20.0, 107.0)
COLOURLESS = Style(colour=False)
ESCAPE = re.compile(r'\033\[[0-9;]*m')


def picture(state, columns=80, rows=24, style=COLOURLESS, facts=FACTS):
    """Return the live view as text."""
    return '\n'.join(render(state, facts, columns, rows, style))


def stick_lines(state, columns=80, rows=24):
    """Return the lines with bars."""
    return [line for line in picture(state, columns, rows).split('\n') if '▕' in line]


@pytest.mark.parametrize('style', [Style(), COLOURLESS, Style(unicode=False)])
@pytest.mark.parametrize('sticks', [0, 1, 5, 16, 64])
@pytest.mark.parametrize('size', [
    (20, 4), (40, 10), (39, 24), (63, 24), (64, 24), (71, 24), (72, 24), (80, 24), (120, 40),
    (300, 100)])
def test_it_fits_the_terminal(sticks, size, style):
    """No line is wider than the terminal, and one row stays free."""
    columns, rows = size
    state = made_up_state(sticks)
    state.take_statuses([camera_status(level=2, message='away, ' * 50)], 106.0)
    lines = render(state, FACTS, columns, rows, style)
    assert len(lines) <= rows - 1
    assert max(len(ESCAPE.sub('', line)) for line in lines) <= columns


@pytest.mark.parametrize('sticks', [5, 16])
def test_a_small_terminal_shows_every_stick(sticks):
    """80 x 24 has room for 16 sticks, each with all of its figures."""
    lines = stick_lines(made_up_state(sticks))
    assert [int(line.split()[0]) for line in lines] == list(range(sticks))
    assert all(line.endswith('36 %          20') for line in lines)
    assert '3 1.4 ' in lines[3] and ' active ' in lines[3] and 'resting (turn)' in lines[0]


def test_what_has_no_room_are_resting_sticks():
    """The active ones stay, and a line says how many are left out."""
    lines = stick_lines(made_up_state(16), rows=12)
    assert [line.split()[2] for line in lines].count('active') == 2
    assert f'and {16 - len(lines)} more' in picture(made_up_state(16), rows=12)


def test_it_shows_the_cluster_and_the_detections():
    """Every figure of the cluster is there, and the newest detections in words."""
    text = picture(made_up_state())
    for part in ('5 simulated sticks on street_people.mp4', '12 of 20 s', 'Ctrl-C',
                 'input 24.0 fps', 'detection 23.5 fps', 'latency 87 / 143 ms', 'dropped 16',
                 'active 1,3 (2 of 5)', 'switches 1   last: switch cycle, 3 s ago',
                 'seen person 87 %'):
        assert part in text


def test_one_stick_is_one_stick():
    assert picture(made_up_state(1)).startswith(' 1 simulated stick on ')


def test_a_complaint_is_shown():
    """What the detector or the camera warns of has a line."""
    state = made_up_state()
    state.take_statuses([cluster_status(level=1, message='no image for 6 s')], 106.0)
    state.take_statuses([camera_status(level=2, message='the file is gone')], 106.0)
    assert 'detector: no image for 6 s' in picture(state)
    assert 'camera: the file is gone' in picture(state)


ADVICE = ('2 of 5 sticks active is too much heat for switch_temperature 40.0 C: they sustain 1.1 '
          'at full speed, so frames are spaced out; set cluster_size 1 or add sticks')


@pytest.mark.parametrize('columns', [39, 40, 59, 60, 79, 80, 99, 100, 131, 132])
def test_a_long_complaint_is_whole_and_broken_between_words(columns):
    state = made_up_state()
    state.take_statuses([cluster_status(level=1, message=ADVICE), stick_status(0, 40.0)], 106.0)
    lines = picture(state, columns, 40).split('\n')
    told = ' '.join(' '.join(lines).split())
    assert f'detector: {ADVICE}' in told
    words = {word for line in lines for word in line.split()}
    assert set(ADVICE.split()) <= words
    assert 'resting' in words
    for part in ('simulated', 'Ctrl-C', 'stops', 'latency', 'dropped', 'switches', 'reason'):
        assert part in words


def test_in_a_low_terminal_the_complaint_stands_before_all_figures():
    state = made_up_state()
    state.take_statuses([cluster_status(level=1, message=ADVICE), stick_status(0, 40.0)], 106.0)
    assert picture(state, 79, 6).endswith('or add sticks')


def test_only_a_word_that_is_longer_than_a_line_is_broken():
    lines = wrapped([('ab ', '1'), ('x' * 25, '2'), (' end', '')], 10)
    assert [''.join(text for text, _ in line) for line in lines] == [
        'ab', '   xxxxxxx', '   xxxxxxx', '   xxxxxxx', '   xxxx', '   end']
    assert lines[0] == [('ab', '1')] and lines[1][-1] == ('x' * 7, '2')
    assert wrapped([], 10) == wrapped([('   ', '')], 10) == [[]]


def test_a_line_ends_rather_at_a_gap_between_figures_unless_it_gets_short():
    assert [''.join(text for text, _ in line) for line in wrapped(
        [('input 24.0 fps   latency 87 / 143 ms', '')], 26)] == [
            'input 24.0 fps', '   latency 87 / 143 ms']
    assert [''.join(text for text, _ in line) for line in wrapped(
        [('at   the node was away and is back', '')], 26)] == [
            'at   the node was away and', '   is back']


def test_of_many_detections_the_best_are_shown_and_the_others_counted():
    state = made_up_state()
    state.take_detections(
        [Detection('person', score / 100, 0, 0, 1, 1) for score in range(60, 90)], 0.1, 104.0)
    seen = picture(state, 60).split('\n')[-1]
    assert seen == ' seen person 89 %, person 88 %, person 87 % and 27 more'
    assert picture(state, 20).split('\n')[-1] == ' seen 30 objects'


def bar_of(celsius, columns=80):
    """Return the cells between the ends of the bar of a stick with this temperature."""
    state = made_up_state(1)
    state.take_statuses([cluster_status(), stick_status(0, celsius)], 106.0)
    return re.search('▕(.*)▏', stick_lines(state, columns)[0])[1]


def test_bars_grow_with_the_temperature_past_the_mark():
    """The mark is where the threshold lies on a scale from 20 degrees to 10 above it."""
    width = len(bar_of(30.0))
    for columns in (80, 200):
        mark = bar_of(30.0, columns).index('│')
        assert mark == int(len(bar_of(30.0, columns)) * (65 - 20) / (75 - 20))
    filled = [bar_of(celsius).count('█') for celsius in (10.0, 30.0, 47.5, 64.0, 70.0, 75.0, 99.0)]
    assert filled == sorted(filled)
    assert filled[0] == 0 and filled[2] in (width // 2 - 1, width // 2)
    assert filled[-1] == filled[-2] == width - 1   # all cells but that of the mark
    assert {len(bar_of(celsius)) for celsius in (10.0, 47.3, 99.0)} == {width}


def test_an_unknown_temperature_has_an_empty_bar():
    """A stick that cannot be read is shown as unknown, not as cold."""
    assert set(bar_of('unknown')) == {' ', '│'}
    state = made_up_state(1)
    state.take_statuses([stick_status(0, 'unknown', state='BACKOFF'), cluster_status()], 106.0)
    line = stick_lines(state)[0]
    assert 'BACKOFF' in line and '?' in line and 'resting' not in line


def lines_of(*sticks, columns=80):
    """Return the table's lines of such sticks, where there is room for the bars or not."""
    state = made_up_state(0)
    state.take_statuses([cluster_status(), *sticks], 106.0)
    lines = picture(state, columns).split('\n')
    head = next(index for index, line in enumerate(lines) if line.startswith(' stick'))
    return lines[head + 1:head + 1 + len(sticks)]


@pytest.mark.parametrize('columns', [60, 80, 100, 132])
def test_why_a_stick_rests_stands_beside_its_port(columns):
    lines = lines_of(stick_status(0, 30.1), stick_status(1, 46.0, why='hot, until 37.0', level=1),
                     stick_status(12, 40.0, active=True), columns=columns)
    assert lines[0].startswith('  0 1.1  resting (turn) ')
    assert lines[1].startswith('  1 1.2  resting (hot, until 37.0) ')
    assert lines[2].startswith(' 12 1.13 active ')


@pytest.mark.parametrize('active, shown', [(True, 'active'), (False, 'resting (hot, until 60.0)')])
def test_the_reason_is_read_from_what_the_detector_says(active, shown):
    """The words are made there, and only shown here."""
    settings = Settings(switch_temperature=65.0, resume_margin=5.0)
    status = StickStatus(0, StickState.RUNNING, 63.0, 99.5)
    stick = StickSnapshot(
        status, '1.1-ma2450', active, 0.5, 7, 0, 0.08, 0, '', 4711, condition=condition_of(
            status, settings, celsius=63.0, likely_celsius=63.0, must_cool=True))
    cluster = Snapshot(99.9, settings, (stick,), (0,) * active, 1, False, None, False, None, 0,
                       None, 24.0, 23.5, None, None, 0, 99.9)
    state = RunState(90.0)
    state.take_statuses(statuses(cluster, 'simulated', 100.0, Intake('/image_raw')), 100.0)
    assert [words_for(one) for one in state.sticks] == [shown]


def test_a_narrow_terminal_keeps_the_reason_and_no_bar():
    for why, shown in (('hot, until 37.0', 'resting (hot, until 37.0)   46.0'),
                       ('too hot, until 37.0', 'resting (too hot)           46.0'),
                       ('of a longer reason', 'resting                     46.0')):
        assert lines_of(stick_status(0, 46.0, why=why), columns=39) == [f' 0 1.1 {shown}']


@pytest.mark.parametrize('level, state', [(2, 'QUEUED'), (2, 'STARTING')])
def test_a_stick_that_waits_for_its_turn_or_starts_does_not_look_like_a_failure(level, state):
    assert '31' not in colour_of('unknown', level=level, state=state)


def test_a_stick_that_needs_a_hand_has_what_to_do_beside_its_state():
    state = made_up_state(2)
    state.take_statuses([stick_status(0, 'unknown', state='DEAD'),
                         stick_status(1, 45.0), cluster_status()], 106.0)
    dead, well = stick_lines(state)
    assert 'DEAD' in dead and 'unplug it, plug it in' in dead
    assert len(dead) == len(well)


def colour_of(celsius, active=False, level=0, state='RUNNING'):
    """Return the colours in the line of such a stick."""
    run = made_up_state(1)
    run.take_statuses(
        [cluster_status(), stick_status(0, celsius, active, level, state)], 106.0)
    line = next(line for line in render(run, FACTS, 80, 24, Style()) if '▕' in line)
    # The mark of the threshold has its own colour.
    return set(re.findall(r'\033\[(3\d)m[^│]', line))


def test_colours_tell_what_matters():
    """Active is green, hot amber, critical or not running red, resting has none."""
    assert colour_of(40.0, active=True) == {'32'}
    assert colour_of(40.0) == set()
    assert colour_of(66.0, level=1) == {'33'}
    assert colour_of(75.0, level=2) == {'31'}
    assert '31' in colour_of('unknown', level=2, state='FATAL')


def test_without_colours_there_is_no_escape_sequence():
    """NO_COLOR is respected, and a text from a file cannot smuggle commands in."""
    state = made_up_state()
    state.take_detections((Detection('\033[2Jghost', 0.9, 0, 0, 1, 1),), 0.1, 104.0)
    facts = FACTS._replace(source='evil\033]0;name\a.mp4')
    assert '\033' not in picture(state, facts=facts) + plain_line(state, facts)


def test_plain_ascii_where_the_terminal_knows_no_more():
    """Bars become # and |."""
    text = picture(made_up_state(), style=Style(colour=False, unicode=False))
    assert text.isascii()
    assert '[###' in text and '|' in text


def test_before_anything_is_heard():
    """The first picture says that it waits."""
    assert 'waiting for the nodes' in picture(RunState(100.0))
    assert 'starting' in plain_line(RunState(100.0), FACTS)


def test_plain_line_has_the_same_figures():
    """One line without a terminal's tricks; a star marks active sticks."""
    state = made_up_state()
    line = plain_line(state, FACTS)
    assert '\n' not in line
    for part in ('12.2 s', 'in 24.0 fps', 'out 23.5 fps', '87/143 ms', 'dropped 16',
                 'switches 1', '0:35.4 1*:36.4 2:37.4 3*:38.4', 'person 87 %'):
        assert part in line


class Screen(io.StringIO):
    """A stream that says whether it is a terminal."""

    def __init__(self, tty):
        """Be a terminal or not."""
        super().__init__()
        self.tty = tty

    def isatty(self):
        """Return whether it is a terminal."""
        return self.tty


@pytest.mark.parametrize('tty, environment', [
    (False, {'TERM': 'xterm'}), (True, {'TERM': 'dumb'}), (True, {})])
def test_a_line_a_second_where_nothing_can_be_redrawn(tty, environment):
    """Without a terminal, or on a dumb one, there are lines, and no escape sequences."""
    screen = Screen(tty)
    with Terminal(screen, environment) as terminal:
        assert terminal.due(100.0)
        terminal.show(made_up_state(), FACTS._replace(now=100.0))
        assert not terminal.due(100.9) and terminal.due(101.0)
        terminal.say('a warning')
        terminal.show(made_up_state(), FACTS._replace(now=101.0))
    assert screen.getvalue().count('\n') == 4
    assert screen.getvalue().startswith('sticks and their USB ports: 0=1.1 1=1.2 2=1.3 ')
    assert '\033' not in screen.getvalue()


def test_what_stays_on_a_terminal_is_broken_between_words_and_elsewhere_not_at_all(monkeypatch):
    """A path, which has no spaces, stays whole: the terminal breaks it, and it can be copied."""
    text = 'written to /a/' + 'folder/' * 12 + 'out: report.json, report.png, ' + 'more ' * 20
    for tty in (True, False):
        screen = Screen(tty)
        monkeypatch.setattr(Terminal, '_measure', lambda self: (80, 24))
        with Terminal(screen, {'TERM': 'xterm'}) as terminal:
            terminal.say(f'{text}\n  short')
        lines = ESCAPE.sub('', screen.getvalue()).replace('\033[?25l', '').split('\n')
        assert ' '.join(' '.join(lines[:-2]).split()) == text.strip()
        assert lines[-2] == '  short'
        assert any('/a/folder/' in line and line.endswith('out:') for line in lines) is tty
        assert len(lines) == (6 if tty else 3)
