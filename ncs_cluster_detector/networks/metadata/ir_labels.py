# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Labels in the .xml files of OpenVINO's intermediate representation (IR)."""

from xml.parsers import expat

from ncs_cluster_detector.networks.metadata.label_texts import checked_labels
from ncs_cluster_detector.networks.metadata.label_texts import labels_of_literal
from ncs_cluster_detector.networks.metadata.label_texts import LARGEST_TEXT

# The definition of a detector has below 2 MB; the weights are in another file.
_LARGEST_XML = 64 * 2**20
# Where Model API and Ultralytics have them, separated by spaces, and where the converter of
# OpenVINO leaves the metadata of an ONNX file of Ultralytics.
_LABELS = ['net', 'rt_info', 'model_info', 'labels']
_NAMES = ['net', 'rt_info', 'framework', 'names']


def labels_in_ir(content: bytes) -> tuple[str, ...] | None:
    """
    Return the labels in the information for the runtime (``rt_info``), or None.

    :raises ValueError: it is no XML, has a document type, or is too large.
    """
    if len(content) > _LARGEST_XML:
        raise ValueError(f'it has {len(content)} bytes; expected at most {_LARGEST_XML}')
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = reader.refuse   # its entities may grow without an end
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError) as error:   # the latter of an unknown encoding
        raise ValueError(f'it is no XML ({error})') from error
    return checked_labels(reader.labels.split()) or labels_of_literal(reader.names)


class _Reader:
    """Follows the elements of a file and keeps the two texts."""

    def __init__(self) -> None:
        self.labels = self.names = ''
        self._path: list[str] = []

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        value = attributes.get('value', '')
        if len(self._path) == len(_LABELS) and len(value) <= LARGEST_TEXT:
            if self._path == _LABELS:
                self.labels = value
            elif self._path == _NAMES:
                self.names = value

    def end(self, name: str) -> None:
        self._path.pop()

    def refuse(self, *_: object) -> None:
        raise ValueError('it has a document type; expected none, as OpenVINO writes none')
