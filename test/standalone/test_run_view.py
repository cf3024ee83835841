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

from made_up_figures import one_camera
from made_up_run import camera_status
from made_up_run import cluster_status
from made_up_run import made_up_state
from made_up_run import stick_status
from ncs_cluster_detector.detector_node.diagnostics import statuses
from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import condition_of
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
import pytest
from rich.cells import cell_len
from runner.state import RunState
from runner.tally import PixelDetection
from runner.view.live_view import Facts  # noqa: I100 (made_up_run makes it importable)
from runner.view.live_view import plain_line
from runner.view.live_view import render
from runner.view.stick_table import words_for
from runner.view.terminal import console_for
from runner.view.terminal import Terminal

FACTS = Facts('street_people.mp4', 12.2, 20.0, 107.0)
ESCAPE = re.compile(r'\033\[[0-9;]*m')


def drawn(state, columns=80, rows=24, colour=False, encoding='utf-8', facts=FACTS):
    """Return the lines of the live view on a terminal, which keeps a row for its cursor."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    console = console_for(stream, {} if colour else {'NO_COLOR': '1'})
    console.size = columns - 1, rows - 1
    lines = render(state, facts, console)
    assert stream.buffer.getvalue() == b''   # it renders; to write is the Terminal's
    return lines


def picture(state, *size, **terminal):
    """Return the live view as text, without colours unless they are asked for."""
    return '\n'.join(drawn(state, *size, **terminal))


def stick_lines(state, columns=80, rows=24):
    """Return the lines with bars."""
    return [line for line in drawn(state, columns, rows) if '▕' in line]


@pytest.mark.parametrize('terminal', [
    {'colour': True}, {}, {'colour': True, 'encoding': 'ascii'}])
@pytest.mark.parametrize('sticks', [0, 1, 5, 16, 64])
@pytest.mark.parametrize('size', [
    (20, 4), (40, 10), (39, 24), (63, 24), (64, 24), (71, 24), (72, 24), (80, 24), (120, 40),
    (300, 100)])
def test_it_fits_the_terminal(sticks, size, terminal):
    """No line is wider than the terminal, and one row stays free."""
    columns, rows = size
    state = made_up_state(sticks)
    state.take_statuses([camera_status(level=2, message='away, ' * 50)], 106.0)
    lines = drawn(state, columns, rows, **terminal)
    assert len(lines) <= rows - 1
    assert max(len(ESCAPE.sub('', line)) for line in lines) <= columns


@pytest.mark.parametrize('columns', [20, 39, 60, 80])
def test_signs_that_are_two_cells_wide_fit_too(columns):
    state = made_up_state()
    state.take_statuses([cluster_status(level=1, message='警' * 90), stick_status(
        0, 40.0, why='过热')], 106.0)
    state.take_detections([PixelDetection('行人', 0.9, 0, 0, 1, 1)] * 30, 0.1, 104.0)
    lines = drawn(state, columns, 60, facts=FACTS._replace(source='街道' * 30 + '.mp4'))
    assert max(map(cell_len, lines)) <= columns
    assert ''.join(lines).count('警') == 90 and ''.join(lines).count('街') == 30


@pytest.mark.parametrize('rows', range(4, 30))
def test_at_every_height_sticks_are_shown_or_counted(rows):
    text = picture(made_up_state(5), rows=rows)
    more = re.search(r'and (\d) more', text)
    shown = text.count('▕')
    assert shown + (int(more[1]) if more else 0) == (5 if more or shown else 0)
    assert rows < 8 or shown or more
    assert rows < 12 or shown == 5


def test_a_name_that_fills_a_narrow_terminal_breaks_nothing():
    state = made_up_state(0)
    stick = stick_status(0, 30.0)
    stick.hardware_id = '1.2.3.4.5.6.7-ma2450'
    state.take_statuses([cluster_status(), stick], 106.0)
    lines = drawn(state, 20)
    assert max(map(len, lines)) <= 20 and any(line.startswith(' 0 1.2.3') for line in lines)


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
    lines = drawn(state, columns, 40)
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
    facts = FACTS._replace(source='a ' + 'x' * 60 + ' film')
    lines = [line.split() for line in drawn(made_up_state(), 30, facts=facts)[:6]]
    assert lines == [
        ['5', 'simulated', 'sticks', 'on', 'a'], ['x' * 29], ['x' * 29], ['xx', 'film'],
        ['12', 'of', '20', 's', 'Ctrl-C', 'stops'], []]


def test_a_line_ends_between_two_figures_unless_one_is_longer_than_a_line():
    lines = drawn(made_up_state(), 50)
    assert ' input 24.0 fps   detection 23.5 fps' in lines
    assert ' latency 87 / 143 ms (p50 / p95)' in lines
    assert ' switches 1   last: switch cycle, 3 s ago' in lines
    lines = drawn(made_up_state(), 25)
    assert [' switches 1', ' last: switch cycle, 3 s', ' ago'] == [
        line for line in lines if 'switch' in line or 'ago' in line]


def test_of_many_detections_the_best_are_shown_and_the_others_counted():
    state = made_up_state()
    state.take_detections(
        [PixelDetection('person', score / 100, 0, 0, 1, 1) for score in range(60, 90)], 0.1, 104.0)
    seen = drawn(state, 60)[-1]
    assert seen == ' seen person 89 %, person 88 %, person 87 % and 27 more'
    assert drawn(state, 20)[-1] == ' seen 30 objects'


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
    lines = drawn(state, columns)
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
    cluster = Snapshot(settings, (stick,), (0,) * active, 1, False, None, False, None, 0,
                       None, **one_camera(99.9))
    state = RunState(90.0)
    state.take_statuses(statuses(cluster, 'simulated', 100.0, [Intake('/image_raw')]), 100.0)
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
    line = next(line for line in drawn(run, colour=True) if '▕' in line)
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
    state.take_detections((PixelDetection('\033[2Jghost', 0.9, 0, 0, 1, 1),), 0.1, 104.0)
    facts = FACTS._replace(source='evil\033]0;name\a.mp4')
    assert '\033' not in picture(state, facts=facts) + plain_line(state, facts)


def test_plain_ascii_where_the_terminal_knows_no_more():
    """Bars become # and |."""
    lines = drawn(made_up_state(), encoding='ascii')
    assert ''.join(lines).isascii()
    assert any(re.search(r'\[#+ +\|  +\]', line) for line in lines)


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


def test_a_redraw_writes_over_the_old_lines_and_blanks_none(monkeypatch):
    """Up to the first line, then each line's text before what is erased right of it."""
    monkeypatch.setattr(Terminal, '_measure', lambda self: (80, 24))
    screen = Screen(True)
    with Terminal(screen, {'TERM': 'xterm'}) as terminal:
        terminal.show(made_up_state(), FACTS)
        before = screen.tell()
        terminal.show(made_up_state(6), FACTS)
        redraw = screen.getvalue()[before:]
    text = r'(?:[^\033\n\r]|\033\[[0-9;]*m)*'
    found = re.fullmatch(
        rf'\r\033\[(\d+)A\033\[\?7l((?:{text}\033\[K\n)+)\033\[\?7h\033\[J', redraw)
    assert found, repr(redraw)
    assert int(found[1]) == screen.getvalue()[:before].count('\n')
    assert found[2].count('\n') == int(found[1]) + 1


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
