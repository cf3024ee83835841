# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Words that people type: faults and options of simulated sticks, variables of make, addresses."""

import contextlib
import io
from pathlib import Path
import sys

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from fuzz_door import ANY_FLOAT
from fuzz_door import ANY_INT
from fuzz_door import ANY_TEXT
from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import NUMBER_WORDS
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.cameras.registry import check_address
from ncs_cluster_detector.cameras.registry import shown_name
from ncs_cluster_detector.cameras.registry import SOURCES
from ncs_cluster_detector.checking.statuses import read_cameras
from ncs_cluster_detector.checking.statuses import read_statuses
from ncs_cluster_detector.planning.options import make_parser
from ncs_cluster_detector.shown_text import all_shown
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.shown_text import shown_url
from ncs_cluster_detector.simulation import __main__ as simulation
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.faults import fault_words
from ncs_cluster_detector.simulation.faults.stick_faults import parse_faults
from ncs_cluster_detector.simulation.faults.stick_faults import StickFaults

sys.path.append(str(Path(__file__).parents[2] / 'standalone'))
import make_variables  # noqa: E402, I100, I202

LONGEST = 40_000   # characters of a refusal, which quotes what a person typed
FAULT_WORDS = st.sampled_from([words.split()[0] for words in fault_words.FAULTS]
                              + ['', 'unplugged', 'HANG'])
ARGUMENTS = st.sampled_from([*fault_words.CALLS, *fault_words.STATUSES, *fault_words.GARBAGE,
                             'all']) | NUMBER_WORDS | ANY_TEXT


@door(200, faults=st.lists(st.tuples(FAULT_WORDS, st.lists(ARGUMENTS, max_size=3)), max_size=6))
def test_any_faults_are_taken_or_refused_and_read_back(faults):
    found = StickFaults()
    for name, arguments in faults:
        changed = taken_or_refused(
            lambda found=found: found.with_fault(name, *arguments), ValueError, longest=LONGEST)
        found = changed or found
    assert str(parse_faults(str(found))) == str(found)


BUS = SimulatedBus(BusSpec(sticks=2))


@door(100, port=st.sampled_from(['1.1', '1.2', '1.3', '1.65', '']) | ANY_TEXT, name=FAULT_WORDS,
      arguments=st.lists(ARGUMENTS, max_size=2))
def test_any_fault_can_be_injected_or_is_refused(port, name, arguments):
    taken_or_refused(lambda: BUS.inject(port, name, *arguments), ValueError, longest=LONGEST)
    for each in BUS.ports()[:3]:
        each.celsius()
        each.state()


@door(150, also=[{'values': {'boot_ms': 10**400}}], values=st.dictionaries(
    st.sampled_from(list(BusSpec.__dataclass_fields__)),
    ANY_FLOAT | ANY_INT | ANY_TEXT | st.none() | st.booleans() | st.lists(ANY_INT, max_size=2)))
def test_any_bus_is_made_or_refused(values):
    spec = taken_or_refused(lambda: BusSpec(**values), ValueError, longest=LONGEST)
    if spec is not None:
        assert 0 <= spec.open_sec <= 60 and spec.lost_boot_sec >= 0


OPTIONS = st.sampled_from(
    ['--sticks', '--boot-ms', '--leftovers', '--stand-in', '--library-faults', '--help', '--',
     '--fit', '--fps', '--hours', '--ambient', '--choose', '--inference-ms', '--body', '--rise',
     '--cluster-size', 'script.py', '-', '--sticks=3', '--hub', '--air'])


def ends_in_words(parse):
    """Run a parser; it may end the program with a text on one of the outputs."""
    with contextlib.redirect_stderr(io.StringIO()) as errors, \
            contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            parse()
        except SystemExit as end:
            assert end.code in (0, 2)
            assert errors.getvalue() or output.getvalue()


@door(150, words=st.lists(OPTIONS | NUMBER_WORDS | ANY_TEXT, max_size=6))
def test_any_command_line_of_the_tools_is_read_or_refused(words):
    ends_in_words(lambda: simulation._parser().parse_args(words))
    ends_in_words(lambda: make_parser().parse_args(words))


