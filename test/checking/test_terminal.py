# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Lines and ENTER on a real terminal."""

import io
import os
import select

from ncs_cluster_detector.checking.terminal import Terminal
import pytest

PATIENCE_SEC = 10.0


@pytest.fixture
def keyboard():
    """Return the two ends of a terminal: a descriptor to type at, and a stream to read from."""
    master, slave = os.openpty()
    with open(slave, encoding='utf-8') as source:
        yield master, source
    os.close(master)


def test_enter_is_noticed_once_and_never_waited_for(keyboard):
    master, source = keyboard
    terminal = Terminal(io.StringIO(), source)
    assert terminal.can_ask
    assert not terminal.enter_pressed()
    os.write(master, b'\n')
    assert select.select([source], [], [], PATIENCE_SEC)[0]
    assert terminal.enter_pressed()
    assert not terminal.enter_pressed()


def test_without_a_terminal_nobody_is_asked():
    reading, writing = os.pipe()
    with open(reading, encoding='utf-8') as source:
        assert not Terminal(io.StringIO(), source).can_ask
    os.close(writing)
    assert not Terminal(io.StringIO(), None).can_ask


def test_a_reader_that_is_gone_does_no_harm():
    output = io.StringIO()
    terminal = Terminal(output, None)
    terminal.say('a line')
    assert output.getvalue() == 'a line\n'
    output.close()
    terminal.say('another')
