# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The stick server node alone: its name, its start and end, its statuses, and what it refuses."""

import json
import signal

from ncs_cluster_detector.stick_server.host_name import host_name
import numpy as np
import psutil
import pytest
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import String

OWN = 'stick_server'


@pytest.mark.parametrize('given, namespace, node, machine, name', [
    ('pi-2.a_B', '/pi3', 'other', 'raspberrypi', 'pi-2.a_B'),
    ('', '/pi3', 'other', 'raspberrypi', 'pi3'), ('', '/robot/pi3', OWN, 'x', 'pi3'),
    ('', '/', 'front_server', 'x', 'front_server'), ('', '/', OWN, 'raspberrypi', 'raspberrypi'),
    ('', '/', OWN, 'pi.example.org', 'pi'), ('', '/', OWN, 'my pi\n', 'my_pi_'),
    ('', '/', OWN, '', OWN), ('', '/', OWN, 'x' * 100, 'x' * 64)])
def test_a_host_has_the_name_that_is_given_or_one_that_fits(given, namespace, node, machine, name):
    assert host_name(given, namespace, node, machine) == name


@pytest.mark.parametrize('given', ['pi 2', '/pi2', '-pi', 'pi2\n', 'x' * 65, '*', 'ä'])
def test_what_is_no_name_of_a_host_ends_the_node(refusal, given):
    line = refusal(OWN, driver='simulated', host=json.dumps(given, ensure_ascii=False))
    assert 'host=' in line
    assert 'must be a name of at most 64 letters' in line


@pytest.mark.parametrize('parameters, named', [
    ({'driver': 'simulated', 'graph_paths': "['/no/such/graph']"}, 'graph_paths'),
    ({'driver': 'nothing'}, 'driver'), ({'driver': 'simulated', 'max_sticks': '65'}, 'max_sticks'),
    ({'driver': 'simulated', 'label_files': "['/no/labels']"}, 'label_files'),
    ({'driver': 'mvnc'}, 'driver')])
def test_a_wrong_parameter_ends_the_node_in_one_line(refusal, parameters, named):
    assert f'{named}=' in refusal(OWN, **parameters)


@pytest.mark.parametrize('hosts', ["['']", '[]'])
def test_a_detector_without_any_stick_to_use_does_not_start(refusal, hosts):
    parameters = {'driver': 'simulated', 'local_sticks': 'false'}
    if hosts != '[]':   # rcl takes no empty list
        parameters['remote_hosts'] = hosts
    line = refusal('detector_node', **parameters)
    assert 'local_sticks=False' in line
    assert 'remote_hosts' in line


@pytest.mark.parametrize('name, value', [
    ('remote_encoding', 'png'), ('remote_jpeg_quality', '0'), ('remote_jpeg_quality', '101'),
    ('local_sticks', '1')])
def test_a_detector_refuses_a_wrong_way_to_other_hosts(refusal, name, value):
    line = refusal('detector_node', driver='simulated', remote_hosts="['*']", **{name: value})
    assert f'{name}=' in line


def test_a_server_shows_its_host_and_its_sticks_and_says_that_it_is_free(probe, start_server):
    reports = []
    probe.listen(String, '/pi2/stick_server/sticks', reports)
    start_server(**{'simulated.sticks': '2'})
    probe.wait_for(lambda: (found := probe.status(f'{OWN}: host pi2')) and
                   found[1]['running'] == '2')
    status, values = probe.status(f'{OWN}: host pi2')
    assert (status.hardware_id, status.level) == ('pi2', b'\x00')
    assert status.message == '2 of 2 sticks running, no detector uses them'
    assert values == {'driver': 'simulated', 'sticks': '2', 'running': '2', 'detector': ''}
    for number in range(2):
        status, values = probe.status(f'{OWN}: pi2 stick {number}')
        assert status.hardware_id == f'pi2/1.{number + 1}-ma2450'
        assert values['state'] == 'RUNNING'
        assert float(values['temperature_celsius']) == pytest.approx(30.0, abs=5.0)
        assert int(values['pid']) > 0
    probe.wait_for(lambda: [stick.get('celsius') for stick in json.loads(
        reports[-1].data)['sticks']] != [])
    assert json.loads(reports[-1].data)['host'] == 'pi2'


def test_the_parameter_names_the_host(probe, start_server):
    start_server('/', host='front')
    probe.wait_for(lambda: probe.status(f'{OWN}: host front'))


def test_a_server_without_sticks_is_an_error_that_says_what_to_do(probe, start_server):
    start_server(**{'simulated.sticks': '0'})
    status, _ = probe.wait_for(lambda: probe.status(f'{OWN}: host pi2'))
    assert status.level == b'\x02'
    assert 'no stick' in status.message


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_node_and_all_its_processes(start_server, number):
    node = start_server(**{'simulated.sticks': '2'})
    node.wait_for_line('is ready', 2)
    family = node.family()
    assert len(family) >= 3
    node.signal(number)
    assert node.wait(5.0) == 0
    assert psutil.wait_procs(family, timeout=2.0)[1] == []
    assert 'Traceback' not in node.output
    assert '[ERROR]' not in node.output


def test_workers_end_with_a_server_that_is_killed(start_server):
    node = start_server()
    node.wait_for_line('is ready')
    family = node.family()
    node.signal(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=3.0)[1] == []


NONSENSE = ['', '{', 'null', '[' * 5000, '{"session": "", "name": "x"}', 'x' * 2_000_000,
            '{"session": 1, "name": "x"}', '{"session": "a", "name": "two\\nlines"}']


def test_nonsense_from_the_network_is_dropped_and_logged_once(probe, start_server):
    node = start_server()
    node.wait_for_line('is ready')
    claims = probe.node.create_publisher(String, '/pi2/stick_server/claim', 1)
    frames = probe.node.create_publisher(
        CompressedImage, '/pi2/stick_server/frames/compressed', 10)
    probe.wait_for(claims.get_subscription_count)
    probe.wait_for(frames.get_subscription_count)
    for text in NONSENSE:
        claims.publish(String(data=text))
        frames.publish(CompressedImage(format=f'jpeg; {text}', data=b'abc'))
    frames.publish(CompressedImage(
        format='bgr8; {"server":"a","session":"b","stick":0,"sequence":1,"size":[9,9]}',
        data=np.zeros(3, np.uint8).tobytes()))
    node.wait_for_line('dropped a message on /pi2/stick_server')
    claims.publish(String(data='{"session":"ours","name":"/probe"}'))
    probe.wait_for(lambda: (found := probe.status(f'{OWN}: host pi2')) and
                   found[1]['detector'] == '/probe')
    node.wait_for_line('/probe was not heard for 1 s')
    assert node.output.count('dropped a message') == 1
    assert 'Traceback' not in node.output
