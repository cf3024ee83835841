# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The module of the double as a whole, and its sticks."""

import ctypes
import subprocess
import sys
import threading
import time

from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.api.mvncapi import DeviceOption
from ncs_cluster_detector.simulation.api.mvncapi import GlobalOption
from ncs_cluster_detector.simulation.api.mvncapi import Status
import numpy as np
import pytest
from stick_bench import load
from stick_bench import status_of
from stick_bench import StickBench
from stick_bench import tensor


@pytest.fixture
def bench(monkeypatch):
    """Return a bench for sticks."""
    with StickBench(monkeypatch) as bench:
        yield bench


def test_sticks_have_the_names_of_usb_ports():
    mvncapi.plug_in(mvncapi.BusSpec(sticks=3))
    devices = [mvncapi.Device(handle) for handle in mvncapi.enumerate_devices()]
    assert [device.get_option(DeviceOption.RO_DEVICE_NAME) for device in devices] == [
        '1.1-ma2450', '1.2-ma2450', '1.3-ma2450']
    assert all(isinstance(device.handle, ctypes.c_void_p) for device in devices)
    mvncapi.plug_in(mvncapi.BusSpec(sticks=0))
    assert mvncapi.enumerate_devices() == []


def test_before_it_is_open_only_name_state_and_chip_are_known():
    mvncapi.plug_in(mvncapi.BusSpec(sticks=1))
    device = mvncapi.Device(mvncapi.enumerate_devices()[0])
    assert device.get_option(DeviceOption.RO_DEVICE_STATE) == 0
    assert device.get_option(DeviceOption.RO_HW_VERSION) == 0
    for option in set(DeviceOption) - {DeviceOption.RO_DEVICE_NAME, DeviceOption.RO_DEVICE_STATE,
                                       DeviceOption.RO_HW_VERSION}:
        assert status_of(device.get_option, option) is Status.UNAUTHORIZED
    assert status_of(device.close) is Status.INVALID_HANDLE


def test_an_open_stick_answers_every_option(bench):
    device = bench.open_stick(ambient_celsius=41.5)
    answers = {option: device.get_option(option)
               for option in set(DeviceOption) - {DeviceOption.RO_DEBUG_INFO}}
    thermal = answers[DeviceOption.RO_THERMAL_STATS]
    assert thermal.dtype == np.float32
    assert thermal.shape == (25,)
    assert thermal[0] == 41.5
    assert answers[DeviceOption.RO_DEVICE_STATE] == 1
    assert answers[DeviceOption.RO_THERMAL_THROTTLING_LEVEL] == 0
    assert answers[DeviceOption.RO_FW_VERSION].shape == (4,)
    assert answers[DeviceOption.RO_FW_VERSION].dtype == np.uint32
    assert answers[DeviceOption.RO_ALLOCATED_GRAPH_NUM] == 0
    assert status_of(device.get_option, DeviceOption.RO_DEBUG_INFO) is Status.UNSUPPORTED_FEATURE


def test_opening_takes_the_boot_time(bench):
    before = time.monotonic()
    bench.open_stick(boot_ms=50.0)
    assert time.monotonic() - before >= 0.05


def test_a_stick_in_use_has_lost_its_chip_and_cannot_be_opened_again(bench):
    device = bench.open_stick()
    other = mvncapi.Device(mvncapi.enumerate_devices()[0])
    assert other.get_option(DeviceOption.RO_DEVICE_NAME) == '1.1-'
    assert status_of(other.get_option, DeviceOption.RO_HW_VERSION) is Status.INVALID_PARAMETERS
    assert status_of(other.open) is Status.ERROR
    assert device.get_option(DeviceOption.RO_DEVICE_NAME) == '1.1-ma2450'


