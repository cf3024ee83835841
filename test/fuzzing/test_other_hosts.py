# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What another host may send: anything, in any order; a detector and a server must bear it."""

from dataclasses import fields
from dataclasses import MISSING
from itertools import count
import json
import math

from fuzz_door import ANY_FLOAT
from fuzz_door import ANY_INT
from fuzz_door import ANY_TEXT
from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.serving.forms import frame_of
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import RemoteOptions
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import Claim
from ncs_cluster_detector.wire.host_messages import MOST_STICKS
from ncs_cluster_detector.wire.host_messages import Networks
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.host_messages import VERSION
from ncs_cluster_detector.wire.json_form import BadMessageError
from ncs_cluster_detector.wire.json_form import from_json
from ncs_cluster_detector.wire.json_form import is_text
from ncs_cluster_detector.wire.json_form import LONGEST_TEXT
from ncs_cluster_detector.wire.json_form import to_json
from ncs_cluster_detector.wire.messages import WorkerConfig
import numpy as np
from supervisor_bench import Log

KINDS = (Claim, Ticket, Answer, StickReport, ServerReport)
NETWORKS = Networks(('a graph',), ('labels',), 'a format')
STICKS = tuple(StickReport(number, f'1.{number}-ma2450', StickState.RUNNING, 40.0, 1, 0.1)
               for number in range(2))
REPORT = ServerReport(
    VERSION, 'server', 'pi2', '/pi2/stick_server', NETWORKS, '/pi2/stick_server/frames',
    'session', '/detector', (300, 300), STICKS)
CAR = Detection('car', 0.9, 0.1, 0.2, 0.3, 0.4)
GOOD = [to_json(message) for message in (
    Claim('session', '/detector', ((0, 1),)), Ticket('server', 'session', 1, 17),
    Ticket('server', 'session', 1, 17, (0.25, 0.0, 0.5, 1.0), (300, 300)),
    Answer('server', 'session', 1, 17, detections=(CAR,), picture_size=(480, 640)),
    Answer('server', 'session', 1, 17, lost=True), *STICKS, REPORT)]
NUMBERS = ANY_FLOAT | ANY_INT
ANYTHING = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT | st.sampled_from(
        ['RUNNING', 'session', 'server', '/pi2/stick_server', '1.1-ma2450']),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(ANY_TEXT, values, max_size=3),
    max_leaves=8)


def as_json(value):
    """Return JSON as Python writes it, with NaN and endless numbers; surrogates stay."""
    return json.dumps(value, ensure_ascii=False)


@st.composite
def wrong_objects(draw):
    """Make an object with the keys of a message, each with what it may hold or with anything."""
    good = json.loads(draw(st.sampled_from(GOOD)))
    for name in list(good):
        what = draw(st.integers(0, 9))
        if what == 0:
            del good[name]
        elif what < 4:
            good[name] = draw(ANYTHING)
    for kind in draw(st.lists(st.sampled_from(KINDS), max_size=1)):
        name = draw(st.sampled_from([field.name for field in fields(kind)]))
        good[name] = draw(ANYTHING)
    return as_json(good)


TEXTS = st.one_of(
    wrong_objects(), ANYTHING.map(as_json), ANY_TEXT, st.sampled_from(GOOD),
    spoilt([text.encode() for text in GOOD]).map(lambda data: data.decode(errors='replace')),
    st.builds(lambda bracket, times: bracket * times,
              st.sampled_from(['[', '{"a":', '[[],', '9']), st.integers(1, 20_000)))


def numbers_in(value):
    """Return all numbers in a message."""
    if isinstance(value, (int, float)):
        return [value]
    if isinstance(value, (tuple, list)):
        return [number for item in value for number in numbers_in(item)]
    names = getattr(value, '__dataclass_fields__', ())
    return [number for name in names for number in numbers_in(getattr(value, name))]


