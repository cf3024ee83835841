# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table of files that hold labels, by the ends of their names."""

from collections.abc import Callable

from ncs_cluster_detector.networks.metadata.ir_labels import labels_in_ir
from ncs_cluster_detector.networks.metadata.label_texts import labels_of_yaml
from ncs_cluster_detector.networks.metadata.label_texts import LARGEST_TEXT
from ncs_cluster_detector.networks.metadata.onnx_labels import labels_in_onnx
from ncs_cluster_detector.networks.metadata.tflite_labels import labels_in_tflite

_READERS: dict[str, Callable[[bytes], tuple[str, ...] | None]] = {
    '.onnx': labels_in_onnx,
    '.xml': labels_in_ir,
    '.tflite': labels_in_tflite,
    # Ultralytics writes one beside the files of some formats.
    '.yaml': lambda content: labels_of_yaml(content[:LARGEST_TEXT + 1].decode()),
}


def labels_in_file(name: str, content: bytes) -> tuple[str, ...] | None:
    """
    Return the labels that a network's file holds itself, or None.

    They are those of the network's classes from 0 on, with or without a background as the file has
    them; :meth:`OutputKind.complete_labels` makes them what all labels of ours are. A file that is
    damaged or of another format than its name says has none: whoever loads the network tells.

    :param name: path of the file; its end tells the format.
    :param content: all bytes of the file, which may be anybody's.
    """
    for end, labels_in in _READERS.items():
        if name.lower().endswith(end):
            try:
                return labels_in(content)
            except ValueError:
                return None
    return None
