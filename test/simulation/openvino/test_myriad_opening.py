# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When a stick of the double of OpenVINO can be opened, and when it comes back by itself."""

import gc
import os
import signal
import subprocess
import sys
import time

from blocking_calls import wait_until
from ncs_cluster_detector.simulation.openvino import runtime
from openvino_bench import FIRST
from openvino_bench import OpenvinoBench
from openvino_bench import SECOND
from openvino_bench import skip_without_openvino
from openvino_bench import twice
from openvino_bench import value_of
from other_process import OtherProcess
import pytest

skip_without_openvino()

NOT_OPENED = 'Failed to allocate graph: MYRIAD device is not opened.'
A_WHILE_SEC = 0.2


@pytest.fixture
def bench():
    """Return a bench for sticks."""
    with OpenvinoBench() as bench:
        yield bench


@pytest.fixture
def start(bench):
    """Return a function that starts a process with a core; all are killed after the test."""
    started = []

    def start():
        started.append(OtherProcess(bench.bus))
        started[-1].do('from openvino_bench import There')
        started[-1].do('there = There()')
        return started[-1]

    yield start
    for other in started:
        other.__exit__()


def refusal(core, device):
    """Return the text with which a network is refused."""
    with pytest.raises(RuntimeError) as caught:
        core.compile_model(twice(), device)
    return str(caught.value)


def test_a_stick_that_is_gone_or_booted_elsewhere_is_not_found(bench, start):
    core = bench.plug_in(sticks=2)
    bench.bus.inject('1.1', 'unplug')
    assert refusal(core, FIRST) == 'Myriad device: 1.1-ma2480 not found.'
    other = start()
    assert other.do(f'there.load("{SECOND}")') is None
    assert refusal(core, SECOND) == 'Myriad device: 1.2-ma2480 not found.'
    assert refusal(bench.core(), 'MYRIAD') == NOT_OPENED
    assert other.do(f'there.infer(4, "{SECOND}")') == 8.0


def test_a_network_that_cannot_be_compiled_leaves_the_stick_alone(bench):
    core, model = bench.plug_in(), twice()
    model.reshape([-1, 3, 2, 2])
    with pytest.raises(RuntimeError, match='x has the shape'):
        core.compile_model(model, 'MYRIAD')
    assert bench.bus.port('1.1').in_rom()


@pytest.mark.parametrize('fault', [
    ('fail-open',), ('no-access',), ('nak',), ('error', 'open', 'TIMEOUT')])
def test_a_boot_that_fails_says_that_nothing_was_opened(bench, fault):
    core = bench.plug_in()
    bench.bus.inject('1.1', *fault)
    assert refusal(core, FIRST) == NOT_OPENED
    assert bench.bus.port('1.1').holder() is None


def test_a_stick_that_could_not_be_booted_can_be_tried_again(bench):
    core = bench.plug_in(boot_ms=10.0)
    bench.bus.inject('1.1', 'fail-open')
    begun_at = time.monotonic()
    assert refusal(core, FIRST) == NOT_OPENED
    # 15 s, where a real one boots within 1.4 s.
    assert time.monotonic() - begun_at >= 0.107
    bench.bus.inject('1.1', 'clear')
    assert core.compile_model(twice(), FIRST) is not None


def test_how_long_a_boot_may_take_can_be_set(bench):
    core = bench.plug_in(boot_ms=1.0)
    bench.bus.inject('1.1', 'slow-boot', '0.3')
    assert refusal(core, FIRST) == NOT_OPENED
    wait_until(bench.bus.port('1.1').has_booted)   # and nobody has it
    bench.bus.port('1.1').reset(1, 0.0)
    compiled = core.compile_model(twice(), FIRST, {'MYRIAD_DEVICE_CONNECT_TIMEOUT': 30000})
    assert value_of(compiled.create_infer_request(), 1) == 2.0


def test_any_stick_is_the_first_free_one(bench, start):
    core = bench.plug_in(sticks=2)
    assert start().do(f'there.load("{FIRST}")') is None
    compiled = core.compile_model(twice(), 'MYRIAD')
    assert bench.bus.port('1.2').holder() == os.getpid()
    # There is no other, so a second network goes to the same.
    again = core.compile_model(twice(), 'MYRIAD')
    assert [value_of(one.create_infer_request(), 3)
            for one in (compiled, again)] == [6.0, 6.0]


def test_several_networks_share_a_stick_of_this_core(bench):
    core = bench.plug_in()
    compiled = [core.compile_model(twice(), FIRST) for _ in range(10)]
    boots = bench.bus.port('1.1').look()[1].enumeration
    assert boots == 2   # its plug and one boot
    assert refusal(core, FIRST) == 'Maximum number of networks reached for device: 1.1-ma2480'
    del compiled[0]
    gc.collect()
    assert core.compile_model(twice(), FIRST) is not None
    assert bench.bus.port('1.1').look()[1].enumeration == boots