@door(600, text=TEXTS)
def test_any_text_is_a_message_or_refused(text):
    for kind in KINDS:
        message = taken_or_refused(lambda kind=kind: from_json(kind, text), BadMessageError,
                                   longest=200)
        if message is not None:
            assert from_json(kind, to_json(message)) == message
            for number in numbers_in(message):
                assert math.isfinite(number)
                assert abs(number) < 2**63


@door(300, text=ANY_TEXT)
def test_whatever_a_worker_says_fits_a_message(text):
    assert is_text(shown(text)[:LONGEST_TEXT])


@door(300, text=wrong_objects(), data=st.binary(max_size=40))
def test_any_ticket_with_any_bytes_is_a_frame_or_refused(text, data):
    def frame():
        return frame_of(from_json(Ticket, text), np.frombuffer(data, np.uint8), 1, 0.0)

    if (taken := taken_or_refused(frame, ValueError)) is None:
        return
    assert taken.nbytes == len(data) > 0
    if not isinstance(taken, EncodedFrame):
        assert taken.region.cut(taken.image).size
    top, bottom, left, right = taken.region.pixels(48, 64)
    assert 0 <= top < bottom <= 48 and 0 <= left < right <= 64


class Link:
    """The way to a server that never does what it is told."""

    def __init__(self):
        self.tickets = []

    def send_claim(self, claim):
        assert from_json(Claim, to_json(claim)) == claim

    def send_frame(self, ticket, picture, header):
        assert from_json(Ticket, to_json(ticket)) == ticket
        assert picture.size
        self.tickets.append(ticket)


class Bench:
    """A supervisor in invented time that has only what other hosts say of their sticks."""

    def __init__(self):
        self.now = 100.0
        self.published, self.unreadable = [], []
        self.log, self.link = Log(), Link()
        self._sequences = count(1)
        self.supervisor = Supervisor(
            SupervisorOptions(WorkerConfig(None, (), ()), local_sticks=False,
                              remote=RemoteOptions(('*',), '/detector', NETWORKS)),
            Settings(min_dwell_ms=0), lambda frame, found: self.published.append((frame, found)),
            self.log, lambda frame, why: self.unreadable.append((frame, why)))
        self.remote = self.supervisor.remote
        self.session = self.remote._session

    def hear(self, kind, values):
        """Take a message of a kind whose values may be anything, if it can be one."""
        base = {'session': self.session, 'owner': self.session}
        known = {field.name for field in fields(kind)}
        content = {**json.loads(to_json(REPORT)), 'stick': 0, 'sequence': 1, 'lost': False, **base}
        if kind is Answer and self.link.tickets:
            content.update(json.loads(to_json(self.link.tickets[-1])))
            content['detections'] = [list(CAR)]
        content.update(values)
        text = as_json({name: value for name, value in content.items() if name in known})
        message = taken_or_refused(lambda: from_json(kind, text), BadMessageError, longest=200)
        if message is not None:
            self.remote.take(self.link, message)
        self.step(0.0)

    def offer(self, kind):
        """Let a camera take a picture."""
        content = np.zeros((4, 6, 3) if kind is Frame else 7, np.uint8)
        self.supervisor.offer(kind(next(self._sequences), content, None, self.now, 0,
                                   Region(0.25, 0.25, 0.5, 0.5)))
        self.step(0.01)

    def step(self, seconds):
        self.now += seconds
        self.supervisor.step(self.now)

    def check(self):
        """Check what has become of it all."""
        sequences = [frame.sequence for frame, _ in self.published]
        assert sequences == sorted(set(sequences))
        for frame, detections in self.published:
            assert min(frame.size) > 0
            for found in detections:
                assert all(0.0 <= value <= 1.0 for value in found[1:])
        for stick in self.supervisor.snapshot.sticks:
            assert isinstance(stick.status.state, StickState)
            for number in numbers_in(stick.status):
                assert not math.isnan(number)
                assert number < 1e10
        assert len(self.supervisor.snapshot.sticks) <= 20 * MOST_STICKS
        for _, line in self.log.lines:
            assert_one_line(line)


