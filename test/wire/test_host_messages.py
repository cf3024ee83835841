# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The messages between hosts as JSON: the same comes back, and nothing else is taken."""

from dataclasses import fields
from dataclasses import MISSING
import json
import time

from ncs_cluster_detector.drivers.mvnc import MvncDriver
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import Claim
from ncs_cluster_detector.wire.host_messages import MOST_STICKS
from ncs_cluster_detector.wire.host_messages import Networks
from ncs_cluster_detector.wire.host_messages import networks_of
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.host_messages import VERSION
from ncs_cluster_detector.wire.json_form import BadMessageError
from ncs_cluster_detector.wire.json_form import from_json
from ncs_cluster_detector.wire.json_form import LONGEST_MESSAGE
from ncs_cluster_detector.wire.json_form import LONGEST_TEXT
from ncs_cluster_detector.wire.json_form import MOST_ITEMS
from ncs_cluster_detector.wire.json_form import to_json
from ncs_cluster_detector.wire.messages import WorkerConfig
import pytest
from together_driver import TogetherDriver

# What other programs and other tests are to bear as well.
CAR = Detection('car', 0.9, 0.1, 0.2, 0.3, 0.4)
NETWORKS = Networks(('0123456789abcdef',), ('fedcba9876543210',), 'InputFormat()')
STICK = StickReport(
    3, '1.3-ma2450', StickState.BACKOFF, 41.5, 12345, 0.25, 1, 7, "it's gone: \\x1b \u00e9", 4711,
    30.0, 2, True, 5.0, 0.5, (1, 2))
SERVER = ('a1b2c3d4', 'pi2', '/pi2/stick_server')
FRAMES = '/pi2/stick_server/frames/compressed'
TICKET = ('a1b2c3d4', '11223344', 3, 17)
GOOD = [
    Claim('11223344', '/detector'), Claim('11223344', '/detector', ((3, 1), (4, 2)), True, 'a1b2'),
    Ticket(*TICKET), Ticket(*TICKET, (0.25, 0.0, 0.5, 1.0), (300, 300)), Answer(*TICKET),
    Answer(*TICKET, lost=True), Answer(*TICKET, unreadable='it is damaged'),
    Answer(*TICKET, detections=(CAR, CAR._replace(label='no\u00a0break')), unusable_boxes=1,
           unlabelled_class=21, inference_sec=0.065, result_age_sec=0.001, on_stick_age_sec=0.07,
           picture_size=(480, 640)),
    STICK, StickReport(0, '1.1-ma2450', StickState.RUNNING),
    ServerReport(VERSION, *SERVER, NETWORKS, FRAMES),
    ServerReport(VERSION, *SERVER, NETWORKS, FRAMES, '11223344', '/detector', (300, 300), (STICK,),
                 True)]


