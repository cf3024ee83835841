# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The process that reads a network's file with OpenVINO; see :mod:`inspection`."""

import os
from pathlib import Path
from types import ModuleType
from typing import Any

from ncs_cluster_detector.networks.input_format import InputFormat
from ncs_cluster_detector.networks.metadata.labels_in_file import labels_in_file
from ncs_cluster_detector.regular_file import LARGEST_GRAPH
from ncs_cluster_detector.regular_file import read_file
from ncs_cluster_detector.sticks.openvino.inspection import EXPECTED
from ncs_cluster_detector.sticks.openvino.inspection import NO_SDK
from ncs_cluster_detector.sticks.openvino.inspection import PACKED
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


def main(answer: int, path: str, folder: str) -> int:
    """
    Read a network and write it into a folder; return the exit code.

    :param answer: file descriptor for the reason of a refusal.
    """
    try:
        ov = import_openvino()
        model = _read(ov, path)
        facts = _facts_of(model, path)
        structure, weights = (Path(folder, part) for part in (_STRUCTURE, _WEIGHTS))
        ov.serialize(model, str(structure), str(weights))
        Path(folder, PACKED).write_bytes(
            pack(facts, structure.read_bytes(), weights.read_bytes()))
    except ValueError as error:
        os.write(answer, str(error).encode(errors='replace'))
        return REFUSED
    except SdkMissingError as error:
        os.write(answer, str(error).encode(errors='replace'))
        return NO_SDK
    return 0


def _read(ov: ModuleType, path: str) -> Any:
    """Return the ``Model`` in a file; ValueError if OpenVINO cannot read it."""
    weights = f'{path[:-len(_IR)]}.bin'
    if path.endswith(_IR) and not os.path.exists(weights):
        raise ValueError(f'its weights are missing, there is no {weights}; put the file beside it')
    try:
        return ov.Core().read_model(path)
    except Exception as error:   # OpenVINO raises RuntimeError, and others from its readers
        raise ValueError(f'OpenVINO {_version(ov)} cannot read it ({reason_of(error)}); '
                         f'{EXPECTED}') from error


def _version(ov: ModuleType) -> str:
    return str(ov.get_version()).partition('-')[0]


def _facts_of(model: Any, path: str) -> NetworkFacts:
    """Return what is known of a model, which takes pictures of one size from now on."""
    kind = fix_form(model).kind
    usual = kind.input_format
    if path.endswith(_IR) and usual == InputFormat():
        usual = _OF_IR
    own = labels_in_file(path, read_file(path, LARGEST_GRAPH))
    labels = kind.default_labels(path) if own is None else kind.complete_labels(own)
    return NetworkFacts(kind.title, usual, labels, own is not None, kind.class_count,
                        kind.has_background)
