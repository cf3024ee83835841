# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Labels in the metadata of ONNX files."""

from ncs_cluster_detector.networks.formats import protobuf
from ncs_cluster_detector.networks.metadata.label_texts import checked_labels
from ncs_cluster_detector.networks.metadata.label_texts import labels_of_literal
from ncs_cluster_detector.networks.metadata.label_texts import LARGEST_TEXT

# The numbers of the fields in onnx.proto.
_METADATA_OF_MODEL = 14
_KEY, _VALUE = 1, 2
_MOST_FIELDS = 10_000   # of a model beside its graph, which is one; usual are below a hundred


def labels_in_onnx(content: bytes) -> tuple[str, ...] | None:
    """
    Return the labels in the metadata of a model, or None.

    Ultralytics has them below ``names`` as Python writes a dictionary, and OpenVINO's Model API
    below ``model_info labels``, separated by spaces.

    :raises ValueError: it is no ONNX file.
    """
    texts: dict[str, str] = {}
    for entry in protobuf.every(content, _METADATA_OF_MODEL, _MOST_FIELDS):
        key, value = (protobuf.every(entry, number, _MOST_FIELDS) for number in (_KEY, _VALUE))
        if key and value and isinstance(value[-1], memoryview) and len(value[-1]) <= LARGEST_TEXT:
            texts[protobuf.text(key[-1])] = protobuf.text(value[-1])
    return (labels_of_literal(texts.get('names', ''))
            or checked_labels(texts.get('model_info labels', '').split()))
