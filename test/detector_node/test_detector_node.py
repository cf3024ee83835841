# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector node as a process, over real DDS."""

import os
import re
import signal
import subprocess
import sys

from node_harness import DEADLINE_SEC
import numpy as np
import psutil
import pytest
from sensor_msgs.msg import Temperature

SHAPES = {'graph_paths': "['shapes']", 'simulated.inference_ms': '20.0'}
COLOURS = {'car': (255, 0, 0), 'person': (0, 255, 0), 'cat': (0, 0, 255)}


def corners(detection):
    """Return the box of a Detection2D as left, top, right, bottom."""
    box = detection.bbox
    center = np.array([box.center.position.x, box.center.position.y])
    half = np.array([box.size_x, box.size_y]) / 2
    return np.concatenate([center - half, center + half])


@pytest.mark.parametrize('size', [(240, 320), (480, 640), (720, 1280)])
def test_coloured_rectangles_come_back_as_boxes(probe, start_detector, size):
    start_detector(**SHAPES, **{'simulated.sticks': '3'})
    height, width = size
    image = np.full((*size, 3), 40, dtype=np.uint8)
    truth = {}
    for column, (label, colour) in enumerate(COLOURS.items()):
        left, top = width // 12 + column * width // 3, height // 5 + column * height // 9
        right, bottom = left + width // 6, top + height // 3
        image[top:bottom, left:right] = colour
        truth[label] = np.array([left, top, right, bottom])
    message, answer = probe.detect(
        image, frame_id='some optical frame', stamp_ns=2**31 * 10**9 - 1)
    assert answer.header == message.header
    assert sorted(found.results[0].hypothesis.class_id for found in answer.detections) == (
        sorted(COLOURS))
    network_pixel = np.array([width, height, width, height]) / 300
    for found in answer.detections:
        assert found.header == message.header
        assert found.id == ''
        assert found.bbox.center.theta == 0.0
        (result,) = found.results
        assert result.hypothesis.score == pytest.approx(0.9, abs=1e-3)
        off = np.abs(corners(found) - truth[result.hypothesis.class_id]) / network_pixel
        assert off.max() <= 1.5, off


def test_an_image_without_rectangles_gives_an_empty_array(probe, start_detector):
    start_detector(**SHAPES, **{'simulated.sticks': '1'})
    message, answer = probe.detect(np.full((240, 320, 3), 128, dtype=np.uint8))
    assert answer.header == message.header
    assert answer.detections == []


def test_bad_images_are_dropped_counted_and_named_once(probe, start_detector):
    node = start_detector(**SHAPES, **{'simulated.sticks': '1'})
    image = np.zeros((24, 32, 3), dtype=np.uint8)
    probe.detect(image)
    before = int(probe.next_status('detector: cluster')['frames_dropped'])
    for count, change in enumerate(({'height': 0}, {'encoding': 'nonsense'}), start=1):
        message = probe.image_message(image)
        for name, value in change.items():
            setattr(message, name, value)
        probe.publish(message)
        probe.wait_for(lambda: probe.status('detector: cluster')[1]['frames_dropped'] ==
                       str(before + count))
        probe.detect(image)
    assert node.output.count('further bad images are only counted') == 1


def test_two_of_five_sticks_are_active_and_all_take_turns(probe, start_detector):
    start_detector(**{'graph_paths': "['shapes']", 'simulated.sticks': '5', 'cluster_size': '2',
                      'cluster_switch_cycle_ms': '400', 'min_dwell_ms': '200'})
    probe.wait_for_running(5)
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    turns = set()
    seen = len(probe.diagnostics)
    while len(turns) < 5 or len(probe.diagnostics) < seen + 4:
        probe.detect(image)
        _, cluster = probe.status('detector: cluster')
        active = cluster['active_sticks'].split(',')
        assert len(active) == 2
        assert cluster['effective_cluster_size'] == '2'
        turns |= set(active)
        shown = [probe.status(f'detector: stick {number}')[1]['active'] for number in range(5)]
        assert sorted(shown) == ['false'] * 3 + ['true'] * 2
    stamps = [(array.header.stamp.sec, array.header.stamp.nanosec) for array in probe.detections]
    assert stamps == sorted(stamps)


