# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Programs for NCSDK 2 on real sticks: what works."""


def test_all_sticks_start_together_and_each_is_the_one_that_was_asked_for(start_bench):
    bench = start_bench('--ports', '1.1,1.2,1.3,1.4', '--boot', '0.8')
    (opening, *told, after), errors = bench.run("""
found = devices()
began = time.monotonic()
threads = [threading.Thread(target=device.open) for device in found.values()]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
say(time.monotonic() - began)
for number, (name, device) in enumerate(sorted(found.items(), reverse=True)):
    graph, fifo_in, fifo_out = load(device)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(number / 4), name)
    output, user_object = fifo_out.read_elem()
    say(name, user_object, *told(output))
for device in found.values():
    device.destroy()
say(*sorted(devices()))
""")
    assert float(opening) < 2.8   # one after the other: 3.2 s and more
    assert told == [f'1.{port}-ma2450 1.{port}-ma2450 {port} {number / 4}'
                    for number, port in enumerate((4, 3, 2, 1))]
    # They are back in their ROM when they are closed.
    assert after == '1.1-ma2450 1.2-ma2450 1.3-ma2450 1.4-ma2450'
    assert errors == []
    assert {facts.state for facts in bench.bus.sticks().values()} == {'rom'}


def test_a_stick_can_be_opened_again_and_may_be_closed_with_all_on_it(start_bench):
    bench = start_bench('--ports', '1.1')
    lines, errors = bench.run("""
(device,) = devices().values()
for turn in range(3):
    device.open()
    graph, fifo_in, fifo_out = load(device)
    for number in range(2):
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(turn), number)
    output, user_object = fifo_out.read_elem()
    say(turn, user_object, told(output)[1], device.get_option(
        mvncapi.DeviceOption.RO_ALLOCATED_FIFO_NUM))
    device.close()
    say(device.get_option(mvncapi.DeviceOption.RO_DEVICE_STATE), *map(status_of, (
        graph.destroy, fifo_in.destroy, device.close)))
""")
    assert lines == [line for turn in range(3) for line in (
        f'{turn} 0 {float(turn)} 2', '2 INVALID_HANDLE ERROR INVALID_HANDLE')]
    assert errors == []
    assert bench.bus.sticks()['1.1'].boots == 3


def test_a_stick_that_another_program_has_is_in_use(start_bench):
    bench = start_bench('--ports', '1.1,1.2')
    early = bench.start("""
found = devices()
say('listed')
sys.stdin.readline()
say(status_of(found['1.1-ma2450'].open), status_of(found['1.2-ma2450'].open))
say(*sorted(devices()), status_of(devices()['1.1-'].open))
""")
    assert early.stdout.readline() == 'listed\n'
    holder = bench.start("""
devices()['1.1-ma2450'].open()
say('open')
sys.stdin.read()
""")
    assert holder.stdout.readline() == 'open\n'
    output, errors = early.communicate('\n')
    assert output.splitlines()[-2:] == ['ERROR OK', '1.1- 1.2- ERROR']
    assert [line.partition(',')[0] for line in errors.splitlines()] == [
        'mvnc: opening stick 1.1-ma2450: in use by another program',
        'mvnc: opening stick 1.1-: in use by another program']
    assert bench.bus.sticks()['1.1'].boots == 1


def test_a_thread_may_wait_for_results_before_anything_is_started(start_bench):
    bench = start_bench('--ports', '1.1')
    lines, errors = bench.run("""
(device,) = devices().values()
device.open()
graph, fifo_in, fifo_out = load(device)
found = []
def read():
    for _ in range(3):
        found.append(fifo_out.read_elem()[1])
    found.append(status_of(fifo_out.read_elem))
reader = threading.Thread(target=read)
reader.start()
for number in range(3):
    time.sleep(0.1)
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(0), number)
while len(found) < 3:
    time.sleep(0.01)
device.close()
reader.join()
say(found)
""")
    assert lines == ["[0, 1, 2, 'ERROR']"]
    assert errors == []   # the program knows that it has closed the stick


def test_a_program_that_reads_late_waits_with_the_next_tensor(start_bench):
    bench = start_bench('--ports', '1.1')
    lines, errors = bench.run("""
(device,) = devices().values()
device.open()
graph, fifo_in, fifo_out = load(device)
queued = []
def queue():
    for number in range(8):
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(number), number)
        queued.append(number)
writer = threading.Thread(target=queue)
writer.start()
while fifo_out.get_option(mvncapi.FifoOption.RO_READ_FILL_LEVEL) < 2 or len(queued) < 4:
    time.sleep(0.01)
time.sleep(0.1)
say(len(queued) < 8)
for number in range(8):
    output, user_object = fifo_out.read_elem()
    say(user_object, told(output)[1])
writer.join()
""")
    assert lines == ['True', *(f'{number} {float(number)}' for number in range(8))]
    assert errors == []


def test_refused_and_wrong_graphs_leave_the_stick_as_it_is(start_bench):
    bench = start_bench('--ports', '1.1')
    lines, errors = bench.run("""
(device,) = devices().values()
device.open()
say(status_of(load, device, b'BAD graph'), status_of(load, device, b''))
graph, fifo_in, fifo_out = load(device)
wrong = mvncapi.Fifo('wrong', mvncapi.FifoType.HOST_WO)
say(status_of(wrong.allocate, device, fifo_in.get_option(
    mvncapi.FifoOption.RO_GRAPH_TENSOR_DESCRIPTOR), 2 ** 20))
say(device.get_option(mvncapi.DeviceOption.RO_ALLOCATED_GRAPH_NUM))
graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(0.5), 'mine')
say(fifo_out.read_elem()[1])
""")
    assert lines == ['UNSUPPORTED_GRAPH_FILE ERROR', 'ERROR', '1', 'mine']
    assert len(errors) == 2
    assert 'mvNCCompile' in errors[0] and 'expected' in errors[1]


def test_many_arrays_of_many_kinds_are_taken(start_bench):
    bench = start_bench('--ports', '1.1')
    lines, _ = bench.run("""
class Old:
    def tostring(self):
        return picture(0.25).tobytes()

(device,) = devices().values()
device.open()
graph, fifo_in, fifo_out = load(device, output_fifo_data_type=mvncapi.FifoDataType.FP16)
values = picture(0.5)
for tensor in (values, values.reshape(-1), numpy.asfortranarray(values), values.view(numpy.int32),
               Old()):
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor, None)
    output, _ = fifo_out.read_elem()
    output[0] = 7   # it is the program's own
    say(output.dtype, output.shape, told(output)[1])
say(status_of(fifo_in.write_elem, values.astype(numpy.float64), None))
""")
    assert lines == ['float16 (707,) 0.5'] * 4 + [
        'float16 (707,) 0.25', 'INVALID_DATA_LENGTH']


def test_queues_may_be_destroyed_while_an_inference_runs(start_bench):
    bench = start_bench('--ports', '1.1', '--compute', '0.5')
    lines, errors = bench.run("""
(device,) = devices().values()
device.open()
graph, fifo_in, fifo_out = load(device)
graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, picture(1), None)
say(*map(status_of, (fifo_in.destroy, fifo_out.destroy, graph.destroy, device.close)))
""")
    # The stick releases the end of the input before the tensor that it computes on.
    assert (lines, errors) == (['OK OK OK OK'], [])
