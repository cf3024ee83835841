# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The stick server on real workers: answers, lost frames, restarts, owners, reports."""

import os
import signal
import threading
import time

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.supervision.serving.pool_server import LONGEST_REPORT_SEC
from ncs_cluster_detector.supervision.serving.pool_server import REPORT_SEC
from ncs_cluster_detector.supervision.serving.server_owner import SILENCE_SEC
from ncs_cluster_detector.supervision.supervisor_options import UnusableParameterError
import numpy as np
import psutil
import pytest
from server_bench import RUNNING
from supervisor_bench import picture
from supervisor_bench import QUICK

ONE, TWO = BusSpec(sticks=1, **QUICK), BusSpec(sticks=2, **QUICK)
SLOW = BusSpec(sticks=1, boot_ms=0.0, inference_ms=300.0, transfer_ms=1.0)
LATE_SEC = 0.3   # for a busy machine


class Owner:
    """A detector that claims a server until the test is over."""

    def __init__(self, bench, session='a'):
        self._bench, self._session, self.restarts = bench, session, ()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._claim)
        self._thread.start()
        bench.wait_for(lambda: bench.reports and bench.reports[-1].owner == session)

    def _claim(self):
        while True:
            self._bench.claim(self._session, restarts=self.restarts)
            if self._over.wait(REPORT_SEC):
                return

    def end(self):
        self._over.set()
        self._thread.join()


@pytest.fixture
def own(serve):
    """Return a function that starts a server with running sticks and an Owner."""
    owners = []

    def start(bus=TWO, **options):
        bench = serve(bus, **options)
        bench.wait_until_all_run()
        owners.append(Owner(bench))
        return bench, owners[-1]

    yield start
    for owner in owners:
        owner.end()


def test_a_server_says_who_it_is_what_it_has_and_that_it_is_free(serve):
    bench = serve(TWO)
    bench.wait_until_all_run()
    report = bench.reports[-1]
    assert (report.server, report.host, report.node) == (bench.id, 'pi2', '/pi2/stick_server')
    assert (report.owner, report.owner_name, report.leaves) == ('', '', False)
    assert report.input_size == (300, 300)
    assert [stick.device_name for stick in report.sticks] == ['1.1-ma2450', '1.2-ma2450']
    for stick in report.sticks:
        assert stick.pid
        assert stick.celsius == pytest.approx(30.0, abs=5.0)
        assert 0.0 <= stick.reading_age_sec < 2.0 + LATE_SEC


