# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Detector nodes that use the sticks of stick server nodes, over real topics on loopback."""

import json
import signal
import time

import numpy as np
import psutil
import pytest
from sensor_msgs.msg import Temperature
from std_msgs.msg import String

IMAGE = np.zeros((240, 320, 3), np.uint8)
IMAGE[60:120, 80:160] = (255, 0, 0)
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'


def wait_for_status(probe, name, **values):
    """Wait until a status has these values; return it."""
    def found():
        shown = probe.status(name)
        return shown if shown and all(
            shown[1].get(key) == value for key, value in values.items()) else None
    return probe.wait_for(found)


def end(node):
    """End a node, and check that it was good at that."""
    family = node.family()
    node.signal(signal.SIGTERM)
    assert node.wait(5.0) == 0
    assert psutil.wait_procs(family, timeout=2.0)[1] == []
    assert 'Traceback' not in node.output


@pytest.mark.parametrize('first', ['server', 'detector'])
def test_a_detector_and_a_server_find_each_other_in_any_order(
        probe, start_server, start_remote, first):
    readings = []
    probe.listen(Temperature, 'detector/stick_0/temperature', readings)
    if first == 'server':
        server = start_server()
        server.wait_for_line('is ready')
        detector = start_remote()
    else:
        detector = start_remote()
        wait_for_status(probe, 'detector: cluster')
        server = start_server()
    image, answer = probe.detect(IMAGE)
    assert answer.header == image.header
    [found] = answer.detections
    assert found.results[0].hypothesis.class_id == 'car'
    assert found.bbox.center.position.x == pytest.approx(120, abs=6)
    status, values = wait_for_status(probe, 'detector: stick 0', state='RUNNING', active='true')
    assert status.hardware_id == 'pi2/1.1-ma2450'
    assert int(values['inferences']) >= 0
    status, values = wait_for_status(probe, 'detector: host pi2', state='SERVES')
    assert (status.hardware_id, status.level) == ('pi2', OK)
    assert (values['sticks'], values['server']) == ('0', '/pi2/stick_server')
    wait_for_status(probe, 'stick_server: host pi2', detector='/detector')
    probe.wait_for(lambda: readings)
    assert readings[0].temperature == pytest.approx(30.0, abs=5.0)
    assert readings[0].header.frame_id == 'stick_0'
    assert all(family.name() for family in detector.family())
    end(detector)
    # It has given them back, or if that message was lost, is not heard for a second.
    wait_for_status(probe, 'stick_server: host pi2', detector='')
    end(server)
    for node in (detector, server):
        assert '[ERROR]' not in node.output


def test_a_detector_that_uses_only_other_hosts_has_no_worker(start_server, start_remote):
    start_server()
    detector = start_remote()
    detector.wait_for_line('serves this detector')
    workers = [process for process in detector.family()[1:]
               if 'fork_server' not in ' '.join(process.cmdline())]
    assert workers == []


@pytest.mark.parametrize('encoding', ['jpeg', 'raw'])
def test_sticks_here_and_there_work_together(probe, start_server, start_remote, encoding):
    for host in ('a', 'b'):
        start_server(f'/{host}')
    start_remote(local_sticks='true', remote_encoding=encoding, **{'simulated.sticks': '1'})
    for number in range(3):
        wait_for_status(probe, f'detector: stick {number}', state='RUNNING')
    assert {probe.status(f'detector: stick {number}')[0].hardware_id for number in range(3)} == {
        '1.1-ma2450', 'a/1.1-ma2450', 'b/1.1-ma2450'}

    def all_have_worked():
        return all(int(probe.status(f'detector: stick {number}')[1]['inferences']) > 2
                   for number in range(3))

    deadline = time.monotonic() + 20.0
    while not all_have_worked():
        assert time.monotonic() < deadline
        probe.detect(IMAGE)
        probe.publish(probe.image_message(IMAGE))
    wait_for_status(probe, 'detector: cluster', active_sticks='0,1,2')
    stamps = [(array.header.stamp.sec, array.header.stamp.nanosec) for array in probe.detections]
    assert stamps == sorted(set(stamps))


