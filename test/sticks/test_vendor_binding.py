# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver on the vendor's unmodified binding, over a stand-in for its native library."""

import os
import subprocess
import sys
import warnings

from blocking_calls import in_thread
from blocking_calls import LIMIT_SEC
from blocking_calls import wait_until
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.stick import GraphLoadError
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
import numpy as np
import pytest
from vendor_bench import binding_path
from vendor_bench import GRAPH

RED, GREEN, BLUE = (0, 0, 255), (0, 255, 0), (255, 0, 0)


def tensor(left, colour=RED):
    """Return the network's input for a picture with one rectangle."""
    image = np.full((300, 300, 3), 90, dtype=np.uint8)
    image[100:200, left:left + 50] = colour
    return Preprocessor().network_input(image, NetworkInput((300, 300)))


def send(stick, *drawn):
    """Send a picture with one rectangle to all networks of a stick."""
    stick.send([tensor(*drawn)] * len(stick.input_sizes))


def new_stick(bench, *graphs):
    """Return a driver that is not open."""
    return NcsdkStick(bench.binding, graphs or (GRAPH,), bench.facts())


def opened(bench, *graphs, name='1.1-ma2450'):
    """Return a driver with an open stick."""
    stick = new_stick(bench, *graphs)
    stick.open_stick(name)
    return stick


def one_detection(output):
    """Return the only detection in an output vector."""
    (detection,), unusable = ssd.decode(output, PASCAL_VOC)
    assert unusable == 0
    return detection


def fill_level(stick, option):
    """Return how many elements the input or output FIFO of the only graph holds."""
    ((_, fifo_in, fifo_out),) = stick._networks
    fifo = fifo_in if option == 'RO_WRITE_FILL_LEVEL' else fifo_out
    return fifo.get_option(getattr(stick._api.FifoOption, option))


def one_line(caught):
    """Return the text of an error, which must be one line and name the stick."""
    text = str(caught.value)
    assert '\n' not in text
    assert '1.1' in text
    return text


@pytest.mark.parametrize('colour, label', [(RED, 'cat'), (GREEN, 'person'), (BLUE, 'car')])
def test_the_picture_reaches_the_network_in_order_and_scale(bench, colour, label):
    bench.load()
    stick = opened(bench)
    send(stick, 30, colour)
    (output,) = stick.receive()
    assert output.dtype == np.float32
    assert output.shape == (707,)
    detection = one_detection(output)
    assert detection.label == label
    assert detection[2:] == pytest.approx((0.1, 100 / 300, 80 / 300, 200 / 300), abs=0.001)
    stick.close()


def test_nothing_deprecated_is_used(bench):
    with warnings.catch_warnings():
        bench.load()
        warnings.simplefilter('error')   # the binding's import changes the filter
        stick = opened(bench)
        send(stick, 30)
        assert one_detection(stick.receive()[0]).label == 'cat'
        stick.thermal_state()
        stick.close()


def test_a_result_can_be_written_to(bench):
    bench.load()
    stick = opened(bench)
    send(stick, 30)
    (output,) = stick.receive()
    output[0] = 0
    assert ssd.decode(output, PASCAL_VOC) == ([], 0)
    stick.close()


def test_every_network_answers_every_input_in_order(bench):
    bench.load(COMPUTE_MS=1)
    stick = opened(bench, GRAPH, GRAPH)
    send(stick, 30)
    send(stick, 150, GREEN)
    for label in ('cat', 'person'):
        assert [one_detection(output).label for output in stick.receive()] == [label] * 2
    stick.close()


def test_an_input_waits_for_room_and_goes_on(bench):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'compute', 'hang')
    send(stick, 0)
    send(stick, 60)
    assert fill_level(stick, 'RO_WRITE_FILL_LEVEL') == 2
    thread, outcome = in_thread(send, stick, 120)
    wait_until(lambda: bench.count('waiting') == 1)
    bench.mend('1.1', 'compute')
    thread.join(LIMIT_SEC)
    assert outcome == [None]
    lefts = [one_detection(stick.receive()[0]).x_min for _ in range(3)]
    assert lefts == pytest.approx([0.0, 0.2, 0.4], abs=0.001)
    stick.close()


def test_three_threads_use_one_stick(bench):
    bench.load(COMPUTE_MS=0.5)
    stick = opened(bench, GRAPH, GRAPH)
    frames = 60
    senders = in_thread(lambda: [send(stick, 2 * number) for number in range(frames)])
    receivers = in_thread(lambda: [one_detection(stick.receive()[1]).x_min
                                   for _ in range(frames)])
    watchers = in_thread(lambda: [(stick.thermal_state().throttle_level, stick.device_names())
                                  for _ in range(frames)])
    for thread, _ in (senders, receivers, watchers):
        thread.join(LIMIT_SEC)
        assert not thread.is_alive()
    assert receivers[1][0] == pytest.approx([2 * number / 300 for number in range(frames)],
                                            abs=0.001)
    assert watchers[1][0] == [(0, ['1.1-', '1.2-ma2450'])] * frames
    stick.close()
    assert bench.count('handles') == bench.count('misuses') == 0