FIELDS = [(kind, field) for kind in (Answer, ServerReport) for field in fields(kind)]
STICK_VALUES = {
    'celsius': st.floats(-300, 2000), 'reading_age_sec': st.floats(-1, 1e10),
    'throttle_level': st.integers(-1, 4), 'doubt_sec': st.floats(-1, 1e10),
    'trials_left': st.integers(-1, 2000), 'reading': st.integers(0, 5),
    'state': st.sampled_from([state.value for state in StickState]),
    'device_name': st.sampled_from(['1.1-ma2450', '1.2-ma2450', '1.3-', '-', 'x']) | ANY_TEXT,
    'dead_sec': st.floats(0, 1e10), 'start_in_sec': st.floats(0, 1e10),
    'held': st.lists(st.integers(0, 9), max_size=3), 'number': st.integers(0, 3) | ANY_INT,
    'last_error': ANY_TEXT, 'restarts': st.integers(0, 9) | ANY_INT}
GOOD_STICK = json.loads(to_json(STICKS[0]))


@st.composite
def sticks(draw):
    """Make the list of sticks in a report; most of it is possible."""
    found = []
    for number in range(draw(st.integers(0, 3))):
        stick = {**GOOD_STICK, 'number': number, 'device_name': f'1.{number}-ma2450'}
        for name in draw(st.lists(st.sampled_from(sorted(STICK_VALUES)), max_size=3)):
            stick[name] = draw(STICK_VALUES[name])
        found.append(stick)
    return found


VALUES = st.one_of(
    st.just({}), st.builds(lambda found: {'sticks': found}, sticks()),
    st.sampled_from([
        {'owner': ''}, {'owner': 'another', 'owner_name': '/other'}, {'leaves': True},
        {'version': 2}, {'server': 'second'}, {'server': 'second', 'host': 'pi3'},
        {'lost': True}, {'unreadable': 'why'}, {'sequence': 2}, {'stick': 1},
        {'input_size': [4096, 4096]}, {'input_size': [1, 1]}, {'picture_size': [65535, 1]},
        {'picture_size': [4, 6]}, {'result_age_sec': 3600.0}, {'on_stick_age_sec': 3600.0},
        {'inference_sec': 3600.0}, {'detections': []}]),
    st.builds(lambda field, value: {field[1].name: value}, st.sampled_from(FIELDS), ANYTHING))
ACTIONS = st.lists(st.one_of(
    st.tuples(st.just('hear'), st.sampled_from([Answer, ServerReport]), VALUES),
    st.tuples(st.just('hear'), st.just(ServerReport), st.just({})),
    st.tuples(st.just('step'), st.sampled_from([0.01, 0.2, 0.7, 3.0])),
    st.tuples(st.just('offer'), st.sampled_from([Frame, EncodedFrame]))), max_size=40)


@door(80, actions=ACTIONS)
def test_the_supervisor_survives_whatever_other_hosts_say(actions):
    bench = Bench()
    bench.hear(ServerReport, {})
    assert len(bench.supervisor.snapshot.sticks) == 2 or bench.supervisor._pool.by_number
    for what, *arguments in actions:
        getattr(bench, what)(*arguments)
    # A good server is served again in the end.
    bench.step(3.0)
    bench.hear(ServerReport, {'server': 'last', 'host': 'last', 'sticks': [
        {**GOOD_STICK, 'reading': 77}]})
    bench.step(0.2)
    bench.hear(ServerReport, {'server': 'last', 'host': 'last', 'sticks': [
        {**GOOD_STICK, 'reading': 78}]})
    bench.step(0.2)
    assert 'last/1.0-ma2450' in [stick.device_name for stick in bench.supervisor.snapshot.sticks
                                 if stick.status.state is StickState.RUNNING]
    bench.check()


def test_every_kind_has_a_good_example():
    for kind in KINDS:
        needed = {field.name for field in fields(kind) if field.default is MISSING}
        assert any(needed <= json.loads(text).keys() for text in GOOD), kind
