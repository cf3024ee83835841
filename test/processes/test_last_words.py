# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a process prints: its last line is kept, without colours and folders."""

import os

from ncs_cluster_detector.processes.last_words import LastWords
import pytest

ASSERTION = (b'\x1b[1;31mE: [     xLink] [    18234] dispatcherEventReceive:216\t'
             b'Assertion failed: /root/ncsdk-2.10/api/src/common/XLinkDispatcher.c:216\x1b[0m\n')


@pytest.fixture
def words():
    """Return the LastWords of a process that this test plays."""
    words = LastWords()
    yield words
    words.theirs.close()
    words.close()


def prints(words, text):
    """Print as the process does."""
    assert os.write(words.theirs.fileno(), text) == len(text)


def test_nothing_was_printed_and_nobody_waits_for_it(words):
    words.take_in()   # would not return
    assert words.quote() == ''
    assert len(words.waitables()) == 1


def test_the_last_line_is_quoted_without_colours_and_folders(words):
    prints(words, b'a line before\n' + ASSERTION)
    words.take_in()
    assert words.quote() == ('E: [ xLink] [ 18234] dispatcherEventReceive:216 '
                             'Assertion failed: XLinkDispatcher.c:216')


@pytest.mark.parametrize('text, expected', [
    (b'first\nsecond', 'second'),
    (b'first\r\nsecond\r\n', 'second'),
    (b'first\n\n \t\n\x1b[0m\n', 'first'),
    (b'\x1b[0m\n', ''),
    (b'  several\t words \n', 'several words'),
    (b'./a.c:1: b/c.h:2: at 1/2 of / and n/a', 'a.c:1: c.h:2: at 2 of / and a'),
    (b'not \xff UTF-8', 'not \ufffd UTF-8'),
    (b'\x1b[0;37;41mon red\x1b[m', 'on red')])
def test_whatever_was_printed_one_line_of_plain_text_is_quoted(words, text, expected):
    prints(words, text)
    words.take_in()
    assert words.quote() == expected


def test_a_line_may_come_in_parts(words):
    for part in (b'Assertion fai', b'led: /a/b', b'.c:1\n'):
        prints(words, part)
        words.take_in()
    assert words.quote() == 'Assertion failed: b.c:1'


def test_of_a_long_line_the_beginning_is_quoted(words):
    prints(words, b'x' * 1000)
    words.take_in()
    assert words.quote() == 'x' * 160


def test_of_much_that_was_printed_only_the_end_is_kept(words):
    for _ in range(100):   # of less than a pipe holds
        prints(words, b'y' * 10000)
        words.take_in()
    prints(words, b'\nthe end\n')
    words.take_in()
    assert words.quote() == 'the end'
    # No process can fill this one's memory.
    assert len(words._text) <= 4096


def test_when_the_process_is_gone_there_is_nothing_to_wait_for(words):
    prints(words, b'the end\n')
    words.theirs.close()
    assert len(words.waitables()) == 1
    words.take_in()
    assert words.waitables() == []
    words.take_in()
    assert words.quote() == 'the end'
