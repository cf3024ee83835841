# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Networks of any input size, order and layout, on the double and on the vendor's binding."""

import drawn_objects
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.simulation.api import mvncapi
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.stick import GraphRejectedError
import onnx_networks
import pytest

OTHER = {'bgr': 'rgb', 'rgb': 'bgr'}


@pytest.fixture
def double():
    """Return the double with a quick stick."""
    mvncapi.plug_in(BusSpec(sticks=1, inference_ms=0.0, transfer_ms=0.0, boot_ms=0.0))
    yield mvncapi
    mvncapi.plug_in(BusSpec(sticks=0))


def outputs_of(api, graphs, *input_formats):
    """Return the sizes of a stick's networks, and for each format what they give for a picture."""
    stick = NcsdkStick(api, graphs)
    stick.open_stick('1.1-ma2450')
    sizes, outputs = stick.input_sizes, []
    image = drawn_objects.picture()
    for input_format in input_formats:
        stick.send(Preprocessor(input_format).network_inputs(image, stick.inputs))
        outputs.append(stick.receive())
    stick.close()
    return sizes, outputs


def assert_found_in_this_order_only(api, graph, size, order):
    """Check that a graph finds the objects, and not when red and blue are mixed up."""
    sizes, ((right,), (wrong,)) = outputs_of(
        api, [graph], InputFormat(order=order), InputFormat(order=OTHER[order]))
    assert sizes == [size]
    assert drawn_objects.are_found(right, size)
    assert not drawn_objects.are_found(wrong, size)


@pytest.mark.parametrize('size, order', [
    ((224, 224), 'rgb'), ((512, 512), 'bgr'), ((300, 300), 'bgr'), ((416, 240), 'rgb')])
def test_the_built_in_graph_finds_objects_at_any_size(double, size, order):
    graph = f'detector: shapes\ninput: {size[0]}x{size[1]} {order}\n'.encode()
    assert_found_in_this_order_only(double, graph, size, order)


@pytest.mark.parametrize('input_format', [
    InputFormat(order='rgb'), InputFormat(0.0, 1 / 255.0, 'bgr'), InputFormat(104.0, 1.0, 'rgb')])
@pytest.mark.parametrize('size', [(224, 224), (512, 512), (320, 192)])
def test_an_onnx_network_finds_objects_with_what_it_was_trained_with(double, size, input_format):
    mean, scale, order = input_format.mean, input_format.scale, input_format.order
    _, ((right,), *wrong) = outputs_of(
        double, [onnx_networks.red_finder(size, input_format)], input_format,
        InputFormat(mean, scale, OTHER[order]), InputFormat(mean, 0.2 * scale, order))
    red = drawn_objects.OBJECTS[:1]
    assert drawn_objects.are_found(right, size, red)
    assert not any(drawn_objects.are_found(output, size, red) for (output,) in wrong)


@pytest.mark.parametrize('layout', ['', 'planes', 'padded', 'planes padded'])
@pytest.mark.parametrize('size, order', [
    ((224, 224), 'rgb'), ((512, 512), 'bgr'), ((299, 181), 'rgb')])
def test_objects_are_found_through_the_vendors_binding(bench, size, order, layout):
    bench.load()
    words = f'{"rgb" if order == "rgb" else ""} {layout}'
    graph = f'standin-graph {size[0]}x{size[1]} {words}'.encode()
    assert_found_in_this_order_only(bench.binding, graph, size, order)
    # Nothing was left to the library's conversion, value by value.
    assert bench.count('conversions') == 0
    assert bench.count('misuses') == bench.count('handles') == 0


@pytest.mark.parametrize('output', [
    '', 'gaps', 'output=1x101x7 gaps', 'output=707x1x1', 'output=1x1x707', 'output=7x1x101'])
def test_a_result_is_read_whatever_form_it_has(bench, output):
    bench.load()
    size = 300, 300
    _, ((result,),) = outputs_of(
        bench.binding, [f'standin-graph 300x300 {output}'.encode()], InputFormat())
    assert drawn_objects.are_found(result, size)
    # The vendor's library writes a result behind the array that is too short for it.
    assert bench.count('overruns') == 0


def graphs_of(kind, sizes):
    """Return a graph for each size, of the double or of the stand-in."""
    form = {'double': 'detector: shapes\ninput: {}x{}\n', 'vendor': 'standin-graph {}x{}'}[kind]
    return [form.format(*size).encode() for size in sizes]


@pytest.mark.parametrize('kind', ['double', 'vendor'])
def test_each_of_several_networks_gets_its_own_input(kind, request):
    if kind == 'double':
        api = request.getfixturevalue('double')
    else:
        api = request.getfixturevalue('bench').load()
    wanted = [(224, 224), (512, 384), (224, 224), (300, 300)]
    sizes, (outputs,) = outputs_of(api, graphs_of(kind, wanted), InputFormat())
    assert sizes == wanted
    for output, size in zip(outputs, wanted):
        assert drawn_objects.are_found(output, size)


def test_on_the_simulated_bus_an_input_takes_what_its_size_is(double, monkeypatch):
    sent = []
    reserve = SimulatedBus.reserve_transfer
    monkeypatch.setattr(SimulatedBus, 'reserve_transfer',
                        lambda bus, size: sent.append(size) or reserve(bus, size))
    outputs_of(double, graphs_of('double', [(512, 512), (224, 192)]), InputFormat())
    assert sent == [512 * 512 * 6, 224 * 192 * 6]


@pytest.mark.parametrize('words, found', [
    ('channels=1', 'its input is 1x1x224x224, expected 1x3xHEIGHTxWIDTH, one picture of three'),
    ('channels=4', 'its input is 1x4x224x224, expected 1x3xHEIGHTxWIDTH'),
    ('output=1000x1x1', 'its output is 1x1000x1x1, expected that of an SSD network'),
    ('output=1001x1x1', 'its output is 1x1001x1x1, expected'),
    ('output=7x1x1', 'its output is 1x7x1x1, expected'),
    ('output=84x1x8400', 'its output is 1x84x1x8400, expected'),
    ('output=1x84x8400', 'its output is 1x1x84x8400, expected'),
    ('output=21x64x64', 'its output is 1x21x64x64, expected'),
    ('output=125x13x13', 'its output is 1x125x13x13, expected')])
def test_what_is_no_detector_of_pictures_is_refused_when_it_is_loaded(bench, words, found):
    bench.load()
    stick = NcsdkStick(bench.binding, [b'standin-graph 300x300',
                                       f'standin-graph 224x224 {words}'.encode()])
    with pytest.raises(GraphRejectedError, match=f'loading graph 1 on stick 1.1-ma2450: {found}') \
            as caught:
        stick.open_stick('1.1-ma2450')
    assert '\n' not in str(caught.value)
    assert not stick.has_failed
    stick.close()
    assert bench.count('handles') == bench.count('misuses') == 0


@pytest.mark.parametrize('output', [[1, 1000], [1, 84, 8400], [1, 7], [1, 64, 7, 7]])
def test_the_double_tells_the_driver_what_is_no_detector(double, output):
    stick = NcsdkStick(double, [onnx_networks.scores([1, 3, 640, 640], output)])
    with pytest.raises(GraphRejectedError, match='expected that of an SSD network'):
        stick.open_stick('1.1-ma2450')
    stick.close()
