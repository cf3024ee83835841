# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The comparison of conversations sees each wrong field, and nothing in what is left to chance."""

import json

from conversations.conversation_runs import CONVERSATIONS
from conversations.conversation_runs import SAMPLE
from conversations.kept_conversations import differences
from conversations.kept_conversations import keep
from conversations.kept_conversations import kept
from conversations.kept_conversations import kept_file
from conversations.kept_conversations import RECORDED
from conversations.normal_form import normal_form
from conversations.stick_link import BrokenProtocolError
import pytest

MOST_BYTES = 200_000
GRAPH_COMMAND, DEVICE_COMMAND = 76, 12
# The bytes that the commands to the graph monitor set, by their first eight; the names have one
# digit.
SET_IN_GRAPH_COMMANDS = {
    '0000000000000000': {*range(12), *range(12, 25), *range(36, 40)},
    '0000000001000000': {*range(12)},
    '0000000002000000': {*range(12), *range(28, 36)},
    '0100000000000000': {*range(14), *range(24, 52), 64, 65},
    '0100000001000000': {*range(8), *range(24, 28)}}


@pytest.fixture
def lines():
    """Return the record of a small conversation, as the fake bus wrote it."""
    text = (RECORDED / f'{SAMPLE}.jsonl').read_text()
    return [json.loads(line) for line in text.splitlines()]


@pytest.fixture
def kept_form():
    """Return the kept normal form of that conversation."""
    return kept(kept_file(SAMPLE))[0]


def is_different(kept_form, lines):
    """Tell whether the comparison rejects a record."""
    try:
        return differences(kept_form, normal_form(lines)) != []
    except BrokenProtocolError:
        return True


def places(lines, **facts):
    """Return the numbers of the lines that have these facts; there must be some."""
    found = [number for number, line in enumerate(lines)
             if all(line.get(name) == value for name, value in facts.items())]
    assert found, facts
    return found


def with_changed_byte(lines, number, place):
    """Return the lines with another byte at a place in the data of one."""
    changed = bytearray.fromhex(lines[number]['data'])
    changed[place] ^= 1
    return [*lines[:number], {**lines[number], 'data': changed.hex()}, *lines[number + 1:]]


def test_the_sample_has_its_kept_normal_form(lines, kept_form):
    assert differences(kept_form, normal_form(lines)) == []


def test_kept_files_are_read_as_they_were_written(lines, tmp_path):
    form, told = normal_form(lines), ['one', 'two', 'one']
    keep(tmp_path / 'kept.json', form, told)
    assert kept(tmp_path / 'kept.json') == (form, told)


def test_kept_files_are_few_and_small():
    assert {path.stem for path in RECORDED.iterdir()} == {
        *CONVERSATIONS, 'node', 'node_two_networks'}
    assert sum(path.stat().st_size for path in RECORDED.iterdir()) < MOST_BYTES


@pytest.mark.parametrize('sender', ['host', 'stick'])
@pytest.mark.parametrize('field', ['kind', 'name', 'stream', 'size', 'flags'])
def test_each_field_of_each_request_counts(lines, kept_form, sender, field):
    for number in [number for number in places(lines, sender=sender)
                   if lines[number]['kind'].endswith('_REQ')]:
        line = lines[number]
        wrong = ({'PING_REQ': 'RESET_REQ'}.get(line['kind'], 'PING_REQ') if field == 'kind' else
                 line[field] + ('x' if field == 'name' else 50))
        assert is_different(kept_form, [
            *lines[:number], {**line, field: wrong}, *lines[number + 1:]]), line


def test_each_set_field_of_each_answer_counts(lines, kept_form):
    fields = {'WRITE_RESP': ('stream', 'size'), 'CREATE_RESP': ('stream', 'size', 'name'),
              'CLOSE_RESP': ('stream',)}
    for number in [number for number, line in enumerate(lines)
                   if line.get('kind', '').endswith('_RESP')]:
        line = lines[number]
        for field in ('id', 'flags', *fields.get(line['kind'], ())):
            wrong = 'x' if field == 'name' else line[field] + 50
            assert is_different(kept_form, [
                *lines[:number], {**line, field: wrong}, *lines[number + 1:]]), (field, line)
        assert is_different(kept_form, [*lines[:number], {**line, 'kind': 'READ_RESP'},
                                        *lines[number + 1:]]), line


def test_each_set_byte_of_a_packet_counts(lines, kept_form):
    for size, set_bytes in (
            (DEVICE_COMMAND, range(8)), (4, range(4)), (32, range(32)),
            (2304, (0, 1150, 2303)), (1414, (0, 700, 1413))):
        for number in places(lines, kind='WRITE_REQ', size=size):
            for place in set_bytes:
                assert is_different(kept_form, with_changed_byte(lines, number, place)), (
                    place, lines[number])
    for number in places(lines, kind='WRITE_REQ', size=GRAPH_COMMAND):
        for place in SET_IN_GRAPH_COMMANDS[lines[number]['data'][:16]]:
            assert is_different(kept_form, with_changed_byte(lines, number, place)), (
                place, lines[number])


def test_the_digest_of_a_long_packet_counts(lines, kept_form):
    number = places(lines, kind='WRITE_REQ', size=20_000)[0]
    line = lines[number]
    lines[number] = {**line, 'data': [20_000, '0' * 64]}
    assert is_different(kept_form, lines)


