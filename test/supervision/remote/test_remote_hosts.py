# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The sticks of other hosts in invented time: who may use them, who is heard, who is who."""

from dataclasses import replace
from itertools import count

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.supervision.remote.host_names import MOST_HOSTS
from ncs_cluster_detector.supervision.remote.remote_host import SILENCE_SEC
from ncs_cluster_detector.supervision.remote.remote_log import PREDECESSOR_SEC
from ncs_cluster_detector.supervision.snapshot import HostState
from ncs_cluster_detector.wire.host_messages import MOST_STICKS
from ncs_cluster_detector.wire.host_messages import StickReport
import pytest
from remote_bench import DETECTOR
from remote_bench import NETWORKS
from remote_bench import PERIOD_SEC
from remote_bench import RemoteBench
from remote_bench import RUNNING

ABSENT, BACKOFF = StickState.ABSENT, StickState.BACKOFF


def test_a_free_server_is_claimed_at_once_and_its_sticks_join_in_one_line():
    bench = RemoteBench()
    server = bench.server()
    server.report()
    assert bench.woken == 1
    bench.step()
    assert [(claim.name, claim.restarts, claim.leaves, claim.server) for claim in server.claims
            ] == [(DETECTOR, (), False, server.id)] * len(server.claims) != []
    assert bench.states() == {}
    server.report()
    bench.step()
    assert bench.states() == {0: RUNNING, 1: RUNNING}
    assert [stick.device_name for stick in bench.snapshots().values()] == [
        'pi2/1.1-ma2450', 'pi2/1.2-ma2450']
    assert bench.lines('info')[0] == (
        'host pi2 (/pi2/stick_server) serves this detector: sticks 0, 1')
    assert bench.lines('warning', 'error') == []
    assert bench.host().state is HostState.SERVES
    assert bench.host().sticks == (0, 1)


def test_each_report_is_answered_by_a_claim_so_that_the_server_knows_of_this_detector():
    bench = RemoteBench()
    server = bench.serving()
    server.claims.clear()
    for _ in range(20):
        server.report()
        bench.step(PERIOD_SEC)
        assert bench.now < bench.pool.next_due(bench.now) <= bench.now + SILENCE_SEC
    assert len(server.claims) == 20
    assert len({claim.session for claim in server.claims}) == 1


@pytest.mark.parametrize('hosts, is_used', [
    (('*',), True), (('pi2',), True), (('stick_server',), True), (('/pi2',), True),
    (('/pi2/stick_server',), True), (('pi3',), False), (('pi',), False), (('pi3', '*'), True)])
def test_a_server_is_used_if_its_host_is_named(hosts, is_used):
    bench = RemoteBench(hosts)
    server = bench.server()
    bench.let_report(2)
    assert bool(server.claims) is is_used
    assert (0 in bench.states()) is is_used


def test_a_named_host_is_shown_before_it_is_heard_and_then_by_its_own_name():
    bench = RemoteBench(('front', 'pi9', 'pi9'))
    assert [(host.name, host.state, host.silent_sec) for host in bench.pool.hosts(bench.now)] == [
        ('front', HostState.NEVER_HEARD, None), ('pi9', HostState.NEVER_HEARD, None)]
    bench.serving('raspberrypi', node='/front/stick_server')
    assert [host.name for host in bench.pool.hosts(bench.now)] == ['raspberrypi', 'pi9']
    assert bench.snapshots()[0].device_name == 'raspberrypi/1.1-ma2450'


def test_two_named_hosts_that_have_one_name_keep_those_they_were_given():
    bench = RemoteBench(('raspberrypi', 'front'))
    bench.server('raspberrypi', node='/back/stick_server')
    bench.server('raspberrypi', node='/front/stick_server')
    bench.let_report(3)
    assert [host.name for host in bench.pool.hosts(bench.now)] == ['raspberrypi', 'front']
    assert len({stick.device_name for stick in bench.snapshots().values()}) == 4


