# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks that take turns, fail, are missing or warm, behind a detector node as a process."""

import os
import signal

import numpy as np
import pytest
from sensor_msgs.msg import Temperature

SHAPES = {'graph_paths': "['shapes']", 'simulated.inference_ms': '20.0'}


def test_two_of_five_sticks_are_active_and_all_take_turns(probe, start_detector):
    start_detector(**{'graph_paths': "['shapes']", 'simulated.sticks': '5', 'cluster_size': '2',
                      'cluster_switch_cycle_ms': '400', 'min_dwell_ms': '200'})
    probe.wait_for_running(5)
    image = np.zeros((48, 64, 3), dtype=np.uint8)
    turns = set()
    seen = len(probe.diagnostics)
    while len(turns) < 5 or len(probe.diagnostics) < seen + 4:
        probe.detect(image)
        heard = len(probe.diagnostics)   # once a second
        probe.wait_for(lambda heard=heard: len(probe.diagnostics) > heard)
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


def test_every_sticks_temperature_is_published_and_a_whole_number_serves_as_a_float(
        probe, start_detector):
    first, second = [], []
    probe.listen(Temperature, 'detector/stick_0/temperature', first)
    probe.listen(Temperature, 'detector/stick_1/temperature', second)
    start_detector(**SHAPES, **{'simulated.sticks': '2', 'cluster_size': '1',
                                'simulated.ambient_celsius': '41', 'switch_temperature': '70'})
    probe.wait_for(lambda: len(first) >= 3 and len(second) >= 3)
    for received in (first, second):
        assert received[-1].temperature == pytest.approx(41.0, abs=0.5)
        assert received[-1].variance == 0.0
    assert first[-1].header.frame_id == 'stick_0'
    probe.wait_for(lambda: probe.status('detector: stick 0')[1]['temperature_celsius'] == '41.0')


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


def test_simulated_time_that_stands_still_or_starts_at_zero_does_no_harm(probe, start_detector):
    received = []
    probe.listen(Temperature, 'detector/stick_0/temperature', received)
    start_detector(**SHAPES, **{'simulated.sticks': '1', 'use_sim_time': 'true'})
    probe.wait_for(lambda: len(received) >= 2)
    assert received[-1].header.stamp.sec == 0
    probe.detect(np.zeros((24, 32, 3), dtype=np.uint8))