def test_closing_waits_for_results_and_leaves_nothing_behind(bench):
    bench.load(COMPUTE_MS=2)
    stick = opened(bench, GRAPH, GRAPH)
    device = stick._device
    send(stick, 0)
    send(stick, 60)
    stick.close()
    assert bench.count('handles') == bench.count('misuses') == 0
    assert device.userobjs == {}
    again = opened(bench)
    send(again, 0)
    again.receive()
    again.close()
    assert bench.count('handles') == bench.count('misuses') == 0


@pytest.mark.parametrize('told, celsius', [
    ('45.5', 45.5), ('-12', -12.0), ('nan', None), ('inf', None), ('-inf', None), ('0', None),
    ('1e9', None), ('150', 150.0), ('150.1', None), ('-55', -55.0), ('-55.1', None)])
def test_only_a_temperature_is_one(bench, told, celsius):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'celsius', told)
    assert stick.thermal_state().celsius == celsius
    stick.close()


@pytest.mark.parametrize('told, level', [('0', 0), ('1', 1), ('2', 2), ('3', 0), ('-1', 0)])
def test_only_a_throttling_level_is_one(bench, told, level):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'level', told)
    assert stick.thermal_state().throttle_level == level
    stick.close()


def test_a_stick_is_read_while_it_computes_and_a_result_is_awaited(bench):
    bench.load(AMBIENT=35)
    stick = opened(bench)
    bench.set_fault('1.1', 'compute', 'hang')
    send(stick, 0)
    thread, _ = in_thread(stick.receive)
    wait_until(lambda: bench.count('waiting') == 1)
    assert stick.thermal_state().celsius == pytest.approx(35, abs=1)
    assert thread.is_alive()
    bench.mend('1.1', 'compute')
    thread.join(LIMIT_SEC)
    stick.close()


def test_a_stick_that_is_not_there_is_named_with_those_that_are(bench):
    bench.load(STICKS=1)
    with pytest.raises(StickNotFoundError, match=r'1\.7-ma2450.*1\.1-ma2450.*port 1\.7'):
        new_stick(bench).open_stick('1.7-ma2450')
    assert bench.count('handles') == 0


def test_the_port_counts_not_the_chip(bench):
    bench.load()
    stick = opened(bench, name='1.2-ma2480')
    assert stick.device_names() == ['1.1-ma2450', '1.2-']
    stick.close()


HOLDER = """
import sys
from mvnc import mvncapi
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
stick = NcsdkStick(mvncapi, [b'standin-graph 300x300'])
stick.open_stick('1.1-ma2450')
print(stick.device_names(), flush=True)
sys.stdin.read()
stick.close()
"""


def test_a_stick_of_another_process_is_in_use_until_that_ends(bench):
    bench.load()
    # The vendor's module as it is installed: mvnc.mvncapi and libmvnc.so on their search paths.
    environment = {**os.environ, **bench.environment, 'PYTHONPATH': os.pathsep.join(
        [str(binding_path().parents[1]), *filter(None, sys.path)])}
    with subprocess.Popen([sys.executable, '-c', HOLDER], env=environment, text=True,
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == "['1.1-', '1.2-ma2450']\n"
        with pytest.raises(StickInUseError, match='listed as 1.1-, in use') as caught:
            new_stick(bench).open_stick('1.1-ma2450')
        one_line(caught)
        holder.communicate(timeout=LIMIT_SEC)
    assert holder.returncode == 0
    assert new_stick(bench).device_names() == ['1.1-ma2450', '1.2-ma2450']
    assert bench.count('handles') == 0


def test_a_failed_opening_is_not_followed_by_any_call(bench):
    bench.load()
    bench.set_fault('1.1', 'open', -2)
    stick = new_stick(bench)
    with pytest.raises(StickOpenError, match='opening stick 1.1-ma2450: ERROR.*power') as caught:
        stick.open_stick('1.1-ma2450')
    assert type(caught.value) is StickOpenError
    assert not caught.value.permanent
    one_line(caught)
    stick.close()
    assert bench.count('calls_after_failed_open') == 0


def test_missing_firmware_is_named(bench):
    bench.load()
    firmware = bench.library.parent / 'mvnc' / 'MvNCAPI-ma2450.mvcmd'
    firmware.unlink()
    with pytest.raises(FirmwareMissingError, match=f'ERROR.*{firmware}.*install') as caught:
        new_stick(bench).open_stick('1.1-ma2450')
    one_line(caught)


def test_a_stick_that_leaves_the_bus_while_it_starts_lacks_power(bench):
    bench.load(STICKS=3)   # the third is not on the bus that the system shows
    bench.set_fault('1.3', 'open', -2)
    with pytest.raises(StickLostError, match='1.3-ma2450: ERROR.*left the USB bus.*power'):
        new_stick(bench).open_stick('1.3-ma2450')


def test_a_device_file_that_is_missing_is_no_permission(bench):
    bench.load(STICKS=3)
    bench.set_fault('1.3', 'open', -2)
    node = bench.usb.plug_in('1.3', 7, has_node=False)
    with pytest.raises(NoPermissionError, match=f'{node} does not exist here'):
        new_stick(bench).open_stick('1.3-ma2450')


@pytest.mark.parametrize('graph', [b'', b'something else'])
def test_a_graph_file_that_is_none_names_the_compiler(bench, graph):
    bench.load()
    with pytest.raises(GraphLoadError, match='loading graph 1 .*mvNCCompile.*NCSDK 2') as caught:
        opened(bench, GRAPH, graph)
    assert caught.value.permanent
    one_line(caught)


@pytest.mark.parametrize('status, name, permanent', [
    (-3, 'OUT_OF_MEMORY', True), (-10, 'UNSUPPORTED_GRAPH_FILE', True), (-2, 'ERROR', False),
    (-13, 'MYRIAD_ERROR', False), (-77, 'ValueError', False)])
def test_only_a_status_about_the_file_is_permanent(bench, status, name, permanent):
    bench.load()
    bench.set_fault('1.1', 'allocate', status)
    with pytest.raises(GraphLoadError, match=rf'graph 0 \(21 bytes\).*: {name}') as caught:
        opened(bench)
    assert caught.value.permanent is permanent
    assert isinstance(caught.value, GraphRejectedError) is permanent
    one_line(caught)


def test_a_wrong_length_of_the_input_is_blamed_on_the_graph(bench):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'write', -14)
    with pytest.raises(GraphRejectedError, match='INVALID_DATA_LENGTH.*compile it') as caught:
        send(stick, 0)
    one_line(caught)