def test_a_silent_host_loses_its_sticks_in_one_line_and_its_frames_at_once():
    bench = RemoteBench()
    server = bench.serving()
    frames = [bench.send(0), bench.send(0), bench.send(1)]
    server.report()
    bench.step()
    server.is_cut = True
    said = len(bench.log.lines)
    heard_at = bench.now
    bench.step(SILENCE_SEC - 0.01)
    assert bench.states() == {0: RUNNING, 1: RUNNING}
    assert bench.pool.next_due(bench.now) <= heard_at + SILENCE_SEC
    bench.step(0.011)
    assert bench.states() == {0: ABSENT, 1: ABSENT}
    assert bench.lost == [(0, frames[0]), (0, frames[1]), (1, frames[2])]
    assert bench.log.lines[said:] == [
        ('error', 'host pi2 is not heard; sticks 0, 1 left out until it is back')]
    assert bench.snapshots()[0].last_error == bench.snapshots()[0].away == 'host pi2 is not heard'
    assert bench.snapshots()[0].pid is None
    assert bench.host().silent_sec == pytest.approx(SILENCE_SEC, abs=0.01)
    for status in bench.pool.views.statuses.values():
        assert (status.outstanding, status.busy_since, status.celsius) == (0, None, None)
    bench.step(100.0)
    assert len(bench.log.lines) == said + 1
    assert len(bench.lost) == 3


@pytest.mark.parametrize('is_free', [False, True])
def test_a_host_that_is_back_joins_as_new_with_the_same_numbers(is_free):
    bench = RemoteBench()
    server = bench.serving()
    bench.pool.note_late(0)
    bench.step()
    assert bench.pool.views.statuses[0].doubt_sec > 0
    server.report()
    bench.step()
    server.is_cut = True
    bench.step(3.2)
    server.is_cut = False
    if is_free:   # to its server, this detector was silent
        server.owner = server.owner_name = ''
        server.report()
        bench.step()
    bench.let_report(1)
    assert bench.states() == {0: RUNNING, 1: RUNNING}
    assert bench.pool.views.statuses[0].doubt_sec == 0.0
    assert bench.lines()[-1] == (
        'host pi2 (/pi2/stick_server) serves this detector again, after 3.2 s of silence: '
        'sticks 0, 1')


def test_an_answer_shows_as_well_that_a_host_is_there_but_does_not_bring_it_back():
    bench = RemoteBench()
    server = bench.serving()
    for _ in range(6):
        bench.send(0)
        server.answer(-1)
        bench.step(SILENCE_SEC / 2)
    assert bench.states()[0] is RUNNING
    bench.send(0)
    bench.step(3.0)
    server.answer(-1)
    bench.step()
    assert bench.states()[0] is ABSENT
    assert bench.host().silent_sec >= 3.0


def test_a_server_that_ends_says_so():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(1)
    server.report(leaves=True)
    bench.step()
    assert bench.lost == [(1, frame)]
    assert bench.states() == {0: ABSENT, 1: ABSENT}
    assert bench.lines()[-1] == (
        'host pi2 is not heard: its stick server has ended; sticks 0, 1 left out until it is back')
    assert bench.lines('error') == bench.lines()[-1:]


def test_the_end_of_a_server_that_was_never_used_is_no_news():
    bench = RemoteBench()
    bench.server().report(leaves=True)
    bench.step()
    assert bench.pool.hosts(bench.now) == ()
    assert bench.log.lines == []


def test_a_server_started_again_takes_its_place_also_with_other_numbers():
    bench = RemoteBench()
    first = bench.serving(sticks=3)
    frame = bench.send(2)
    bench.servers.remove(first)   # killed
    second = bench.server(sticks=0)
    second.sticks = {7: StickReport(7, '1.3-ma2450', RUNNING, 50.0, 1, 0.1),
                     0: StickReport(0, '1.2-ma2450', RUNNING, 50.0, 1, 0.1),
                     1: StickReport(1, '1.4-ma2450', RUNNING, 50.0, 1, 0.1)}
    bench.let_report(6)
    assert [host.name for host in bench.pool.hosts(bench.now)] == ['pi2']
    assert bench.lost == [(2, frame)]
    assert {number: stick.device_name for number, stick in bench.snapshots().items()} == {
        number: f'pi2/1.{number + 1}-ma2450' for number in range(4)}
    assert bench.states() == {0: ABSENT, 1: RUNNING, 2: RUNNING, 3: RUNNING}
    bench.send(2)
    assert second.frames[-1][0].stick == 7
    assert second.frames[-1][0].server == second.id
    assert [line for line in bench.lines('warning', 'error') if 'two stick servers' in line] == []