@pytest.mark.parametrize('message', GOOD, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was(message):
    text = to_json(message)
    assert from_json(type(message), text) == message
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize('message', GOOD, ids=lambda message: type(message).__name__)
def test_what_has_its_default_does_not_travel_and_what_is_unknown_is_ignored(message):
    content = json.loads(to_json(message))
    for field in fields(message):
        has_default = getattr(message, field.name) == field.default
        assert (field.name in content) is not has_default
    content.update(later_version={'a': [1, {'b': None}]})
    assert from_json(type(message), json.dumps(content)) == message


@pytest.mark.parametrize('message', GOOD, ids=lambda message: type(message).__name__)
def test_a_message_without_what_it_must_have_is_none(message):
    content = json.loads(to_json(message))
    for field in fields(message):
        if field.default is MISSING:
            less = {name: value for name, value in content.items() if name != field.name}
            with pytest.raises(BadMessageError, match=field.name):
                from_json(type(message), json.dumps(less))


NO_NUMBERS = (None, True, '1', [], {}, '')
NO_COUNTS = (*NO_NUMBERS, -1, 1.0, 1.5, 2**63, 10**400)
NO_AGES = (True, '1', [], {}, -0.001, float('nan'), float('inf'), float('-inf'), 10**400, 1e10,
           1e300)
NO_TEXTS = (None, 1, [], {}, 'two\nlines', '\x1b[31m', '\ud800', 'a\u2028b', 'x' * 5000)
NO_SIZES = ([300], [300, 0], [0, 0], [-1, 300], [300, 300, 3], [1, 65536], [2.0, 3], 'ab', 300)
BOX = list(CAR)


@pytest.mark.parametrize('kind, name, values', [
    (Claim, 'session', (*NO_TEXTS, '')), (Claim, 'name', NO_TEXTS),
    (Claim, 'restarts', ([1], [[1]], [[1, -1]], [[1, 2, 3]], 1, {'1': 1}, None)),
    (Claim, 'leaves', (None, 0, 1, 'true')),
    (Ticket, 'session', (*NO_TEXTS, '')), (Ticket, 'stick', NO_COUNTS),
    (Ticket, 'sequence', NO_COUNTS), (Ticket, 'size', NO_SIZES),
    (Ticket, 'region', ([0, 0, 1], [0, 0, 0, 1], [0, 0, 1.1, 1], [-0.1, 0, 1, 1], [1, 1, 1, 1],
                        [0.0, 0.0, float('nan'), 1.0], [0, 0, 1, float('inf')], None)),
    (Answer, 'lost', (None, 1)), (Answer, 'unreadable', NO_TEXTS),
    (Answer, 'unusable_boxes', NO_COUNTS), (Answer, 'inference_sec', (*NO_AGES, 1e4, None)),
    (Answer, 'result_age_sec', (*NO_AGES, 1e4, None)), (Answer, 'picture_size', NO_SIZES),
    (Answer, 'on_stick_age_sec', (*NO_AGES, 1e4, None)),
    (Answer, 'detections', (
        [BOX[:5]], [[1, *BOX[1:]]], [['a\nb', *BOX[1:]]], [[*BOX[:1], 1.01, *BOX[2:]]],
        [[*BOX[:1], -0.1, *BOX[2:]]], [['car', 0.9, 0.3, 0.2, 0.1, 0.4]],
        [['car', 0.9, 0.1, 0.2, 0.1, 0.4]], [['car', 0.9, 0.1, 0.4, 0.3, 0.2]],
        [['car', 0.9, 0.1, 0.2, 1.5, 0.4]], [['car', 0.9, float('nan'), 0.2, 0.3, 0.4]],
        [BOX] * (MOST_ITEMS + 1), {'car': 1}, 'car')),
    (StickReport, 'number', NO_COUNTS), (StickReport, 'reading', NO_COUNTS),
    (StickReport, 'device_name', (*NO_TEXTS, '', 'x' * 101)),
    (StickReport, 'state', ('running', '', None, 1, [], {})),
    (StickReport, 'celsius', (True, '41', [], float('nan'), float('inf'), 1e4, -1e4)),
    (StickReport, 'reading_age_sec', NO_AGES), (StickReport, 'dead_sec', NO_AGES),
    (StickReport, 'start_in_sec', NO_AGES), (StickReport, 'doubt_sec', (*NO_AGES, None)),
    (StickReport, 'throttle_level', (*NO_COUNTS, 3)), (StickReport, 'trials_left', (-1, 10**6)),
    (StickReport, 'restarts', NO_COUNTS), (StickReport, 'last_error', NO_TEXTS),
    (StickReport, 'pid', (-1, 'x', 1.5)), (StickReport, 'in_use', (None, 0)),
    (StickReport, 'held', ([-1], ['1'], 1, [None])),
    (ServerReport, 'version', NO_COUNTS), (ServerReport, 'host', (*NO_TEXTS, '')),
    (ServerReport, 'server', (*NO_TEXTS, '')), (ServerReport, 'node', (*NO_TEXTS, '')),
    (ServerReport, 'frames', (*NO_TEXTS, '', '/', '/detections', 'frames', '/pi2/stick_server/',
                              '/pi2/stick_server/a b', '/pi2/stick_server/1',
                              '/pi2/stick_server/' + 'x' * 200)),
    (ServerReport, 'networks', (None, {}, [], {'graphs': [], 'labels': []})),
    (ServerReport, 'input_size', (*NO_SIZES, [4097, 1])),
    (ServerReport, 'sticks', ([{}], [json.loads(to_json(STICK))] * 2, {}, 1)),
])
def test_what_cannot_be_is_refused_in_one_short_line(kind, name, values):
    good = json.loads(to_json(next(
        message for message in reversed(GOOD) if type(message) is kind)))
    for value in values:
        text = json.dumps({**good, name: value})
        with pytest.raises(BadMessageError) as caught:
            from_json(kind, text)
        assert str(caught.value).isprintable(), text[:200]
        assert kind.__name__ in str(caught.value)
        assert len(str(caught.value)) < 200


@pytest.mark.parametrize('text', [
    '', ' ', 'null', '0', 'nonsense', '[]', '"text"', '{', '{}', '{"session":}', 'NaN',
    '[' * 100_000, '{"session":' * 50_000, '{"a":' + '9' * 10_000 + '}', '\ud800', '\x00',
    '{"session": "\\ud800", "name": "/detector"}'], ids=lambda text: text[:12])
@pytest.mark.parametrize('kind', [Claim, Ticket, Answer, StickReport, ServerReport])
def test_what_is_no_message_is_refused(kind, text):
    with pytest.raises(BadMessageError) as caught:
        from_json(kind, text)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


def test_a_flood_is_refused_before_it_is_read():
    sticks = ','.join([to_json(STICK)] * 10_000)
    report = to_json(ServerReport(VERSION, *SERVER, NETWORKS, FRAMES))
    text = report[:-1] + f',"sticks":[{sticks}]}}'
    assert len(text) > LONGEST_MESSAGE
    began = time.thread_time()
    with pytest.raises(BadMessageError, match='characters, at most'):
        from_json(ServerReport, text)
    assert time.thread_time() - began < 0.01


def test_texts_of_people_pass_even_if_python_calls_them_unprintable():
    for text in ('a\u00a0b', 'a\u200db', '\u00e9\u4e2d\U0001f600', 'a\tb', '\ufeffx'):
        answer = Answer(*TICKET, detections=(CAR._replace(label=text),))
        assert from_json(Answer, to_json(answer)) == answer


def test_the_largest_messages_are_small_and_quickly_read():
    """Of a full bus with four sticks, a result with 20 boxes: five reports a second a host."""
    sticks = tuple(StickReport(
        number, f'1.{number}-ma2450', StickState.RUNNING, 61.25, 123456789, 0.123456789012, 0, 3,
        'it gave no result for 2.0 s; its worker was killed', 12345, 0.0, 0, False, None, None,
        (number, number + 1)) for number in range(4))
    report = ServerReport(VERSION, *SERVER, NETWORKS, FRAMES, '11223344', '/robot/detector',
                          (300, 300), sticks)
    answer = Answer(*TICKET, detections=(Detection(
        'person', 0.123456789012345, 0.123456789012345, 0.2234567890123, 0.323456789012345,
        0.4234567890123),) * 20, inference_sec=0.065123456789012)
    for message, most in ((report, 1700), (answer, 2500), (Ticket(*TICKET), 100),
                          (Claim('11223344', '/robot/detector', ((0, 1),)), 100)):
        text = to_json(message)
        assert len(text) < most
        began = time.thread_time()
        for _ in range(20):
            from_json(type(message), to_json(message))
        assert (time.thread_time() - began) / 20 < 0.004


def test_the_longest_report_that_may_be_sent_can_be_read():
    sticks = tuple(StickReport(
        number, f'1.{number}', StickState.FATAL, last_error='x' * LONGEST_TEXT)
        for number in range(MOST_STICKS))
    report = ServerReport(VERSION, *SERVER, NETWORKS, FRAMES, sticks=sticks)
    assert from_json(ServerReport, to_json(report)) == report


def test_networks_differ_by_what_a_result_depends_on():
    driver = MvncDriver()
    one = WorkerConfig(driver, (b'graph',), (('background', 'car'),))
    same = networks_of(WorkerConfig(TogetherDriver('any'), [b'graph'], (('background', 'car'),)))
    assert networks_of(one).difference(same) == ''
    for other, name in (
            (WorkerConfig(driver, (b'other',), one.labels), 'graph_paths'),
            (WorkerConfig(driver, (b'graph', b'graph'), one.labels * 2), 'graph_paths'),
            (WorkerConfig(driver, one.graphs, (('background', 'cat'),)), 'label_files'),
            (WorkerConfig(driver, one.graphs, one.labels, InputFormat(mean=0.0)), 'input_mean')):
        assert networks_of(one).difference(networks_of(other)).startswith(name)