def test_a_stick_is_free_when_the_core_and_its_networks_are_gone(bench):
    bench.plug_in()
    port, core = bench.bus.port('1.1'), runtime.Core()
    request = core.compile_model(twice(), FIRST).create_infer_request()
    del core
    gc.collect()
    assert value_of(request, 5) == 10.0
    del request
    gc.collect()
    assert port.holder() is None
    assert port.in_rom()


def test_a_program_that_ends_leaves_its_stick_in_rom_state(bench):
    bench.plug_in()
    ended = subprocess.run(
        [sys.executable, '-c', 'import openvino_bench\nthere = openvino_bench.There()\n'
         'there.load()\nprint(there.infer(3))'],
        env={**os.environ, 'NCS_SIMULATED_BUS': bench.bus.path,
             'PYTHONPATH': os.pathsep.join(sys.path)},
        capture_output=True, text=True, timeout=60)
    assert ended.stdout == '6.0\n', ended.stderr
    port = bench.bus.port('1.1')
    assert port.in_rom()
    assert port.look()[1].enumeration == 3   # its plug, its boot, its reset
    assert port.state().plugs == 1   # which was no reset of its watchdog


def test_sticks_boot_one_after_another_in_all_processes(bench, start):
    bench.plug_in(sticks=2, boot_ms=300.0)
    others = [start(), start()]
    begun_at = time.monotonic()
    for other, device in zip(others, (FIRST, SECOND)):
        other.begin(f'there.load("{device}")')
    assert [other.answer() for other in others] == [None, None]
    assert time.monotonic() - begun_at >= 0.6


@pytest.mark.parametrize('fault', [('mute',), ('hang', 'open'), ('hang', 'allocate')])
def test_a_stick_that_does_not_answer_holds_up_all_others_until_its_process_is_killed(
        bench, start, fault):
    bench.plug_in(sticks=2)
    bench.bus.inject('1.1', *fault)
    dead, alive = start(), start()
    dead.begin(f'there.load("{FIRST}")')
    wait_until(bench.bus.port('1.1').has_booted)
    alive.begin(f'there.load("{SECOND}")')
    assert not alive.has_answered(A_WHILE_SEC)
    assert not dead.has_answered()
    dead.kill()
    assert alive.answer() is None
    assert alive.do(f'there.infer(6, "{SECOND}")') == 12.0


def test_the_stick_of_a_killed_process_comes_back_by_itself(bench, start):
    core = bench.plug_in(watchdog_sec=2.0)
    killed, port = start(), bench.bus.port('1.1')
    assert killed.do('there.load()') is None
    assert killed.do('there.infer(2)') == 4.0
    killed.kill()
    wait_until(lambda: core.available_devices[-1] == 'MYRIAD')
    assert port.state().plugs == 2   # a new device, which nobody else has reset
    compiled = core.compile_model(twice(), FIRST)
    assert value_of(compiled.create_infer_request(), 4) == 8.0


def test_one_that_is_killed_during_a_boot_loses_its_stick_as_well(bench, start):
    core = bench.plug_in(boot_ms=300.0, watchdog_sec=1.0)
    killed, port = start(), bench.bus.port('1.1')
    killed.begin('there.load()')
    wait_until(lambda: not port.is_visible())
    killed.kill()
    wait_until(lambda: port.in_rom() and port.state().plugs == 2)
    assert core.compile_model(twice(), FIRST) is not None


def test_without_its_watchdog_the_stick_of_a_killed_process_stays_booted(bench, start):
    core = bench.plug_in(watchdog_sec=0.1)
    killed, port = start(), bench.bus.port('1.1')
    assert killed.do('there.load(MYRIAD_WATCHDOG="NO")') is None
    killed.kill()
    assert port.look()[1].sign_by == 0.0   # it waits for none
    assert port.has_booted()
    assert port.holder() is None
    assert refusal(core, FIRST) == 'Myriad device: 1.1-ma2480 not found.'
    bench.bus.inject('1.1', 'unplug')
    bench.bus.inject('1.1', 'plug')
    assert core.compile_model(twice(), FIRST) is not None


def test_a_stopped_process_loses_its_stick_to_another(bench, start):
    core = bench.plug_in(watchdog_sec=2.0)
    stopped = start()
    assert stopped.do('there.load()') is None
    stopped.stop()
    wait_until(bench.bus.port('1.1').in_rom)
    assert core.compile_model(twice(), FIRST) is not None
    os.kill(stopped.pid, signal.SIGCONT)
    # Its thread that notices needs a moment.
    texts = []

    def has_failed():
        texts.append(stopped.do('there.infer(2)'))
        return texts[-1] in ('RuntimeError: Failed to queue inference: NC_ERROR',
                             'RuntimeError: Failed to read output from FIFO: NC_ERROR')

    wait_until(has_failed)
    assert stopped.do('there.core.get_property("MYRIAD.1.1-ma2480", "DEVICE_THERMAL")') == (
        'RuntimeError: Failed to get thermal stats: NC_ERROR')
    assert bench.bus.port('1.1').holder() == os.getpid()
