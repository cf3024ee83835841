# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The monitors of a stick: commands one by one, and their answers, whatever they are."""

import struct

from blocking_calls import in_thread
from blocking_calls import wait_until
from invented_stick import InventedStick
from invented_stick import NAME
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.xlink import commands
from ncs_cluster_detector.sticks.xlink import monitors
from ncs_cluster_detector.sticks.xlink.link import Link
from ncs_cluster_detector.sticks.xlink.monitors import Command
from ncs_cluster_detector.sticks.xlink.monitors import DeviceMonitor
from ncs_cluster_detector.sticks.xlink.monitors import GraphMonitor
from ncs_cluster_detector.sticks.xlink.monitors import RefusedError
from ncs_cluster_detector.sticks.xlink.protocol.events import Kind
import pytest
from traffic_bench import LONG_SEC

OK = bytes(4)
OPTION_BYTES = 160


class Bench:
    """A link to a stick whose monitors answer what a test has put into ``answers``."""

    def __init__(self, in_background=False):
        """Open both monitors."""
        self.answers = []
        self.stick = InventedStick(lambda name, data: self.answers.pop(0) if self.answers else ())
        self.link = Link(self.stick, NAME, in_background)
        for name in (b'deviceMonitor', b'graphMonitor'):
            self.stick.open(name, 4096)
        self.link.await_streams(frozenset({'deviceMonitor', 'graphMonitor'}), LONG_SEC)
        self.device = DeviceMonitor(self.link, NAME)
        self.graphs = GraphMonitor(self.link, NAME)

    def told(self):
        """Return the commands that the stick has got."""
        return [data for header, data in self.stick.asked if header.kind == Kind.WRITE_REQ]

    def tell(self, *packets):
        """Let the graph monitor say something."""
        for packet in packets:
            self.stick.tell(b'graphMonitor', packet)


@pytest.fixture
def monitored():
    """Return a Bench, closed after the test."""
    bench = Bench()
    yield bench
    assert bench.link.close()
    assert bench.stick.wrong == []


def test_an_option_of_the_device(monitored):
    monitored.answers = [[struct.pack('<26f', *range(26))], [struct.pack('<I', 77)]]
    assert monitored.device.ask(commands.THERMAL, commands.THERMAL_ANSWER) == struct.pack(
        '<26f', *range(26))
    assert monitored.device.ask(commands.MEMORY_USED, commands.NUMBER) == struct.pack('<I', 77)
    assert monitored.told() == [commands.device_command(1), commands.device_command(3)]
    assert monitored.link.levels(monitored.device.stream) == (0, 0)


@pytest.mark.parametrize('size', [0, 4, 103, 105, 208])
def test_an_answer_of_another_size_is_the_stick_s_error(monitored, size):
    monitored.answers = [[bytes(size)]]
    with pytest.raises(StickLostError, match=f'device option 1 on stick {NAME}: an answer of '
                       f'{size} bytes, expected 104; restart the stick'):
        monitored.device.ask(commands.THERMAL, commands.THERMAL_ANSWER)


def test_no_answer_about_the_device_is_the_stick_s_error(monitored, monkeypatch):
    monkeypatch.setattr(monitors, '_OPTION_SEC', 0.05)
    with pytest.raises(StickLostError, match='a packet in stream deviceMonitor has not come'):
        monitored.device.ask(commands.THERMAL, commands.THERMAL_ANSWER)


def test_several_threads_may_ask(monitored):
    monitored.answers = [[struct.pack('<I', number)] for number in range(20)]
    calls = [in_thread(monitored.device.ask, commands.MEMORY_USED, commands.NUMBER)
             for _ in range(20)]
    for thread, _ in calls:
        thread.join(LONG_SEC)
    assert sorted(struct.unpack('<I', outcome[0])[0] for _, outcome in calls) == [*range(20)]


def test_a_command_is_answered_by_a_status(monitored):
    monitored.answers = [[OK]]
    assert monitored.graphs.obey(b'command', 'doing it') == b''
    assert monitored.told() == [b'command']
    assert monitored.link.levels(monitored.graphs.stream) == (0, 0)


def test_a_command_with_an_answer_has_a_packet_before_the_status(monitored):
    monitored.answers = [[b'a' * OPTION_BYTES, OK], [b'abcd', OK]]
    assert monitored.graphs.obey(b'get', 'reading', OPTION_BYTES) == b'a' * OPTION_BYTES
    assert monitored.graphs.obey(b'get', 'reading', 4) == b'abcd'


@pytest.mark.parametrize('size', [0, OPTION_BYTES])
def test_a_refused_command_is_an_error_with_the_status_and_the_link_goes_on(monitored, size):
    monitored.answers = [[struct.pack('<I', 5)], [OK]]
    with pytest.raises(RefusedError, match=f'^doing it on stick {NAME}: status 5, expected 0$',
                       ) as caught:
        monitored.graphs.obey(b'command', 'doing it', size)
    assert caught.value.status == 5
    monitored.graphs.obey(b'command', 'doing more')
    assert monitored.link.failure is None


