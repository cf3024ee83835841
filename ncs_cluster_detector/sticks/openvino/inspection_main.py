# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The process that reads a network's file with OpenVINO; see :mod:`inspection`."""

import hashlib
import os
import sys
from tempfile import TemporaryDirectory
import threading
from types import ModuleType
from typing import Any

from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.metadata.labels_in_file import labels_in_file
from ncs_cluster_detector.regular_file import LARGEST_GRAPH
from ncs_cluster_detector.regular_file import read_file
from ncs_cluster_detector.sticks.openvino.devices import cpu_properties
from ncs_cluster_detector.sticks.openvino.devices import PROCESSOR
from ncs_cluster_detector.sticks.openvino.inspection import EXPECTED
from ncs_cluster_detector.sticks.openvino.inspection import NO_SDK
from ncs_cluster_detector.sticks.openvino.inspection import REFUSED
from ncs_cluster_detector.sticks.openvino.model_form import fix_form
from ncs_cluster_detector.sticks.openvino.network_file import NetworkFacts
from ncs_cluster_detector.sticks.openvino.network_file import pack
from ncs_cluster_detector.sticks.openvino.reasons import reason_of
from ncs_cluster_detector.sticks.openvino.runtime import import_openvino
from ncs_cluster_detector.sticks.stick import SdkMissingError

_IR = '.xml'
# What OpenVINO's converter makes of an SSD network has its mean and scale inside. Source: the
# Open Model Zoo, whose SSD networks all take the pixel values of 0 to 255, blue-green-red.
_OF_IR = InputFormat(0.0, 1.0, 'bgr')
_STRUCTURE, _WEIGHTS = 'network.xml', 'network.bin'


def main(answer: int, path: str, *devices: str) -> int:
    """
    Read a network; return the exit code.

    :param answer: file descriptor for the network, or the reason of a refusal.
    :param devices: those that are to run the network.
    """
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        ov = import_openvino()
        core = ov.Core()
        model = _read(core, path, str(ov.get_version()).partition('-')[0])
        facts = _facts_of(model, path)
        structure = weights = compiled = b''
        if PROCESSOR in devices:
            compiled = _compiled(core, model)
        if {*devices} - {PROCESSOR}:
            structure, weights = _written(ov, model)
        told, exit_code = pack(facts, structure, weights, compiled), 0
    except ValueError as error:
        told, exit_code = str(error).encode(errors='replace'), REFUSED
    except SdkMissingError as error:
        told, exit_code = str(error).encode(errors='replace'), NO_SDK
    with open(answer, 'wb') as file:
        file.write(told)
    return exit_code


def _end_with_parent() -> None:
    """Wait for the end of the input, which the parent holds open while it lives; then end."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)


def _read(core: Any, path: str, version: str) -> Any:
    """Return the ``Model`` in a file; ValueError if OpenVINO cannot read it."""
    weights = _weights_of(path)
    if path.endswith(_IR) and not os.path.exists(weights):
        raise ValueError(f'its weights are missing, there is no {weights}; put the file beside it')
    try:
        return core.read_model(path)
    except Exception as error:   # OpenVINO raises RuntimeError, and others from its readers
        raise ValueError(f'OpenVINO {version} cannot read it ({reason_of(error)}); '
                         f'{EXPECTED}') from error


def _weights_of(path: str) -> str:
    """Return the path of the weights beside a structure."""
    return f'{path[:-len(_IR)]}.bin'


def _compiled(core: Any, model: Any) -> bytes:
    """Return what OpenVINO compiles for the processor; ValueError if it cannot run the network."""
    try:
        made = core.compile_model(model, PROCESSOR, cpu_properties(core, threads=1)).export_model()
    except Exception as error:
        raise ValueError(f'the processor cannot run it ({reason_of(error)}); expected a network '
                         'of operations that OpenVINO knows; export it with others') from error
    return made if isinstance(made, bytes) else bytes(made.getvalue())   # bytes in 2022


def _written(ov: ModuleType, model: Any) -> tuple[bytes, bytes]:
    """Return structure and weights in OpenVINO's own format, which it only writes into files."""
    # Its ending must be right; what it links to is in memory, and gone with this process.
    names = _STRUCTURE, _WEIGHTS
    files = structure, weights = os.memfd_create(_STRUCTURE), os.memfd_create(_WEIGHTS)
    with TemporaryDirectory() as folder:
        paths = [os.path.join(folder, name) for name in names]
        for path, file in zip(paths, files):
            os.symlink(f'/proc/self/fd/{file}', path)
        ov.serialize(model, *paths)
    return _content(structure), _content(weights)


def _content(file: int) -> bytes:
    return os.pread(file, os.fstat(file).st_size, 0)


def _facts_of(model: Any, path: str) -> NetworkFacts:
    """Return what is known of a model, which takes pictures of one size from now on."""
    network_input, kind = fix_form(model)
    usual = kind.input_format
    if path.endswith(_IR) and usual == InputFormat():
        usual = _OF_IR
    content = read_file(path, LARGEST_GRAPH)
    own = labels_in_file(path, content)
    labels = kind.default_labels(path) if own is None else kind.complete_labels(own)
    source = hashlib.sha256(content)
    if path.endswith(_IR):
        source.update(read_file(_weights_of(path), LARGEST_GRAPH))
    return NetworkFacts(kind.title, usual, network_input.takes_pixels, labels, kind.class_count,
                        kind.has_background, source.hexdigest())
