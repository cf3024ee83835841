# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the host knows about the tensors in a stick's queues, and how it waits for the program."""

import threading
import time
from types import SimpleNamespace

from blocking_calls import in_thread
from blocking_calls import LIMIT_SEC
from ncs_cluster_detector.mvnc.api.consumers import Consumers
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.xlink import program_waits
from ncs_cluster_detector.mvnc.xlink.program_waits import ProgramWaits
from ncs_cluster_detector.mvnc.xlink.tensor_queue import TensorQueue
import pytest

SIZE = 24


def queue(places=2, host_reads=False):
    """Return a queue of a stick that is not there."""
    return TensorQueue(SimpleNamespace(
        number=0, places=places, host_reads=host_reads, tensor=SimpleNamespace(size=SIZE)))


def test_results_have_the_keys_of_their_tensors_in_order():
    source, target = queue(), queue(host_reads=True)
    assert not source.start(target)
    source.put(11)
    source.put(12)
    assert source.start(target)
    source.put(13)
    assert source.start(target) and source.start(target) and not source.start(target)
    assert source.unread == 3
    assert [target.take_result() for _ in range(3)] == [11, 12, 13]
    assert source.unread == 0


def test_a_graph_may_take_the_results_of_another_each_once():
    first, between, last = queue(), queue(host_reads=True), queue(host_reads=True)
    first.put(11)
    assert not between.start(last)
    assert first.start(between)
    assert between.start(last)
    assert not between.start(last)
    # Nobody has written its tensor, so no object of the program belongs to it.
    assert last.take_result() == 0
    assert between.take_result() == 11


@pytest.mark.parametrize('written, started, read, waits', [
    (1, 0, 0, False), (2, 0, 0, True), (2, 1, 0, False), (3, 1, 0, True), (3, 3, 0, False),
    (5, 5, 0, True), (5, 5, 1, False), (6, 4, 1, True)])
def test_when_only_the_program_can_make_room(written, started, read, waits):
    source, target = queue(places=2), queue(places=3, host_reads=True)
    for key in range(written):
        source.put(key)
    for _ in range(started):
        source.start(target)
    for _ in range(read):
        target.take_result()
    assert source.waits_for_program() is waits


def test_a_full_queue_waits_until_the_program_reads_or_the_stick_has_room():
    waits, source, target = ProgramWaits(lambda: None), queue(), queue(host_reads=True)
    for key in range(4):
        source.put(key)
        source.start(target)
    used = [2 * SIZE]
    thread, done = in_thread(lambda: waits.await_room(source, SIZE, lambda: used[0]))
    thread.join(0.05)
    assert thread.is_alive()
    with waits.changed:
        target.take_result()
        waits.changed.notify_all()
    thread.join(LIMIT_SEC)
    source.put(5)
    source.start(target)
    thread, done = in_thread(lambda: waits.await_room(source, SIZE, lambda: used[0]))
    thread.join(0.05)
    assert thread.is_alive()
    used[0] = SIZE
    thread.join(LIMIT_SEC)
    assert not thread.is_alive()


def test_a_program_that_never_reads_gets_an_error_that_says_so(monkeypatch, capsys):
    monkeypatch.setattr(program_waits, 'PROGRAM_SEC', 0.05)
    waits, source, target = ProgramWaits(lambda: None), queue(), queue(host_reads=True)
    for key in range(4):
        source.put(key)
        source.start(target)
    source.put(5)
    with pytest.raises(Exception) as caught:
        waits.await_room(source, SIZE, lambda: 2 * SIZE)
    assert caught.value.args == (Status.ERROR,)
    (line,) = capsys.readouterr().err.splitlines()
    assert '1 tensors' in line and '4 whose results are not read' in line


def test_a_wait_for_a_result_ends_when_one_is_started_or_the_stick_is_lost():
    lost = threading.Event()

    def check_up():
        if lost.is_set():
            raise Exception(Status.ERROR)

    waits, source, target = ProgramWaits(check_up), queue(), queue(host_reads=True)
    thread, _ = in_thread(lambda: waits.await_started(target))
    thread.join(0.05)
    assert thread.is_alive()
    with waits.changed:
        source.put(1)
        source.start(target)
        waits.changed.notify_all()
    thread.join(LIMIT_SEC)
    assert not thread.is_alive()
    target.take_result()
    began = time.monotonic()
    thread, outcome = in_thread(lambda: waits.await_started(target))
    lost.set()
    thread.join(LIMIT_SEC)
    assert outcome[0].args == (Status.ERROR,) and time.monotonic() - began < 1.0


@pytest.mark.parametrize('count, reads', [(1, [True, True, True]), (2, [True, False, False])])
def test_the_host_reads_once_what_has_more_consumers(count, reads):
    consumers = Consumers()
    consumers.count = count
    consumers.begin()
    found = []
    for _ in reads:
        found.append(not consumers.host_has_read)
        if found[-1]:
            consumers.consume_by_host()
    assert found == reads


def test_a_result_that_only_graphs_take_is_dropped_by_the_host():
    consumers = Consumers()
    consumers.begin()
    assert consumers.consume_by_graph()
    consumers.count = 2
    consumers.begin()
    consumers.consume_by_host()
    assert not consumers.consume_by_graph()   # it has read it
    assert not consumers.host_has_read        # and may read the next one
    assert not consumers.consume_by_graph()
    assert consumers.consume_by_graph()
