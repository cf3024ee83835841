# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A network as the node hands it to its workers: in OpenVINO's own formats, with what is known of it.

It is a line ``openvino N M K``, N bytes of facts (JSON), M bytes of the network's structure
(``.xml`` of OpenVINO's intermediate representation), K bytes of its weights (``.bin``), and what
OpenVINO has compiled for the processor of this machine. The processor needs only this, and all
other devices only the rest; what nobody needs is empty.
"""

from dataclasses import asdict
from dataclasses import dataclass
from itertools import accumulate
from itertools import pairwise
import json
import re

from ncs_cluster_detector.networks.input_format import InputFormat

_HEADER = re.compile(rb'openvino (\d{1,12}) (\d{1,12}) (\d{1,12})\n')


@dataclass(frozen=True)
class NetworkFacts:
    """
    What the node must know of a network.

    ``kind`` is the title of its outputs' kind; for ``usual`` and ``takes_pixels`` see
    NetworkInput.
    ``labels`` are those of its classes in its own file, or the usual ones, the background first.
    ``class_count`` is the number of classes without a background, None if the outputs do not tell.
    Without ``has_background`` class 0 of the network is an object, and so line 1 of a label file.
    ``source`` is the SHA-256 of the files that it came from: what OpenVINO makes of them depends
    on its version and on the processor.
    """

    kind: str
    usual: InputFormat
    takes_pixels: bool
    labels: tuple[str, ...]
    class_count: int | None
    has_background: bool
    source: str

    @property
    def label_counts(self) -> range | None:
        """Return how many labels there must be, the background with them; None if unknown."""
        count = self.class_count
        return None if count is None else range(count + 1, count + 2)


def pack(facts: NetworkFacts, structure: bytes, weights: bytes, compiled: bytes) -> bytes:
    """Return the bytes of a network."""
    about = json.dumps(asdict(facts)).encode()
    header = b'openvino %d %d %d\n' % (len(about), len(structure), len(weights))
    return b''.join((header, about, structure, weights, compiled))


def is_packed(data: bytes) -> bool:
    """Return whether bytes are such a network."""
    return _HEADER.match(data) is not None


def facts_in(data: bytes) -> NetworkFacts:
    """Return what is known of the network in bytes that :func:`pack` made."""
    about, *_ = _parts(data)
    values = json.loads(bytes(about))
    return NetworkFacts(**values | {'usual': InputFormat(**values['usual']),
                                    'labels': tuple(values['labels'])})


def structure_and_weights_in(data: bytes) -> tuple[bytes, bytes]:
    """Return structure and weights of the network in bytes that :func:`pack` made."""
    _, structure, weights, _ = _parts(data)
    return bytes(structure), bytes(weights)


def compiled_in(data: bytes) -> bytes:
    """Return what is compiled for the processor in bytes that :func:`pack` made."""
    *_, compiled = _parts(data)
    return bytes(compiled)


def _parts(data: bytes) -> list[memoryview]:
    header = _HEADER.match(data)
    assert header is not None, 'made by pack()'
    ends = [*accumulate(map(int, header.groups()), initial=header.end()), len(data)]
    view = memoryview(data)
    return [view[start:end] for start, end in pairwise(ends)]