def test_images_from_before_start_a_new_order_that_is_logged(probe, start_detector):
    node = start_detector(**SHAPES, **{'simulated.sticks': '1'})
    image = np.zeros((24, 32, 3), dtype=np.uint8)
    probe.detect(image, stamp_ns=50 * 10**9)
    probe.detect(image, stamp_ns=20 * 10**9)
    probe.detect(image, stamp_ns=21 * 10**9)
    node.wait_for_line('stamps jumped back by 30.000 s')
    assert node.output.count('jumped back') == 1


def test_diagnostics_have_the_keys_levels_and_ids_of_the_contract(probe, start_detector):
    start_detector(**SHAPES, **{'simulated.sticks': '2'})
    probe.wait_for_running(2)
    probe.detect(np.zeros((24, 32, 3), dtype=np.uint8))
    probe.wait_for(lambda: probe.status('detector: cluster')[0].level == b'\x00')
    cluster, values = probe.status('detector: cluster')
    assert cluster.hardware_id == 'cluster'
    assert list(values) == [
        'driver', 'cluster_size', 'effective_cluster_size', 'active_sticks', 'switches',
        'last_switch_reason', 'sustainable_cluster_size', 'input_fps', 'detection_fps',
        'latency_ms_p50', 'latency_ms_p95', 'frames_dropped']
    assert values['active_sticks'] == '0,1'
    stick, values = probe.status('detector: stick 1')
    assert stick.hardware_id == '1.2-ma2450'
    assert stick.level == b'\x00'
    assert list(values) == [
        'active', 'state', 'temperature_celsius', 'throttle_level', 'duty_60s', 'inferences',
        'inference_ms_p50', 'restarts', 'last_error', 'pid']
    assert values['temperature_celsius'] == '30.0'
    assert psutil.pid_exists(int(values['pid']))
    # Nothing comes any more: after five seconds that is worth a warning.
    probe.wait_for(lambda: probe.status('detector: cluster')[0].level == b'\x01')
    assert probe.status('detector: cluster')[0].message.startswith('no image for')


def test_every_sticks_temperature_is_published(probe, start_detector):
    first, second = [], []
    probe.listen(Temperature, 'detector/stick_0/temperature', first)
    probe.listen(Temperature, 'detector/stick_1/temperature', second)
    start_detector(**SHAPES, **{'simulated.sticks': '2', 'cluster_size': '1',
                                'simulated.ambient_celsius': '33.5'})
    probe.wait_for(lambda: len(first) >= 3 and len(second) >= 3)
    for received in (first, second):
        assert received[-1].temperature == pytest.approx(33.5, abs=0.5)
        assert received[-1].variance == 0.0
    assert first[-1].header.frame_id == 'stick_0'


def test_a_killed_worker_is_shown_and_replaced(probe, start_detector):
    start_detector(**SHAPES, **{'simulated.sticks': '2', 'simulated.boot_ms': '1500'})
    probe.wait_for_running(2)
    _, values = probe.status('detector: stick 0')
    os.kill(int(values['pid']), signal.SIGKILL)
    probe.wait_for(lambda: probe.status('detector: stick 0')[0].level == b'\x02')
    probe.detect(np.zeros((24, 32, 3), dtype=np.uint8))
    probe.wait_for(lambda: probe.status('detector: stick 0')[0].level == b'\x00')
    _, values = probe.status('detector: stick 0')
    assert values['restarts'] == '1'
    assert 'SIGKILL' in values['last_error']


def test_no_stick_is_an_error_that_is_waited_out(probe, start_detector):
    node = start_detector(**SHAPES, **{'simulated.sticks': '0'})
    node.wait_for_line('no stick found')
    probe.wait_for(lambda: probe.status('detector: cluster'))
    status, _ = probe.status('detector: cluster')
    assert status.level == b'\x02'
    assert 'no stick found' in status.message


def shared_memory_names():
    """
    Return what lies in shared memory, DDS' own segments of live participants aside.

    So are those whose name the C library makes up for the moment in which it makes a semaphore,
    as DDS does; one of Python's own would be called sem.mp-something.
    """
    return {name for name in os.listdir('/dev/shm')
            if 'fastrtps' not in name and not re.fullmatch(r'sem\.\w{6}', name)}


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_node_and_all_its_processes(probe, start_detector, number):
    before = shared_memory_names()
    node = start_detector(**SHAPES, **{'simulated.sticks': '3'})
    probe.wait_for_running(3)
    probe.detect(np.zeros((480, 640, 3), dtype=np.uint8))
    family = node.family()
    assert len(family) >= 4
    node.signal(number)
    assert node.wait(5.0) == 0
    assert psutil.wait_procs(family, timeout=2.0)[1] == []
    assert 'Traceback' not in node.output
    assert shared_memory_names() == before


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_the_whole_group_lets_the_workers_close_their_sticks(
        probe, start_detector, number):
    node = start_detector(**SHAPES, **{'simulated.sticks': '3'})
    probe.wait_for_running(3)
    os.killpg(node.pid, number)
    assert node.wait(5.0) == 0
    assert '[ERROR]' not in node.output
    assert '[WARN]' not in node.output