def test_a_refused_input_is_not_retried_and_nothing_is_closed(bench):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'trigger', -2)
    with pytest.raises(StickLostError, match='starting an inference on stick 1.1.*: ERROR'):
        send(stick, 0)
    stick.close()
    assert stick.device_names()[0] == '1.1-'   # still open: only the end of the process helps


def test_an_unknown_status_is_an_error_too(bench):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'thermal', -99)
    with pytest.raises(StickLostError, match='temperature on stick 1.1-ma2450: ValueError'):
        stick.thermal_state()


def test_an_unplugged_stick_ends_the_wait_for_a_result(bench):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'compute', 'hang')
    send(stick, 0)
    thread, outcome = in_thread(stick.receive)
    bench.mend('1.1', 'compute')
    thread.join(LIMIT_SEC)
    assert one_detection(outcome.pop()[0]).label == 'cat'
    thread, outcome = in_thread(stick.receive)
    wait_until(lambda: bench.count('waiting') == 1)
    bench.set_fault('1.1', 'unplugged')
    thread.join(LIMIT_SEC)
    (error,) = outcome
    assert isinstance(error, StickLostError)
    assert 'reading a result on stick 1.1-ma2450: ERROR' in str(error)
    assert stick.device_names() == ['1.2-ma2450']


def test_of_the_calls_that_wait_for_an_unplugged_stick_one_is_told(bench):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'compute', 'hang')
    send(stick, 0)
    send(stick, 60)
    calls = [in_thread(send, stick, 120), in_thread(stick.receive)]
    wait_until(lambda: bench.count('waiting') == 2)
    bench.set_fault('1.1', 'unplugged')
    bench.mend('1.1', 'compute')
    wait_until(lambda: any(outcome for _, outcome in calls))
    assert [type(error) for _, outcome in calls for error in outcome] == [StickLostError]
    stick.close()   # returns: after an error it must not touch a library with a blocked thread


def test_a_hanging_read_holds_up_nothing_else(bench):
    bench.load()
    stick = opened(bench)
    bench.set_fault('1.1', 'read', 'hang')
    send(stick, 0)
    thread, outcome = in_thread(stick.receive)
    wait_until(lambda: fill_level(stick, 'RO_READ_FILL_LEVEL') == 1)
    send(stick, 60)
    assert stick.thermal_state().throttle_level == 0
    assert thread.is_alive()
    bench.mend('1.1', 'read')
    thread.join(LIMIT_SEC)
    assert one_detection(outcome[0][0]).x_min == 0
    stick.close()


def test_the_stand_in_takes_single_precision_too(bench):
    binding = bench.load()
    stick = new_stick(bench)   # adapts the binding to NumPy
    device = binding.Device(binding.enumerate_devices()[0])
    device.open()
    graph = binding.Graph('single')
    fifo_in, fifo_out = graph.allocate_with_fifos(device, GRAPH)
    assert fifo_in.get_option(binding.FifoOption.RO_ELEMENT_DATA_SIZE) == 1080000
    graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, Raw(tensor(30)), 5)
    output, user_object = fifo_out.read_elem()
    assert user_object == 5
    assert output.dtype == np.float32
    assert one_detection(output).label == 'cat'
    for part in (fifo_in, fifo_out, graph):
        part.destroy()
    device.close()
    device.destroy()
    assert stick.device_names() == ['1.1-ma2450', '1.2-ma2450']


class Raw:
    """The bytes of a tensor in single precision."""

    def __init__(self, values):
        """Hold the values."""
        self._values = values.astype(np.float32)

    def tostring(self):
        """Return the bytes."""
        return self._values.tobytes()
