# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Networks of several kinds and formats, read and run by the real OpenVINO on a processor."""

import signal
import subprocess
import sys
import threading

import cv2
import endless_reading
from ncs_cluster_detector.drivers.openvino import OpenVinoDriver
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.sticks.graph_files import read_graph_and_labels
from ncs_cluster_detector.sticks.openvino.network_file import compiled_in
from ncs_cluster_detector.sticks.openvino.network_file import facts_in
from ncs_cluster_detector.sticks.openvino.network_file import structure_and_weights_in
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
import numpy as np
import onnx_networks
from openvino_bench import skip_without_openvino
import psutil
import pytest

skip_without_openvino()
DRIVER = OpenVinoDriver(('CPU', 'CPU'), 1)
SIZE = (96, 64)
NAMES = {0: 'dog', 1: 'red thing'}
RED = (0, 0, 255)


@pytest.fixture
def read(tmp_path):
    """Return a function that reads a network from its content, in a file with this ending."""
    def read_content(content, ending='.onnx'):
        path = tmp_path / f'network{ending}'
        path.write_bytes(content)
        return DRIVER.read_graph(str(path))
    return read_content


def picture(left=40, top=30, right=120, bottom=90):
    """Return a picture of 192 x 128 pixels with a red rectangle."""
    image = np.full((128, 192, 3), 90, np.uint8)
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), RED, cv2.FILLED)
    return image


def found_in(graphs, images, input_format=InputFormat(), wanted='CPU-openvino'):
    """Return the detections of each network in each image."""
    stick = DRIVER.make_stick(graphs)
    stick.open_stick(wanted)
    preprocessor, all_found = Preprocessor(input_format), []
    for image in images:
        stick.send(preprocessor.network_inputs(image, stick.inputs))
        all_found.append([ssd.decode(vector, DRIVER.labels(graph, 'any'))[0]
                          for vector, graph in zip(stick.receive(), graphs)])
    stick.close()
    return all_found


def assert_is_red_thing(found, label):
    assert found.label == label
    assert found.score == pytest.approx(1.0, abs=0.01)
    assert found[2:] == pytest.approx((40 / 192, 30 / 128, 120 / 192, 90 / 128), abs=0.011)


@pytest.mark.parametrize('version', [5, 8])
def test_a_yolo_finds_things_by_the_names_in_its_file(read, version):
    graph = read(onnx_networks.red_yolo(SIZE, version, NAMES))
    assert facts_in(graph).labels == ('background', 'dog', 'red thing')
    assert not DRIVER.has_background(graph)
    assert DRIVER.label_counts(graph) == range(3, 4)
    ((found,),), = found_in([graph], [picture()])
    assert_is_red_thing(found, 'red thing')


def test_the_classes_of_a_yolo_without_names_have_numbers(read):
    graph = read(onnx_networks.red_yolo(SIZE, 8))
    assert facts_in(graph).labels == ('background', 'class 0', 'class 1')


def test_an_ssd_gets_what_the_user_says_of_its_input(read):
    usual, other = InputFormat(), InputFormat(0.0, 1.0, 'rgb')
    for trained, told in ((usual, usual), (other, other)):
        graph = read(onnx_networks.red_finder(SIZE, trained))
        ((found,),), = found_in([graph], [picture()], told)
        assert_is_red_thing(found, 'cat')
    ((nothing,),) = found_in([read(onnx_networks.red_finder(SIZE, other))], [picture()])
    assert nothing == []


def test_several_networks_see_the_same_frames_in_order(read):
    graphs = [read(onnx_networks.red_yolo(SIZE, 5, NAMES)),
              read(onnx_networks.red_finder(SIZE, InputFormat()))]
    moved = [picture(left, 30, left + 60, 90) for left in (0, 30, 60, 90)]
    for number, (of_yolo, of_ssd) in enumerate(found_in(graphs, moved)):
        for found in (*of_yolo, *of_ssd):
            assert found.x_min == pytest.approx(30 * number / 192, abs=0.011)
        assert [found.label for found in (*of_yolo, *of_ssd)] == ['red thing', 'cat']