def test_two_servers_with_one_name_are_two_hosts_in_one_warning():
    bench = RemoteBench()
    bench.serving()
    bench.server(node='/other/stick_server')
    bench.let_report(4)
    assert [host.name for host in bench.pool.hosts(bench.now)] == ['pi2', 'pi2_2']
    assert bench.states() == dict.fromkeys(range(4), RUNNING)
    assert bench.lines('warning') == [
        'two stick servers call their host pi2: that of /other/stick_server is called pi2_2 here; '
        'give each host a name of its own (parameter host, or namespace)']


def test_the_second_of_two_with_one_name_is_the_same_after_a_restart():
    bench = RemoteBench()
    bench.serving()
    for _ in range(3):
        second = bench.server(node='/other/stick_server')
        bench.let_report(6)
        assert second.owner
        assert [host.name for host in bench.pool.hosts(bench.now)] == ['pi2', 'pi2_2']
        assert sorted(bench.states()) == [0, 1, 2, 3]
        bench.servers.remove(second)   # killed
        bench.let_report(1)


def test_a_server_with_other_networks_or_of_another_version_is_refused_and_named():
    bench = RemoteBench()
    other = bench.server('pi3', networks=replace(NETWORKS, graphs=('another',)))
    old = bench.server('pi4', version=99)
    bench.let_report(3)
    assert other.claims == old.claims == []
    assert bench.states() == {}
    assert bench.lines() == [
        'host pi3 does not fit: its stick server has other networks (graph_paths differs); start '
        'both with the same files and values',
        'host pi4 does not fit: its stick server speaks version 99 of the messages, expected 1; '
        'install the same version of this package']
    other.says['networks'] = NETWORKS
    bench.let_report(2)
    assert bench.states() == {0: RUNNING, 1: RUNNING}


def test_a_server_that_comes_back_with_another_graph_gets_no_frame():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(0)
    server.says['networks'] = replace(NETWORKS, input_format='rgb')
    bench.let_report(1)
    assert bench.states() == {0: ABSENT, 1: ABSENT}
    assert bench.lost == [(0, frame)]
    claims = len(server.claims)
    bench.let_report(5)
    assert len(server.claims) == claims


def test_a_server_of_another_detector_is_named_and_used_when_it_is_free():
    bench = RemoteBench()
    server = bench.server()
    server.owner, server.owner_name = 'another', '/robot/detector'
    bench.let_report(1)
    assert bench.host().state is HostState.TAKEN
    assert bench.host().owner == '/robot/detector'
    assert bench.log.lines == []   # it may be the process before this one
    while bench.now < 1000.0 + PREDECESSOR_SEC + 3 * PERIOD_SEC:
        bench.let_report(1)
    assert server.claims == []
    [(level, line)] = bench.log.lines
    assert level == 'warning'
    assert '/robot/detector' in line and 'stop one of the two detectors' in line
    server.owner = server.owner_name = ''
    bench.let_report(2)
    assert server.claims
    assert bench.states() == {0: RUNNING, 1: RUNNING}
    assert len(bench.lines('warning', 'error')) == 1


def test_a_server_that_thinks_this_detector_is_gone_is_claimed_again_at_once():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(0)
    server.owner = server.owner_name = ''
    server.report()
    bench.step()
    assert bench.lost == [(0, frame)]
    assert server.owner
    bench.let_report(1)
    assert bench.states() == {0: RUNNING, 1: RUNNING}


def test_a_stick_that_its_host_does_not_list_any_more_is_absent():
    bench = RemoteBench()
    server = bench.serving()
    frame = bench.send(1)
    del server.sticks[1]
    bench.let_report(1)
    assert bench.states() == {0: RUNNING, 1: ABSENT}
    assert bench.lost == [(1, frame)]
    assert bench.snapshots()[1].last_error == 'host pi2 does not list it any more'
    server.sticks[5] = StickReport(5, '1.2-ma2450', RUNNING)
    bench.let_report(1)
    assert bench.states() == {0: RUNNING, 1: RUNNING}