def test_a_server_that_is_killed_is_named_within_a_second_and_its_successor_joins(
        probe, start_server, start_remote):
    server, other = start_server('/a'), start_server('/b')
    detector = start_remote()
    wait_for_status(probe, 'detector: host a', state='SERVES')
    wait_for_status(probe, 'detector: host b', state='SERVES')
    number = int(probe.status('detector: host a')[1]['sticks'])
    server.signal(signal.SIGKILL)
    killed_at = time.monotonic()
    status, values = wait_for_status(probe, 'detector: host a', state='SILENT')
    assert time.monotonic() < killed_at + 1.0 + 3.0   # for a busy machine
    assert status.level == ERROR
    status, values = wait_for_status(probe, f'detector: stick {number}', state='ABSENT')
    assert 'host a is not heard' in values['last_error']
    probe.detect(IMAGE)
    start_server('/a')
    wait_for_status(probe, f'detector: stick {number}', state='RUNNING')
    assert probe.status(f'detector: stick {number}')[0].hardware_id == 'a/1.1-ma2450'
    detector.wait_for_line('host a (/a/stick_server) serves this detector again')
    assert detector.output.count('[ERROR]') == 1
    assert 'host a is not heard' in detector.output
    assert '[ERROR]' not in other.output


def test_a_server_serves_the_next_detector_when_the_first_is_killed(
        probe, start_server, start_remote):
    server = start_server()
    detector = start_remote()
    probe.detect(IMAGE)
    detector.signal(signal.SIGKILL)
    detector.wait(5.0)
    start_remote()
    server.wait_for_line('/detector was not heard for 1 s')
    server.wait_for_line('the sticks serve /detector from now on', 2)
    probe.detect(IMAGE)


def test_a_second_detector_is_told_who_owns_the_sticks(probe, start_server, start_remote):
    server = start_server('/robot/pi2')
    first = start_remote('/robot')
    first.wait_for_line('serves this detector')
    second = start_remote()
    second.wait_for_line('/robot/detector')
    status, values = wait_for_status(probe, 'detector: host pi2', state='TAKEN')
    assert status.level == WARN
    assert '/robot/detector' in status.message
    assert values['detector'] == '/robot/detector'
    end(first)
    second.wait_for_line('serves this detector')
    server.wait_for_line('the sticks serve /detector from now on')


def test_a_server_with_another_graph_is_refused_and_named(probe, start_server, start_remote):
    start_server(graph_paths="['faces']")
    detector = start_remote()
    detector.wait_for_line('host pi2 does not fit: its stick server has other networks '
                           '(graph_paths differs)')
    status, _ = wait_for_status(probe, 'detector: host pi2', state='REFUSED')
    assert status.level == ERROR
    assert wait_for_status(probe, 'detector: cluster')[0].level == ERROR


def test_a_named_host_that_is_not_there_is_named(probe, start_server, start_remote):
    start_server('/a')
    start_remote(remote_hosts="['a', 'b']")
    wait_for_status(probe, 'detector: host a', state='SERVES')
    status, values = wait_for_status(probe, 'detector: host b', state='NEVER_HEARD')
    assert status.level == ERROR
    assert values['silent_sec'] == 'never heard'


def test_a_server_that_nobody_named_is_left_alone(probe, start_server, start_remote):
    start_server('/a')
    server = start_server('/b')
    start_remote(remote_hosts="['a']")
    wait_for_status(probe, 'detector: host a', state='SERVES')
    assert probe.status('detector: host b') is None
    assert 'the sticks serve' not in server.output


def test_nonsense_from_the_network_is_dropped_and_logged_once(probe, start_server, start_remote):
    start_server()
    detector = start_remote()
    wait_for_status(probe, 'detector: host pi2', state='SERVES')
    for topic in ('sticks', 'results'):
        publisher = probe.node.create_publisher(String, f'/pi2/stick_server/{topic}', 10)
        probe.wait_for(publisher.get_subscription_count)
        for text in ('', '{', '[' * 5000, 'NaN', json.dumps({'version': 1, 'server': 'x'})):
            publisher.publish(String(data=text))
        detector.wait_for_line(f'dropped a message on /pi2/stick_server/{topic}')
    probe.detect(IMAGE)
    assert detector.output.count('dropped a message') == 2


