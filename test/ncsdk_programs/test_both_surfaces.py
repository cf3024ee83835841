# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""One program on simulated and on real sticks: the same kinds of answers, and the same errors."""

import subprocess
import sys

from program_bench import LIMIT_SEC
import pytest

PROGRAM = """
import sys
import numpy
from mvnc import mvncapi
from mvnc.mvncapi import DeviceOption, FifoDataType, FifoOption, FifoType, GraphOption

def kind(value):
    if isinstance(value, numpy.ndarray):
        return f'{value.dtype} array of {value.ndim} dimensions'
    if isinstance(value, list):
        return f'list of {len(value)} {kind(value[0])}'
    return type(value).__name__

def say(what, call, *arguments):
    try:
        print(what, kind(call(*arguments)))
    except Exception as error:
        print(what, type(error).__name__, error)

def say_all(what, thing, options):
    for option in options:
        say(f'{what} {option}', thing.get_option, option)
        if option is not FifoOption.RW_HOST_TENSOR_DESCRIPTOR:
            say(f'set {what} {option}', thing.set_option, option, 1)

def tensor(value):
    return numpy.full((300, 300, 3), value, numpy.float32)

handles = mvncapi.enumerate_devices()
device, other = mvncapi.Device(handles[0]), mvncapi.Device(handles[0])
say_all('listed', device, DeviceOption)
say('close too early', device.close)
say('graph too early', mvncapi.Graph('g').allocate, device, b'any')
device.open()
say_all('open', device, DeviceOption)
say('name', device.get_option, DeviceOption.RO_DEVICE_NAME)
for option in mvncapi.GlobalOption:
    say(option, mvncapi.global_get_option, option)
    say(f'set {option}', mvncapi.global_set_option, option, 9)
graph = mvncapi.Graph('some graph')
say_all('graph', graph, [
    option for option in GraphOption if option is not GraphOption.RW_EXECUTORS_NUM])
say('no places', graph.allocate_with_fifos, device, b'any', FifoType.HOST_WO, 0)
data = open('graph', 'rb').read()
fifo_in, fifo_out = graph.allocate_with_fifos(
    device, data, output_fifo_data_type=FifoDataType.FP16)
say_all('allocated', graph, GraphOption)
say_all('input', fifo_in, FifoOption)
say_all('output', fifo_out, FifoOption)
say('read an input', fifo_in.read_elem)
say('write an output', fifo_out.write_elem, tensor(0), 1)
say('nothing to start', graph.queue_inference, fifo_in, fifo_out)
say('ends exchanged', graph.queue_inference, fifo_out, fifo_in)
say('too short', fifo_in.write_elem, numpy.zeros(5, numpy.float32), 1)
say('no array', fifo_in.write_elem, b'', 1)
say('write', fifo_in.write_elem, tensor(0), 'first')
say('start', graph.queue_inference, fifo_in, fifo_out)
say('write and start', graph.queue_inference_with_fifo_elem, fifo_in, fifo_out, tensor(1), None)
for _ in range(2):
    output, user_object = fifo_out.read_elem()
    print(kind(output), output.size % 7, output.flags.writeable, user_object)
print(len(device.userobjs), 'user objects left')
say('state', graph.get_option, GraphOption.RO_GRAPH_STATE)
say('after its state', graph.queue_inference_with_fifo_elem, fifo_in, fifo_out, tensor(1), None)
say('remove', fifo_out.remove_elem)
fifo = mvncapi.Fifo('other', FifoType.HOST_WO)
say_all('created', fifo, FifoOption)
(descriptor,) = graph.get_option(GraphOption.RO_INPUT_TENSOR_DESCRIPTORS)
say('no places', fifo.allocate, device, descriptor, 0)
fifo.set_option(FifoOption.RW_DATA_TYPE, FifoDataType.FP16)
say('allocate', fifo.allocate, device, descriptor, 1)
say('allocate again', fifo.allocate, device, descriptor, 1)
for thing in (fifo, fifo_in, fifo_out, graph):
    say('destroy', thing.destroy)
    say('destroy again', thing.destroy)
say('opened twice', other.open)
say('close', device.close)
say('close again', device.close)
say_all('closed', device, DeviceOption)
device.destroy()
say('destroy again', device.destroy)
say_all('destroyed', device, DeviceOption)
"""


def test_both_give_the_same_kinds_of_answers_and_the_same_errors(start_bench, tmp_path):
    (tmp_path / 'graph').write_text('detector: shapes\n')
    (tmp_path / 'both.py').write_text(PROGRAM)
    bench = start_bench('--ports', '1.1')
    answers = []
    for surface, options in (
            ('simulation', ['--sticks', '1', '--boot-ms', '1', '--inference-ms', '1']),
            ('mvnc', ['--firmware', str(bench.firmware)])):
        finished = subprocess.run(
            [sys.executable, '-m', f'ncs_cluster_detector.{surface}', *options, 'both.py'],
            cwd=tmp_path, env=bench.environment, capture_output=True, text=True,
            timeout=LIMIT_SEC)
        assert finished.returncode == 0, finished.stdout + finished.stderr
        answers.append(finished.stdout.splitlines())
    simulated, real = answers
    assert len(real) > 150
    assert real == simulated


@pytest.mark.parametrize('level', ['fork', 'spawn', 'forkserver'])
def test_child_processes_find_the_sticks(start_bench, tmp_path, level):
    bench = start_bench('--ports', '1.1,1.2')
    lines, errors = bench.run("""
import multiprocessing

def work(name):
    device = devices()[name]
    device.open()
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(0), name)
    output, user_object = fifo_out.read_elem()
    say(user_object, *told(output))
    device.close()

if __name__ == '__main__':
    context = multiprocessing.get_context(sys.argv[1])
    workers = [context.Process(target=work, args=(f'1.{port}-ma2450',)) for port in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sys.exit(sum(worker.exitcode for worker in workers))
""", level)
    assert sorted(lines) == ['1.1-ma2450 1 0.0', '1.2-ma2450 2 0.0']
    assert errors == []