def test_what_a_stick_does_is_shown_and_logged_once():
    bench = RemoteBench()
    server = bench.serving()
    server.change(1, state=BACKOFF, restarts=1, last_error='it hangs', start_in_sec=0.5)
    frame = bench.send(1)
    bench.let_report(3)
    assert bench.lost == [(1, frame)]
    assert bench.states()[1] is BACKOFF
    shown = bench.snapshots()[1]
    assert (shown.restarts, shown.last_error, shown.away) == (1, 'it hangs', '')
    assert bench.lines('error') == [
        'stick 1 (pi2/1.2-ma2450): it hangs; its stick server starts it again']
    server.change(1, state=RUNNING)
    bench.let_report(3)
    assert bench.lines('info').count('stick 1 (pi2/1.2-ma2450) is ready') == 2


def test_numbers_are_shared_with_other_pools_and_never_change():
    numbers = count()
    bench = RemoteBench(numbers=numbers)
    assert next(numbers) == 0   # such as a stick of this host
    bench.serving('a', 1)
    next(numbers)
    bench.serving('b', 1)
    assert sorted(bench.states()) == [1, 3]
    bench.servers[0].is_cut = True
    bench.let_report(5)
    bench.servers[0].is_cut = False
    bench.let_report(3)
    assert {number: stick.device_name for number, stick in bench.snapshots().items()} == {
        1: 'a/1.1-ma2450', 3: 'b/1.1-ma2450'}


def test_a_restart_is_asked_for_until_the_server_has_got_it():
    bench = RemoteBench()
    server = bench.serving()
    frames = [bench.send(0), bench.send(1)]
    bench.pool.restart(0, 'its temperature stays unknown', bench.now)
    bench.step()
    assert bench.lost == [(0, frames[0])]
    assert bench.states()[0] is ABSENT
    assert server.claims[-1].restarts == ((0, 1),)
    claims = len(server.claims)
    bench.let_report(6)   # the frames tell at first that the detector lives
    assert {claim.restarts for claim in server.claims[claims:]} == {((0, 1),)}
    assert bench.states()[0] is RUNNING
    bench.pool.restart(0, 'again', bench.now)
    assert server.claims[-1].restarts == ((0, 2),)
    assert bench.lines('error') == [
        'stick 0 (pi2/1.1-ma2450): its temperature stays unknown',
        'stick 0 (pi2/1.1-ma2450): again']


def test_restarts_are_not_asked_of_the_next_process_of_a_server():
    bench = RemoteBench()
    first = bench.serving()
    bench.pool.restart(0, 'why not', bench.now)
    bench.servers.remove(first)
    second = bench.server()
    bench.let_report(6)
    assert {claim.restarts for claim in second.claims} == {()}


def test_hosts_are_not_given_up_because_this_process_was_suspended():
    bench = RemoteBench()
    bench.serving()
    bench.send(0)
    bench.now += 10.0
    bench.pool.extend_deadlines(10.0)
    bench.step()
    bench.let_report(1)
    assert bench.states() == {0: RUNNING, 1: RUNNING}
    assert bench.lost == []
    assert bench.lines('error') == []


def test_the_sticks_are_given_back_at_the_end():
    bench = RemoteBench()
    server, silent = bench.serving('a'), bench.serving('b')
    refused = bench.server('c', version=2)
    silent.is_cut = True
    bench.let_report(5)
    assert bench.pool.stop() is True
    assert server.claims[-1].leaves
    assert server.owner == ''
    assert refused.claims == []
    assert sum(claim.leaves for claim in server.claims) == 1


def test_a_host_that_lies_fills_no_memory():
    bench = RemoteBench()
    server = bench.serving(sticks=1)
    for number in range(3 * MOST_STICKS):
        server.sticks = {0: StickReport(0, f'1.{number}', RUNNING)} if number % 2 else {
            number: StickReport(number, f'2.{number}', RUNNING)}
        server.report()
        bench.step()
    assert len(bench.states()) <= MOST_STICKS
    for number in range(3 * MOST_HOSTS):
        server.report(server=f'other{number}', host=f'host{number}', sticks=())
        server.report(server=f'twin{number}')
        bench.step()
    assert len(bench.pool.hosts(bench.now)) <= MOST_HOSTS


def test_one_host_under_two_names_is_one_host():
    bench = RemoteBench(('pi2', '/pi2', '/pi2/stick_server', 'pi3'))
    bench.serving('pi2')
    assert [host.name for host in bench.pool.hosts(bench.now)] == ['pi2', 'pi3']