def test_simulated_time_that_stands_still_or_starts_at_zero_does_no_harm(probe, start_detector):
    received = []
    probe.listen(Temperature, 'detector/stick_0/temperature', received)
    start_detector(**SHAPES, **{'simulated.sticks': '1', 'use_sim_time': 'true'})
    probe.wait_for(lambda: len(received) >= 2)
    assert received[-1].header.stamp.sec == 0
    probe.detect(np.zeros((24, 32, 3), dtype=np.uint8))


def test_workers_end_with_a_node_that_is_killed(probe, start_detector):
    before = shared_memory_names()
    node = start_detector(**SHAPES, **{'simulated.sticks': '3'})
    probe.wait_for_running(3)
    family = node.family()
    node.signal(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=3.0)[1] == []
    assert shared_memory_names() == before


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_start_up_ends_the_node_quietly(start_detector, number):
    node = start_detector(**SHAPES, **{'simulated.sticks': '5', 'simulated.boot_ms': '3000'})
    node.wait_for_line('is ready')
    node.signal(number)
    assert node.wait(5.0) == 0
    assert 'Traceback' not in node.output


def test_a_bug_in_the_supervisor_ends_the_node_loudly():
    faulty = ('from ncs_cluster_detector.supervision.supervisor import Supervisor\n'
              'def step(*_): raise RuntimeError("a bug")\n'
              'Supervisor.step = step\n'
              'from ncs_cluster_detector.detector_node.node import main\n'
              'raise SystemExit(main())')
    process = subprocess.run(
        [sys.executable, '-c', faulty, '--ros-args', '-p', 'driver:=simulated'],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_SEC)
    assert process.returncode == 1
    assert process.stdout.rstrip().endswith('RuntimeError: a bug')


@pytest.mark.parametrize('parameters, expected', [
    ({'driver': 'mvnc'}, "driver=mvnc: the Python module 'mvnc' of NCSDK 2 is not installed"),
    ({'driver': 'gpu'}, 'driver=gpu: must be one of mvnc, simulated'),
    ({'cluster_size': '65'}, 'cluster_size=65: must be a whole number, 0 to 64'),
    ({'cluster_size': '6'}, 'cluster_size=6: more than there can ever be (simulated.sticks=5)'),
    ({'switch_temperature': 'warm'}, 'switch_temperature=warm: must be a number, 20.0 to 95.0'),
    ({'switch_temperature': '.nan'}, 'switch_temperature=nan: must be a number, 20.0 to 95.0'),
    ({'graph_paths': "['peeple']"}, "graph_paths=['peeple']: "),
    ({'label_files': "['/nowhere']"}, "label_files=['/nowhere']: No such file"),
    ({'label_files': "['/a', '/b']"}, "label_files=['/a', '/b']: must be one per graph"),
    ({'class_filter': "['persn']"}, "did you mean 'person'?"),
])
def test_a_start_up_error_is_one_line_and_exit_code_2(refusal, parameters, expected):
    assert expected in refusal('detector_node', **{'driver': 'simulated', **parameters})


def test_a_start_up_error_ends_the_process(start_detector):
    node = start_detector(class_filter="['persn']")
    assert node.wait(DEADLINE_SEC) == 2
    (line,) = node.output.splitlines()
    assert line.startswith('[FATAL]') and "did you mean 'person'?" in line


def test_a_whole_number_serves_as_a_float_at_the_start(probe, start_detector):
    start_detector(**SHAPES, **{'simulated.sticks': '1', 'simulated.ambient_celsius': '41',
                                'switch_temperature': '70'})
    probe.wait_for_running(1)
    probe.wait_for(lambda: probe.status('detector: stick 0')[1]['temperature_celsius'] == '41.0')