def test_two_frames_may_be_under_way(read):
    stick = DRIVER.make_stick([read(onnx_networks.red_yolo(SIZE, 8, NAMES))])
    stick.open_stick('CPU-openvino')
    preprocessor = Preprocessor()
    for left in (0, 90):
        stick.send(preprocessor.network_inputs(picture(left, 30, left + 60, 90), stick.inputs))
    edges = [ssd.decode(stick.receive()[0], ('', 'dog', 'red'))[0][0].x_min for _ in range(2)]
    assert edges == pytest.approx([0.0, 90 / 192], abs=0.011)
    stick.close()


def test_openvinos_own_format_comes_with_its_weights(read, tmp_path):
    ov = import_openvino()
    onnx = tmp_path / 'source.onnx'
    onnx.write_bytes(onnx_networks.red_yolo(SIZE, 8, NAMES))
    ov.serialize(ov.Core().read_model(str(onnx)), str(tmp_path / 'ir.xml'),
                 str(tmp_path / 'ir.bin'))
    graph = DRIVER.read_graph(str(tmp_path / 'ir.xml'))
    ((found,),), = found_in([graph], [picture()])
    assert_is_red_thing(found, facts_in(graph).labels[2])
    with pytest.raises(ValueError, match=r'weights only; name .*ir.xml'):
        DRIVER.read_graph(str(tmp_path / 'ir.bin'))
    (tmp_path / 'ir.bin').unlink()
    with pytest.raises(ValueError, match=r'its weights are missing, there is no .*ir.bin'):
        DRIVER.read_graph(str(tmp_path / 'ir.xml'))


@pytest.mark.parametrize('content, ending, why', [
    (b'', '.onnx', 'the file is empty; expected a network for OpenVINO'),
    (b'no network at all', '.onnx', 'OpenVINO .* cannot read it .*; expected a network'),
    (b'no network at all', '.pb', 'OpenVINO .* cannot read it'),
    (b'no network at all', '.tflite', 'OpenVINO .* cannot read it'),
    (b'weights', '.pt', 'a file of PyTorch.* yolo export model=network.pt format=onnx'),
    (b'compiled', '.blob', 'its name has another ending; expected'),
    (b'compiled', '', 'its name has another ending; expected')])
def test_what_is_no_network_is_refused(read, content, ending, why):
    with pytest.raises(ValueError, match=why) as caught:
        read(content, ending)
    assert '\n' not in str(caught.value)


@pytest.mark.parametrize('shape, output, why', [
    ([1, 3, 64, 64], [1, 1000], 'its output is .*1x1000.*, which no known detector gives'),
    ([1, 1, 64, 64], [1, 6, 84], 'its input is 1x1x64x64 of f32, expected one picture'),
    ([2, 3, 64, 64], [2, 6, 84], 'its input is 2x3x64x64 of f32, expected one picture'),
    ([1, 192, 64], [1, 6, 84], 'its input is 1x192x64 of f32, expected one picture'),
    ([1, 3, 5000, 64], [1, 6, 84], 'its input is 1x3x5000x64 of f32, expected one picture')])
def test_what_is_no_detector_of_pictures_is_refused(read, shape, output, why):
    with pytest.raises(ValueError, match=why) as caught:
        read(onnx_networks.scores(shape, output))
    assert '\n' not in str(caught.value)


def test_a_missing_file_is_an_error_of_the_system():
    with pytest.raises(FileNotFoundError):
        DRIVER.read_graph('/nowhere/network.onnx')


def test_only_members_of_the_cluster_can_be_opened(read):
    graph = read(onnx_networks.red_yolo(SIZE, 8))
    stick = DRIVER.make_stick([graph])
    assert stick.device_names() == ['CPU-openvino', 'CPU:2-openvino']
    with pytest.raises(StickNotFoundError, match='opening CPU:3-openvino: OpenVINO lists CPU'):
        stick.open_stick('CPU:3-openvino')


def test_a_processor_has_no_thermometer(read):
    stick = DRIVER.make_stick([read(onnx_networks.red_yolo(SIZE, 8))])
    stick.open_stick('CPU-openvino')
    assert not stick.has_thermometer
    assert stick.thermal_state() == (None, 0)
    stick.close()