def test_a_closed_stick_can_be_opened_again(bench):
    device = bench.open_stick()
    assert any(thread.name.startswith('stick 1.1 ') for thread in threading.enumerate())
    device.close()
    assert not any(thread.name.startswith('stick 1.1 ') for thread in threading.enumerate())
    assert device.get_option(DeviceOption.RO_DEVICE_STATE) == 2
    assert status_of(device.close) is Status.INVALID_HANDLE
    device.open()
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(1), None)
    assert fifo_out.read_elem()[0].tolist() == [1.0] * 12


def test_a_destroyed_handle_is_invalid(bench):
    device = bench.open_stick()
    device.destroy()
    device.destroy()
    assert status_of(device.open) is Status.INVALID_HANDLE
    assert status_of(device.get_option, DeviceOption.RO_DEVICE_NAME) is Status.INVALID_HANDLE


def test_no_option_of_a_stick_can_be_set(bench):
    device = bench.open_stick()
    assert status_of(device.set_option, DeviceOption.RO_DEVICE_STATE, 1) is Status.UNAUTHORIZED
    assert (status_of(device.set_option, DeviceOption.RO_DEVICE_NAME, 1)
            is Status.INVALID_PARAMETERS)


def test_the_log_level_and_the_version():
    before = mvncapi.global_get_option(GlobalOption.RW_LOG_LEVEL)
    mvncapi.global_set_option(GlobalOption.RW_LOG_LEVEL, mvncapi.LogLevel.DEBUG)
    assert mvncapi.global_get_option(GlobalOption.RW_LOG_LEVEL) == 0
    mvncapi.global_set_option(GlobalOption.RW_LOG_LEVEL, before)
    assert mvncapi.global_get_option(GlobalOption.RW_LOG_LEVEL) == before
    assert (status_of(mvncapi.global_set_option, GlobalOption.RW_LOG_LEVEL, 5)
            is Status.INVALID_PARAMETERS)
    assert (status_of(mvncapi.global_set_option, GlobalOption.RO_API_VERSION, 1)
            is Status.UNAUTHORIZED)
    assert mvncapi.global_get_option(GlobalOption.RO_API_VERSION).tolist() == [2, 10, 1, 1]


def test_a_working_stick_warms_and_cools_again_at_rest(bench):
    device = bench.open_stick(inference_ms=50.0, time_constant_sec=0.05)
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    wait_until(lambda: device.get_option(DeviceOption.RO_THERMAL_STATS)[0] > 40.0)
    fifo_out.read_elem()
    wait_until(lambda: device.get_option(DeviceOption.RO_THERMAL_STATS)[0] < 30.5)


def test_a_throttled_stick_pauses_between_inferences(bench):
    device = bench.open_stick(ambient_celsius=85.0)
    graph, fifo_in, fifo_out = load(device)
    assert device.get_option(DeviceOption.RO_THERMAL_THROTTLING_LEVEL) == 1
    before = time.monotonic()
    for _ in range(2):
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor(0), None)
    for _ in range(2):
        fifo_out.read_elem()
    assert time.monotonic() - before >= 0.1


def test_importing_it_does_nothing_and_an_open_stick_does_not_keep_a_program_alive():
    program = (
        'import sys, threading\n'
        'from ncs_cluster_detector.simulation.api import mvncapi\n'
        'from ncs_cluster_detector.simulation.networks import graphs\n'
        'assert threading.active_count() == 1\n'
        'assert mvncapi.enumerate_devices() == []\n'
        'level = mvncapi.global_get_option(mvncapi.GlobalOption.RW_LOG_LEVEL)\n'
        'assert level == mvncapi.LogLevel.WARN.value\n'
        'assert "rclpy" not in sys.modules\n'
        'mvncapi.plug_in(mvncapi.BusSpec(sticks=1, boot_ms=0))\n'
        'device = mvncapi.Device(mvncapi.enumerate_devices()[0])\n'
        'device.open()\n'
        'mvncapi.Graph("g").allocate(device, graphs.read_graph("shapes"))\n')
    subprocess.run([sys.executable, '-c', program], check=True, timeout=LIMIT_SEC)