TAKES = {'help': [], 'run': ['SECONDS', 'OUT', 'STICKS', 'AMBIENT'], 'test': ['ARGS'], 'clean': []}
NAMES = st.sampled_from(
    ['SECONDS', 'seconds', 'STICK', 'DRIVER', 'PYTHON', 'V', 'ARG', 'a=b', '']) | ANY_TEXT


@door(200, goals=st.lists(st.sampled_from([*TAKES, 'x', '']) | ANY_TEXT, max_size=3),
      given=st.lists(NAMES, max_size=4))
def test_any_variables_of_make_are_taken_or_refused(goals, given):
    taken = {name for goal in goals or ['help'] for name in TAKES.get(goal, ())}
    wrong = set(given) - taken - set(make_variables.STANDARD)
    known = not TAKES.keys().isdisjoint(goals or ['help'])
    assert bool(make_variables.complaint(TAKES, goals, given)) == bool(wrong and known)
    rows = [f'{goal}: {" ".join(names)}' for goal, names in TAKES.items()]
    with contextlib.redirect_stdout(io.StringIO()):
        make_variables.main([*rows, '--', *(goal for goal in goals if goal != '--'), '--',
                             *(name for name in given if name != '--')])


ADDRESSES = st.lists(st.sampled_from(
    ['rtsp://', 'http:', '//', '/', '\\', 'user', ':', 'secret', '@', 'host', '.', '554', '?', '#',
     'token=', '&', '=', ' ', '\n', '"', "'", '[', ']', '::1', '%40', '/dev/video0', 'file://',
     'package://', 'a.mp4', '~', '...']), max_size=25).map(''.join) | ANY_TEXT


@door(200, also=[{'text': 'http:rtsp://me:secret@host/', 'known': [], 'times': 1},
                 {'text': "'pass" * 3000 + '=', 'known': [], 'times': 1},
                 {'text': '[' * 20_000, 'known': [], 'times': 1}],
      text=ADDRESSES, known=st.lists(ADDRESSES, max_size=2), times=st.integers(1, 300))
def test_any_text_is_shown_in_one_line(text, known, times):
    for each in (text, text * times):
        line = shown(each, *known)
        assert len(line.splitlines()) <= 1
        line.encode()
        all_shown({'a': [shown_url(each)]})
        assert '//user:secret@' not in shown(f'{each} rtsp://user:secret@host/ ')


@door(200, also=[{'source': 'usb', 'device': '9' * 5000},
                 {'source': 'realsense', 'device': '9' * 5000}],
      source=st.sampled_from(list(SOURCES)), device=ADDRESSES | NUMBER_WORDS)
def test_any_device_is_taken_or_refused(source, device):
    taken_or_refused(lambda: check_address(source, device), ValueError, longest=LONGEST)
    assert isinstance(shown_name(source, device), str)


ENCODABLE = st.text(st.characters(codec='utf-8', exclude_characters='\0'), max_size=20)
KEYS = st.sampled_from(
    ['state', 'active', 'temperature_celsius', 'throttle_level', 'inferences', 'inference_ms_p50',
     'restarts', 'pid', 'duty_60s', 'input_fps', 'frames_dropped', 'active_sticks', 'switches',
     'frames_published'])


@door(200, also=[{'statuses': [('detector: stick x', {}, b'\0')]},
                 {'statuses': [('detector: cluster', {'active_sticks': '1,x'}, b'\0')]},
                 {'statuses': [('detector: stick 0', {'pid': 'inf'}, b'\0')]}],
      statuses=st.lists(st.tuples(st.sampled_from(
          ['camera: usb', 'front/camera: usb', 'detector: camera front', 'detector: cluster',
           'detector: stick 0', 'detector: stick ', 'detector: stick ²', 'joy: stick 1',
           'detector: stick ' + '9' * 5000]) | ENCODABLE,
          st.dictionaries(KEYS, NUMBER_WORDS | ENCODABLE | st.sampled_from(['0,3', ',', '1,x'])),
          st.binary(min_size=1, max_size=1)), max_size=4))
def test_any_diagnostics_are_read(statuses):
    made = [DiagnosticStatus(name=name, level=level, values=[
        KeyValue(key=key, value=value) for key, value in values.items()])
        for name, values, level in statuses]
    _, _, sticks = read_statuses(made)
    assert len(sticks) + len(read_cameras(made)) <= len(made)
    for stick in sticks:
        assert_one_line(f'stick {stick.number}: {stick.inferences}')