def test_a_network_that_the_processor_does_not_take_is_no_fault_of_a_stick(read):
    graph = read(onnx_networks.red_yolo(SIZE, 8))
    stick = OpenVinoDriver(('CPU',), -7).make_stick([graph])   # no number of threads
    with pytest.raises(GraphRejectedError, match='loading graph 0 .* on CPU-openvino: .*expected '
                                                 'a network that CPU runs'):
        stick.open_stick('CPU-openvino')
    assert stick.has_failed


def test_reading_a_network_loads_neither_openvino_nor_opencv_into_the_node(tmp_path):
    path = tmp_path / 'network.onnx'
    path.write_bytes(onnx_networks.red_yolo(SIZE, 8))
    program = (
        'import sys\n'
        'from ncs_cluster_detector.drivers.openvino import OpenVinoDriver\n'
        f"OpenVinoDriver(('CPU',), 1).read_graph({str(path)!r})\n"
        "sys.exit(bool({'openvino', 'cv2'} & {*sys.modules}))\n")
    subprocess.run([sys.executable, '-c', program], check=True, timeout=120)


def test_a_yolo_whose_names_do_not_fit_its_outputs_wants_a_label_file(tmp_path):
    path, labels = tmp_path / 'network.onnx', tmp_path / 'labels.txt'
    path.write_bytes(onnx_networks.red_yolo(SIZE, 8, {0: 'person'}))
    labels.write_text('dog\nred thing\n')
    with pytest.raises(StartupError, match='its file names 1 classes and its outputs have 2, as '
                                           'those of networks for poses.*name its labels in'):
        read_graph_and_labels(str(path), None, DRIVER, pytest.fail)
    _, found = read_graph_and_labels(str(path), str(labels), DRIVER, pytest.fail)
    assert found == ('background', 'dog', 'red thing')


@pytest.mark.parametrize('shape, size', [
    (['batch', 3, 'height', 'width'], (640, 640)), ([1, 3, 64, 'width'], (640, 64)),
    ([1, 3, 'height', 96], (96, 640))])
def test_a_side_that_is_open_gets_the_usual_length(read, shape, size):
    stick = DRIVER.make_stick([read(onnx_networks.scores(shape, [1, 6, 40]))])
    stick.open_stick('CPU:2-openvino')
    assert stick.input_sizes == [size]
    stick.close()


def test_the_network_is_there_for_other_devices_too(tmp_path):
    path = tmp_path / 'network.onnx'
    path.write_bytes(onnx_networks.red_yolo(SIZE, 8, NAMES))
    for devices, parts in ((('CPU',), (False, True)), (('GPU',), (True, False)),
                           (('MYRIAD', 'CPU'), (True, True))):
        graph = OpenVinoDriver(devices, 1).read_graph(str(path))
        structure, weights = structure_and_weights_in(graph)
        assert (bool(structure and weights), bool(compiled_in(graph))) == parts
        if structure:
            import_openvino().Core().read_model(model=structure, weights=weights)


@pytest.fixture
def reading(tmp_path):
    """Return a program that reads a network without end, and the process that does it for it."""
    path, pid = tmp_path / 'network.onnx', tmp_path / 'network.onnx.pid'
    path.write_bytes(b'any')
    program = subprocess.Popen([sys.executable, endless_reading.__file__, str(path)])
    while not pid.exists() or not pid.read_text().endswith(' '):
        assert program.poll() is None
        threading.Event().wait(0.01)
    reader = psutil.Process(int(pid.read_text()))
    yield program, reader
    program.kill()
    program.wait()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_stop_ends_the_reading_at_once(reading, number):
    program, reader = reading
    program.send_signal(number)
    assert program.wait(60) == endless_reading.INTERRUPTED
    assert psutil.wait_procs([reader], timeout=60)[0]


def test_the_reading_ends_with_a_node_that_is_killed(reading):
    program, reader = reading
    program.kill()
    assert psutil.wait_procs([reader], timeout=60)[0]