def test_sticks_are_rotated_by_request_over_all_hosts(probe, start_server, start_remote):
    from std_srvs.srv import Trigger
    start_server('/a')
    start_server('/b')
    start_remote(cluster_size='1', cluster_switch_cycle_ms='0', min_dwell_ms='0')
    for number in range(2):
        wait_for_status(probe, f'detector: stick {number}', state='RUNNING')
    before = probe.next_status('detector: cluster')['active_sticks']
    answer = probe.call(Trigger, 'detector/switch_cluster', Trigger.Request())
    assert answer.success, answer.message
    assert probe.next_status('detector: cluster')['active_sticks'] == str(1 - int(before))
    probe.detect(IMAGE)


def test_two_servers_that_have_the_same_node_name_by_mistake_both_serve(
        probe, start_server, start_remote):
    start_server('/', host='a')
    start_server('/', host='b')
    start_remote()
    for name in ('a', 'b'):
        wait_for_status(probe, f'detector: host {name}', state='SERVES')
    assert {probe.status(f'detector: stick {number}')[0].hardware_id for number in range(2)} == {
        'a/1.1-ma2450', 'b/1.1-ma2450'}
    probe.detect(IMAGE)


def test_a_server_that_was_suspended_serves_on(probe, start_server, start_remote):
    server = start_server()
    detector = start_remote()
    probe.detect(IMAGE)
    server.signal(signal.SIGSTOP)
    wait_for_status(probe, 'detector: host pi2', state='SILENT')
    server.signal(signal.SIGCONT)
    detector.wait_for_line('serves this detector again')
    probe.detect(IMAGE)
    assert 'starting again' not in server.output


def test_a_detector_that_was_suspended_is_served_on(probe, start_server, start_remote):
    server = start_server()
    detector = start_remote()
    probe.detect(IMAGE)
    detector.signal(signal.SIGSTOP)
    server.wait_for_line('/detector was not heard for 1 s')
    detector.signal(signal.SIGCONT)
    server.wait_for_line('the sticks serve /detector from now on', 2)
    probe.detect(IMAGE)
    assert 'is not heard' not in detector.output


def test_servers_that_have_the_very_same_topics_share_them(probe, start_server, start_remote):
    start_server('/pi2', host='a')
    start_server('/pi2', host='b')
    detector = start_remote()
    for number in range(2):
        wait_for_status(probe, f'detector: stick {number}', state='RUNNING')

    def both_have_worked():
        return all(int(probe.status(f'detector: stick {number}')[1]['inferences']) > 2
                   for number in range(2))

    deadline = time.monotonic() + 20.0
    while not both_have_worked():
        assert time.monotonic() < deadline, detector.output
        probe.detect(IMAGE)
        probe.publish(probe.image_message(IMAGE))


def test_a_server_that_names_other_topics_or_is_another_each_time_does_no_harm(
        probe, start_server, start_remote):
    """Each report is a good one but for its name and topic, on the topic of a good server."""
    reports = []
    probe.listen(String, '/pi2/stick_server/sticks', reports)
    start_server()
    detector = start_remote()
    wait_for_status(probe, 'detector: host pi2', state='SERVES')
    publisher = probe.node.create_publisher(String, '/pi2/stick_server/sticks', 10)
    probe.wait_for(publisher.get_subscription_count)
    good = json.loads(probe.wait_for(lambda: reports and reports[-1]).data)
    for number, frames in enumerate([
            '/detections', '/image_raw', 'a b', '/1', '~', '/pi2/stick_server/' + 'x' * 300,
            *(f'/pi2/stick_server/x{number}/frames' for number in range(20))]):
        bad = {**good, 'server': f'bad{number}', 'host': f'bad{number}', 'frames': frames}
        publisher.publish(String(data=json.dumps(bad)))
    for _ in range(5):
        probe.detect(IMAGE)
    wait_for_status(probe, 'detector: host pi2', state='SERVES')
    assert 'Traceback' not in detector.output
