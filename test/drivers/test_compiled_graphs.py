# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Graph files for real sticks, whatever the driver."""

from ncs_cluster_detector.drivers import compiled_graphs
from ncs_cluster_detector.drivers.compiled_graphs import read_compiled_graph
from ncs_cluster_detector.drivers.mvnc import MvncDriver
from ncs_cluster_detector.drivers.xlink import XlinkDriver
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
import pytest

READERS = [MvncDriver().read_graph, XlinkDriver(Firmware()).read_graph, read_compiled_graph]
NAMES = ['MvncDriver', 'XlinkDriver', 'function']


@pytest.fixture(params=READERS, ids=NAMES)
def read(request):
    """Return what reads a graph."""
    return request.param


def refused(read, name):
    """Return the line with which a graph is refused."""
    with pytest.raises(ValueError) as caught:
        read(str(name))
    (line,) = str(caught.value).splitlines()
    return line


def test_a_graph_is_read_as_it_is(read, tmp_path):
    (tmp_path / 'graph').write_bytes(bytes(range(256)))
    assert read(str(tmp_path / 'graph')) == bytes(range(256))


def test_a_path_may_begin_with_the_home(read, tmp_path, monkeypatch):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'graph').write_bytes(b'at home')
    assert read('~/graph') == b'at home'


def test_an_empty_file_is_refused(read, tmp_path):
    (tmp_path / 'graph').write_bytes(b'')
    assert refused(read, tmp_path / 'graph') == (
        'the file is empty; expected what mvNCCompile of NCSDK 2 writes')


@pytest.mark.parametrize('name, line', [
    ('net.onnx', 'an ONNX network, which only simulated sticks take; .*make one with mvNCCompile'),
    ('net.prototxt', 'a Caffe network, .*mvNCCompile .*net.prototxt -w .*net.caffemodel -s 12 '),
    ('net.caffemodel', 'a Caffe network, .*mvNCCompile .*net.prototxt -w .*net.caffemodel ')])
def test_what_no_chip_runs_is_refused_by_its_name(read, tmp_path, name, line):
    with pytest.raises(ValueError, match=f'^{line}'):
        read(str(tmp_path / name))   # which need not be there


def test_a_file_that_is_not_there_or_a_folder(read, tmp_path):
    with pytest.raises(FileNotFoundError):
        read(str(tmp_path / 'none'))
    with pytest.raises(IsADirectoryError):
        read(str(tmp_path))


def test_a_file_that_is_larger_than_a_stick_s_memory(read, tmp_path, monkeypatch):
    monkeypatch.setattr(compiled_graphs, 'LARGEST_GRAPH', 100)
    (tmp_path / 'graph').write_bytes(bytes(101))
    assert 'has more than 100 bytes; name the file' in refused(read, tmp_path / 'graph')