def test_reports_come_in_time_and_number_the_readings(serve):
    bench = serve(ONE)
    bench.wait_until_all_run()
    begin = len(bench.reports)
    bench.wait_for(lambda: len(bench.reports) >= begin + 15)
    times = bench.report_times[begin:]
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert max(gaps) < REPORT_SEC + LATE_SEC
    assert sorted(gaps)[len(gaps) // 2] == pytest.approx(REPORT_SEC, abs=0.05)
    readings = [report.sticks[0].reading for report in bench.reports[begin:]]
    assert 2 <= len(set(readings)) <= len(readings) / 2
    assert readings == sorted(readings)


def test_answers_stand_for_reports_but_not_for_long(own):
    bench, _ = own(ONE)
    begin, until = len(bench.reports), time.monotonic() + 2.5
    answered_at = []
    while time.monotonic() < until:
        bench.answer_to(bench.send())
        answered_at.append(time.monotonic())
    times = bench.report_times[begin:]
    gaps = [after - before for before, after in zip(times, times[1:])]
    assert LONGEST_REPORT_SEC - 0.05 <= max(gaps) < LONGEST_REPORT_SEC + LATE_SEC
    bench.wait_for(lambda: bench.report_times[-1] > answered_at[-1])
    assert bench.report_times[-1] - answered_at[-1] < REPORT_SEC + LATE_SEC


def test_frames_show_as_well_that_the_owner_is_there(own):
    bench, owner = own(ONE)
    owner.end()
    until = time.monotonic() + 2 * SILENCE_SEC
    while time.monotonic() < until:
        bench.answer_to(bench.send())
    assert bench.reports[-1].owner == 'a'


@pytest.mark.parametrize('data, values', [
    (picture(), {'size': (240, 320)}), (None, {}), (None, {'region': (0.0, 0.0, 1.0, 1.0)})])
def test_a_frame_is_answered_with_what_is_in_it(own, data, values):
    bench, _ = own(ONE)
    began = time.monotonic()
    sequence = bench.send(**({} if data is None else {'data': data}), **values)
    answer = bench.answer_to(sequence)
    assert (answer.server, answer.session, answer.stick) == (bench.id, 'a', 0)
    assert not answer.lost and not answer.unreadable
    [found] = answer.detections
    assert found.label == 'car'
    assert found.x_min == pytest.approx(0.25, abs=0.02)
    assert answer.picture_size == (None if data is not None else (240, 320))
    took_sec = time.monotonic() - began
    assert 0.0 <= answer.result_age_sec <= answer.on_stick_age_sec <= took_sec
    assert 0.005 <= answer.inference_sec <= took_sec


def test_the_region_of_an_encoded_picture_is_what_the_networks_see(own):
    bench, _ = own(ONE)
    answer = bench.answer_to(bench.send(region=(0.0, 0.0, 0.5, 1.0)))
    [found] = answer.detections   # in that region: the detector knows where it lies
    assert found.x_min == pytest.approx(0.5, abs=0.02)
    assert found.x_max == pytest.approx(1.0, abs=0.02)


def test_what_is_no_picture_is_said_and_the_stick_goes_on(own):
    bench, _ = own(ONE)
    answer = bench.answer_to(bench.send(data=np.arange(99, dtype=np.uint8)))
    assert answer.unreadable
    assert not answer.lost
    assert bench.answer_to(bench.send()).detections
    assert bench.stick(0).restarts == 0


@pytest.mark.parametrize('data, values', [
    (np.zeros(0, np.uint8), {}), (np.zeros(0, np.uint8), {'size': (1, 1)}),
    (np.zeros(9, np.uint8), {'size': (2, 2)}), (np.zeros(9, np.uint8), {'size': (0, 3)})])
def test_a_picture_of_another_size_than_it_says_is_none(serve, data, values):
    bench = serve(BusSpec(sticks=0))
    with pytest.raises(ValueError):
        bench.send(data=data, **values)


def test_frames_for_a_stick_that_is_full_or_none_come_back_lost_at_once(own):
    bench, _ = own(SLOW)
    sequences = [bench.send() for _ in range(3)]
    unknown = bench.send(stick=7)
    assert bench.answer_to(sequences[2]).lost
    assert bench.answer_to(unknown).lost
    assert not bench.answer_to(sequences[0]).lost
    assert not bench.answer_to(sequences[1]).lost
    assert bench.stick(0).restarts == 0


def test_a_report_says_which_frames_a_stick_has(own):
    bench, _ = own(SLOW)
    sequences = [bench.send(), bench.send()]
    bench.wait_for(lambda: bench.stick(0).held == tuple(sequences))
    bench.answer_to(sequences[1])
    bench.wait_for(lambda: bench.stick(0).held == ())


def test_frames_that_are_not_of_the_owner_or_not_for_this_process_get_no_answer(own):
    bench, _ = own(TWO)
    others = [bench.send(session='b'), bench.send(server='another')]
    bench.answer_to(bench.send())
    bench.answer_to(bench.send(1))
    assert not {answer.sequence for answer in bench.answers} & set(others)


def test_frames_for_free_sticks_get_no_answer_and_no_work(serve):
    bench = serve(ONE)
    bench.wait_until_all_run()
    bench.send()
    begin = len(bench.reports)
    bench.wait_for(lambda: len(bench.reports) > begin + 2)
    assert bench.answers == []
    assert bench.server.sticks[0].inferences == 0


def kill(bench):
    os.kill(bench.stick(0).pid, signal.SIGKILL)


def hang(bench):
    bench.bus.inject('1.1', 'hang', 'all')


def unplug(bench):
    bench.bus.inject('1.1', 'unplug')


@pytest.mark.parametrize('fault', [kill, hang, unplug])
def test_the_frames_of_a_stick_that_fails_come_back_lost_and_that_is_reported_at_once(own, fault):
    bench, _ = own(BusSpec(sticks=2, boot_ms=0.0, inference_ms=500.0, transfer_ms=1.0),
                   inference_timeout_sec=1.0)
    sequences = [bench.send(), bench.send()]
    bench.wait_for(lambda: bench.stick(0).held == tuple(sequences))
    fault(bench)
    assert [bench.answer_to(sequence).lost for sequence in sequences][1]
    lost_at = time.monotonic()
    bench.wait_for(lambda: bench.stick(0).state is not RUNNING)
    assert time.monotonic() < lost_at + LATE_SEC
    assert bench.answer_to(bench.send()).lost
    assert not bench.answer_to(bench.send(1)).lost
    bench.bus.inject('1.1', 'clear')
    if fault is unplug:
        bench.bus.inject('1.1', 'plug')
    bench.wait_until_all_run()
    assert bench.stick(0).restarts == 1
    assert bench.stick(0).last_error
    assert bench.stick(0).trials_left or fault is unplug
    assert not bench.answer_to(bench.send()).lost


def test_a_stick_is_started_again_once_for_each_wish(own):
    bench, owner = own(TWO)
    pid = bench.stick(0).pid
    for wish in (1, 2):
        owner.restarts = ((0, wish),)
        bench.wait_for(lambda: bench.stick(0).restarts == wish)
        bench.wait_until_all_run()
    begin = len(bench.reports)
    bench.wait_for(lambda: len(bench.reports) > begin + 5)
    assert bench.stick(0).restarts == 2
    assert bench.stick(0).pid != pid
    assert bench.stick(1).restarts == 0


def test_frames_that_come_with_a_wish_for_a_restart_are_lost(own):
    """A faster message for a worker that ends must not end the server."""
    bench, owner = own(ONE)
    sequences = []
    for wish in range(1, 4):
        bench.wait_until_all_run()
        bench.claim(restarts=((0, wish), (0, wish), (9, 1)))
        owner.restarts = ((0, wish),)
        sequences += [bench.send(), bench.send()]
        assert [bench.answer_to(sequence).lost for sequence in sequences[-2:]] == [True, True]
        bench.wait_for(lambda: bench.stick(0).restarts == wish)
    assert bench.is_at_work


def test_an_owner_that_was_silent_comes_back_without_further_restarts(own):
    bench, owner = own(ONE)
    owner.restarts = ((0, 1),)
    bench.wait_for(lambda: bench.stick(0).restarts == 1)
    bench.wait_until_all_run()
    owner.end()
    bench.wait_for(lambda: not bench.reports[-1].owner)
    bench.claim(restarts=((0, 1),))   # after an outage
    bench.wait_for(lambda: bench.reports[-1].owner)
    bench.answer_to(bench.send())
    assert bench.stick(0).restarts == 1
    bench.claim(restarts=((0, 2),))
    bench.wait_for(lambda: bench.stick(0).restarts == 2)


def test_the_wishes_of_others_are_not_done(own):
    bench, _ = own(ONE)
    bench.claim('b', restarts=((0, 5),))
    bench.answer_to(bench.send())
    begin = len(bench.reports)
    bench.wait_for(lambda: len(bench.reports) > begin + 2)
    assert bench.stick(0).restarts == 0


def test_the_first_detector_has_the_sticks_until_it_gives_them_back(own):
    bench, owner = own(ONE)
    bench.claim('b')
    bench.answer_to(bench.send())
    assert bench.reports[-1].owner_name == '/a'
    bench.claim('b', leaves=True)   # they are not its own
    bench.answer_to(bench.send())
    assert bench.reports[-1].owner == 'a'
    owner.end()
    gone_at, begin = time.monotonic(), len(bench.reports)
    bench.claim('a', leaves=True)
    bench.wait_for(lambda: any(not report.owner for report in bench.reports[begin:]))
    assert time.monotonic() < gone_at + LATE_SEC
    bench.claim('b')
    bench.wait_for(lambda: bench.reports[-1].owner_name == '/b')
    assert [line for _, line in bench.log.lines if 'sticks' in line] == [
        'the sticks serve /a from now on', '/a has given the sticks back',
        'the sticks serve /b from now on']


def test_a_silent_owner_loses_the_sticks_and_its_frames_get_no_answer(own):
    bench, owner = own(BusSpec(sticks=1, boot_ms=0.0, inference_ms=1300.0, transfer_ms=1.0),
                       inference_timeout_sec=5.0)
    frame = bench.send()
    bench.wait_for(lambda: bench.stick(0).held == (frame,))
    owner.end()
    silent_at = time.monotonic()
    bench.wait_for(lambda: not bench.reports[-1].owner)
    took_sec = time.monotonic() - silent_at
    assert SILENCE_SEC - REPORT_SEC - 0.1 <= took_sec < SILENCE_SEC + LATE_SEC
    assert bench.stick(0).held == ()
    heir = Owner(bench, 'b')
    try:
        other = bench.send(session='b')
        bench.answer_to(other)
    finally:
        heir.end()
    assert bench.server.sticks[0].inferences
    assert [answer.sequence for answer in bench.answers] == [other]
    assert sum('was not heard for 1 s' in line for _, line in bench.log.lines) == 1


def test_an_end_is_said_and_leaves_no_process(serve):
    bench = serve(TWO)
    bench.wait_until_all_run()
    bench.claim()
    pids = [stick.pid for stick in bench.reports[-1].sticks]
    bench.send()
    began = time.monotonic()
    bench.stop()
    assert time.monotonic() < began + 4.0
    assert [report.leaves for report in bench.reports][-1]
    assert sum(report.leaves for report in bench.reports) == 1
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_workers_end_also_if_the_end_cannot_be_said(serve):
    bench = serve(ONE)
    bench.wait_until_all_run()
    pid = bench.stick(0).pid

    def fail(message):
        raise RuntimeError('the way is closed')

    bench.take = fail
    bench.stop()
    assert isinstance(bench.failure, RuntimeError)
    assert not psutil.pid_exists(pid)


def test_a_graph_that_no_stick_can_load_ends_the_server(serve):
    bench = serve(ONE, graph=b'no graph')
    bench.wait_for_end()
    assert isinstance(bench.failure, UnusableParameterError)
    assert bench.failure.parameter == 'graph_paths'
    assert bench.reports[-1].leaves


def test_no_stick_is_said_as_well(serve):
    bench = serve(BusSpec(sticks=0))
    bench.wait_for(lambda: len(bench.reports) > 2)
    assert bench.reports[-1].sticks == ()
    bench.claim()
    bench.wait_for(lambda: bench.reports[-1].owner == 'a')
    assert bench.answer_to(bench.send()).lost


def test_an_unplugged_stick_is_absent_in_the_reports(own):
    bench, _ = own(TWO)
    bench.bus.inject('1.2', 'unplug')
    bench.wait_for(lambda: bench.stick(1).state is StickState.ABSENT)
    assert bench.answer_to(bench.send(1)).lost
