# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Programs for NCSDK 2 on real sticks that fail, or that others have left behind."""

import os
import signal

import pytest

# Opens the only stick, and queues an inference that it never ends.
HANGING = """
(device,) = devices().values()
device.open()
graph, fifo_in, fifo_out = load(device)
graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(0), None)
say('queued')
"""


@pytest.mark.parametrize('level, count', [('WARN', 1), ('FATAL', 0)])
def test_an_unplugged_stick_ends_all_calls_and_can_be_opened_when_it_is_back(
        start_bench, level, count):
    bench = start_bench('--ports', '1.1')
    bench.bus.tell('1.1 hang-compute')
    program = bench.start("""
mvncapi.global_set_option(mvncapi.GlobalOption.RW_LOG_LEVEL, mvncapi.LogLevel[sys.argv[1]])
""" + HANGING + """
began = time.monotonic()
say(status_of(fifo_out.read_elem))
say(status_of(device.get_option, mvncapi.DeviceOption.RO_THERMAL_STATS),
    status_of(graph.queue_inference_with_fifo_elem, fifo_in, fifo_out, picture(0), None),
    status_of(graph.get_option, mvncapi.GraphOption.RO_TIME_TAKEN),
    status_of(fifo_in.get_option, mvncapi.FifoOption.RO_WRITE_FILL_LEVEL),
    status_of(fifo_out.get_option, mvncapi.FifoOption.RO_READ_FILL_LEVEL),
    status_of(fifo_in.destroy), status_of(graph.destroy), status_of(device.close))
say(time.monotonic() - began < 3)
sys.stdin.readline()
(device,) = devices().values()
device.open()
graph, fifo_in, fifo_out = load(device)
graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(1), 'again')
say(fifo_out.read_elem()[1])
""", level)
    assert program.stdout.readline() == 'queued\n'
    bench.bus.tell('1.1 unplug')
    assert program.stdout.readline() == 'ERROR\n'
    assert program.stdout.readline() == (
        'ERROR ERROR ERROR ERROR UNAUTHORIZED ERROR ERROR OK\n')
    assert program.stdout.readline() == 'True\n'
    bench.bus.tell('1.1 plug', '1.1 clear')
    output, errors = program.communicate('\n', timeout=20)
    assert output == 'again\n', errors
    reasons = errors.splitlines()
    assert bool(reasons) == bool(count)
    assert all(line.startswith('mvnc: ') and '1.1-ma2450' in line for line in reasons), errors


def test_a_stick_that_says_nothing_is_an_error_within_its_deadline(start_bench):
    bench = start_bench('--ports', '1.1')
    program = bench.start("""
(device,) = devices().values()
device.open()
say('open')
sys.stdin.readline()
began = time.monotonic()
say(status_of(device.get_option, mvncapi.DeviceOption.RO_THERMAL_STATS))
say(status_of(device.close), time.monotonic() - began < 5)
""")
    assert program.stdout.readline() == 'open\n'
    bench.bus.tell('1.1 mute')
    output, errors = program.communicate('\n', timeout=20)
    assert output.splitlines() == ['ERROR', 'OK True']
    (reason,) = errors.splitlines()
    assert reason.startswith('mvnc: ') and '1.1-ma2450' in reason


def test_sticks_of_a_killed_program_are_back_in_their_rom_with_the_first_listing(start_bench):
    bench = start_bench('--ports', '1.1', '--stale', 'keep')
    killed = bench.start(HANGING.replace("say('queued')", """
graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(1), 1)
say('queued')
sys.stdin.read()
"""))
    assert killed.stdout.readline() == 'queued\n'
    bench.bus.wait_for(lambda sticks: sticks['1.1'].inferences == 2)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    bench.bus.tell('1.2 plug', '1.2 boot', '1.2 dead')   # and one that does not answer any more
    lines, errors = bench.run("""
began = time.monotonic()
found = devices()
say(time.monotonic() - began < 4, *sorted(found))
for name, device in sorted(found.items()):
    device.open()
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(2), name)
    output, user_object = fifo_out.read_elem()
    say(user_object, *told(output))
""")
    assert lines == ['True 1.1-ma2450 1.2-ma2450', '1.1-ma2450 1 2.0', '1.2-ma2450 2 2.0']
    assert errors == []
    facts = bench.bus.sticks()
    assert (facts['1.1'].resets, facts['1.1'].usb_resets) == (1, 0)
    assert facts['1.2'].usb_resets == 1


def test_a_stick_that_cannot_be_reset_is_left_alone_and_named(start_bench):
    bench = start_bench('--ports', '1.1,1.2')
    bench.bus.tell('1.1 boot', '1.1 dead', '1.1 slow-usb-reset 60')
    lines, errors = bench.run("""
began = time.monotonic()
found = devices()
say(time.monotonic() - began < 8, *sorted(found))
found['1.2-ma2450'].open()
""")
    (line,) = lines
    assert line.startswith('True 1.1-') and line.endswith(' 1.2-ma2450')
    (reason,) = errors
    assert reason.startswith('mvnc: resetting stick 1.1-') and 'unplug it' in reason


def test_a_program_may_end_without_closing_its_sticks(start_bench):
    bench = start_bench('--ports', '1.1')
    bench.bus.tell('1.1 hang-compute')
    _, errors = bench.run(HANGING + """
threading.Thread(target=fifo_out.read_elem, daemon=True).start()
raise ValueError('of the program')
""", code=1)
    assert errors[-1] == 'ValueError: of the program'
    bench.bus.wait_for(lambda sticks: sticks['1.1'].holder is None)
    assert bench.bus.sticks()['1.1'].state == 'booted'


def test_without_usb_there_are_no_sticks_and_a_reason(start_bench):
    bench = start_bench('--ports', '1.1')
    bench.environment['FAKEUSB_SOCKET'] = '/nowhere'
    lines, errors = bench.run('say(mvncapi.enumerate_devices())')
    assert lines == ['[]']
    (reason,) = errors
    assert reason.startswith('mvnc: listing the sticks: ')