def test_a_status_of_success_without_the_answer_is_a_refusal(monitored):
    monitored.answers = [[OK]]
    expected = f'status 0 and no answer, expected {OPTION_BYTES} bytes'
    with pytest.raises(RefusedError, match=expected):
        monitored.graphs.obey(b'get', 'reading', OPTION_BYTES)


@pytest.mark.parametrize('size, packets, message', [
    (0, [b'abc'], 'an answer of 3 bytes, expected 4; restart'),
    (0, [bytes(160)], 'an answer of 160 bytes, expected 4; restart'),
    (0, [b''], 'an answer of 0 bytes, expected 4; restart'),
    (160, [bytes(159), OK], 'an answer of 159 bytes, expected 160; restart'),
    (160, [bytes(160), bytes(5)], 'an answer of 5 bytes, expected 4; restart')])
def test_answers_of_another_size_are_the_stick_s_error(monitored, size, packets, message):
    monitored.answers = [packets]
    with pytest.raises(StickLostError, match=f'doing it on stick {NAME}: {message}'):
        monitored.graphs.obey(b'command', 'doing it', size)


def test_a_command_goes_to_the_stick_when_the_one_before_is_answered(monitored):
    first, second, third = (Command(name, name.decode()) for name in (b'1st', b'2nd', b'3rd'))
    for command in (first, second, third):
        monitored.graphs.submit(command)
    assert monitored.link.answers(LONG_SEC) and monitored.told() == [b'1st']
    monitored.answers = [[OK], [struct.pack('<I', 2)]]
    monitored.tell(OK)   # the first is done, and the others follow
    with pytest.raises(RefusedError, match='3rd on stick .*: status 2'):
        monitored.graphs.finish(third)
    assert monitored.told() == [b'1st', b'2nd', b'3rd']
    assert monitored.graphs.finish(first) == monitored.graphs.finish(second) == b''


def test_many_threads_may_give_commands(monitored):
    monitored.answers = [[struct.pack('<I', number), OK] for number in range(40)]
    calls = [in_thread(monitored.graphs.obey, b'get', 'reading', 4) for _ in range(40)]
    for thread, _ in calls:
        thread.join(LONG_SEC)
    assert sorted(struct.unpack('<I', outcome[0])[0] for _, outcome in calls) == [*range(40)]
    assert monitored.link.failure is None


def test_a_refusal_for_which_nobody_waits_takes_the_link_down(monitored):
    monitored.answers = [[struct.pack('<I', 2)]]
    monitored.graphs.submit(Command(b'trigger', 'starting graph 0', is_awaited=False))
    assert monitored.link.await_end(LONG_SEC)
    assert f'starting graph 0 on stick {NAME}: status 2, expected 0' in str(
        monitored.link.failure)


def test_an_answer_to_no_command_takes_the_link_down(monitored):
    monitored.tell(OK)
    assert monitored.link.await_end(LONG_SEC)
    assert 'an answer of 4 bytes to no command' in str(monitored.link.failure)


def test_a_second_status_takes_the_link_down(monitored):
    monitored.answers = [[OK, OK]]
    monitored.graphs.obey(b'command', 'doing it')
    assert monitored.link.await_end(LONG_SEC)
    assert 'to no command' in str(monitored.link.failure)


def test_a_command_without_an_answer_is_the_stick_s_error(monitored, monkeypatch):
    monkeypatch.setattr(monitors, 'COMMAND_SEC', 0.05)
    with pytest.raises(StickLostError, match='the answer to doing it in stream graphMonitor has '
                       'not come within 0.05 s'):
        monitored.graphs.obey(b'command', 'doing it')


def test_a_stick_that_leaves_ends_all_commands():
    bench = Bench(in_background=True)
    calls = [in_thread(bench.graphs.obey, b'command', 'doing it') for _ in range(3)]
    wait_until(lambda: bench.told())
    bench.stick.leave()
    for thread, outcome in calls:
        thread.join(LONG_SEC)
        assert type(outcome[0]) is StickLostError
    assert bench.link.close()


def test_packets_are_released_when_all_are_there(monitored):
    stream = monitored.device.stream
    for packet in (b'one', b'two'):
        monitored.stick.tell(b'deviceMonitor', packet)
    found = monitors.packets(monitored.link, stream, 2, LONG_SEC)
    assert found == [b'one', b'two'] and not stream.unreleased
    monitored.stick.tell(b'deviceMonitor', b'one')
    with pytest.raises(StickLostError, match='a packet in stream deviceMonitor has not come'):
        monitors.packets(monitored.link, stream, 2, 0.5)
    assert len(stream.unreleased) == 1