@pytest.mark.parametrize('kinds', [
    {'CREATE_REQ', 'WRITE_REQ', 'CLOSE_REQ', 'PING_REQ', 'RESET_REQ'}, {'READ_REL_REQ'}])
def test_the_order_of_requests_counts(lines, kept_form, kinds):
    wanted = [number for number in places(lines, sender='host')
              if lines[number]['kind'] in kinds]
    for first, second in zip(wanted, wanted[1:]):
        # Releases on two streams are not ordered: a host may have a thread for what comes.
        is_ordered = kinds != {'READ_REL_REQ'} or lines[first]['stream'] == lines[second]['stream']
        if is_ordered and text_of(lines[first]) != text_of(lines[second]):
            swapped = list(lines)
            swapped[first], swapped[second] = lines[second], lines[first]
            assert is_different(kept_form, swapped), (lines[first], lines[second])


def moved(lines, number, before):
    """Return the lines with one of them at an earlier place."""
    return [*lines[:before], lines[number], *lines[before:number], *lines[number + 1:]]


def commands(lines, first_bytes):
    """Return the numbers of the lines with these commands to the graph monitor."""
    return [number for number in places(lines, kind='WRITE_REQ', size=GRAPH_COMMAND)
            if lines[number]['data'].startswith(first_bytes)]


@pytest.mark.parametrize('what, rule', [
    ('trigger', 'before its tensor'), ('command', 'before the answer'),
    ('end of a FIFO', 'before its last packet'), ('close', 'before the graph monitor')])
def test_what_must_come_before_what_on_other_streams(lines, what, rule):
    if what == 'trigger':
        number, = commands(lines, '0000000002000000')
        before = places(lines, kind='WRITE_RESP', sender='stick', size=2304)[0]
    elif what == 'command':
        number = commands(lines, '0100000000000000')[1]
        before = max(place for place in places(lines, sender='stick', kind='WRITE_REQ', size=4)
                     if place < number)
    elif what == 'end of a FIFO':
        number = commands(lines, '0100000001000000')[0]
        before, = places(lines, sender='host', kind='WRITE_REQ', size=8)
    else:
        number = places(lines, sender='host', kind='CLOSE_REQ')[0]
        before = max(place for place in places(lines, sender='stick', kind='WRITE_REQ', size=4)
                     if place < number)
    normal_form(lines)
    with pytest.raises(BrokenProtocolError, match=rule):
        normal_form(moved(lines, number, before))


def text_of(line):
    """Return what is compared of a request in a text of its own."""
    return json.dumps({**line, 'id': 0})


def test_an_answer_before_its_request_is_wrong(lines, kept_form):
    for number in places(lines, kind='WRITE_RESP', sender='stick'):
        assert is_different(kept_form, [
            lines[number], *lines[:number], *lines[number + 1:]]), lines[number]


def test_what_is_lost_or_said_twice_counts(lines, kept_form):
    for number, line in enumerate(lines):
        if line.get('usb') not in ('open', 'release', 'close'):
            assert is_different(kept_form, [*lines[:number], *lines[number + 1:]]), line
            assert is_different(kept_form, [*lines[:number], line, *lines[number:]]), line


def test_the_firmware_counts(lines, kept_form):
    for number, line in enumerate(lines):
        if 'rom' in line:
            assert is_different(kept_form, [
                *lines[:number], {**line, 'rom': 511}, *lines[number + 1:]])
        elif 'firmware' in line:
            assert is_different(kept_form, [
                *lines[:number], {**line, 'firmware': [1300, '0' * 64]}, *lines[number + 1:]])


def test_ids_are_free_if_answers_have_those_of_their_requests(lines, kept_form):
    for line in lines:
        if 'id' in line:
            line['id'] = line['id'] * 3 + 1
    assert not is_different(kept_form, lines)


def test_fields_that_answers_do_not_set_are_free(lines, kept_form):
    free = {'WRITE_RESP': ('name',), 'READ_REL_RESP': ('name', 'stream', 'size'),
            'CLOSE_RESP': ('name', 'size'), 'PING_RESP': (), 'RESET_RESP': ()}
    for number in places(lines, sender='host'):
        line = lines[number]
        for field in free.get(line['kind'], ()):
            lines[number] = {**lines[number], field: 'left over' if field == 'name' else 4711}
    assert not is_different(kept_form, lines)


def test_bytes_that_commands_do_not_set_are_free(lines, kept_form):
    for number in places(lines, kind='WRITE_REQ', size=DEVICE_COMMAND):
        for place in range(8, DEVICE_COMMAND):
            lines = with_changed_byte(lines, number, place)
    for number in places(lines, kind='WRITE_REQ', size=GRAPH_COMMAND):
        set_bytes = SET_IN_GRAPH_COMMANDS[lines[number]['data'][:16]]
        for place in set(range(GRAPH_COMMAND)).difference(set_bytes):
            lines = with_changed_byte(lines, number, place)
    number, = places(lines, kind='WRITE_REQ', size=8, sender='host')   # the end of the FIFO
    for place in range(4, 8):
        lines = with_changed_byte(lines, number, place)
    assert not is_different(kept_form, lines)
