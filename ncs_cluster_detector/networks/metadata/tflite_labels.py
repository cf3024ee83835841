# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Labels in the archive that is appended to TensorFlow Lite files."""

import io
import lzma
import zipfile
import zlib

from ncs_cluster_detector.networks.metadata.label_texts import checked_labels
from ncs_cluster_detector.networks.metadata.label_texts import labels_of_metadata
from ncs_cluster_detector.networks.metadata.label_texts import LARGEST_TEXT

# The archive is at the end of the file, and its texts are short.
_LARGEST_ARCHIVE = 2 * 2**20
_MOST_FILES = 50
_UNREADABLE = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, RuntimeError,
               ValueError, KeyError, IndexError)


def labels_in_tflite(content: bytes) -> tuple[str, ...] | None:
    """
    Return the labels in the appended archive, or None.

    TensorFlow's tools append a text with a label a line (``labelmap.txt``); Ultralytics appends
    ``metadata.json``, or in old releases a dictionary as Python writes it (``meta.txt``), with the
    labels below ``names``.

    :raises ValueError: the archive cannot be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content[-_LARGEST_ARCHIVE:])) as archive:
            for name in sorted(archive.namelist())[:_MOST_FILES]:
                labels = _labels_in(archive, name)
                if labels is not None:
                    return labels
    except _UNREADABLE as error:   # a damaged archive fails in all of these ways
        raise ValueError(f'its archive cannot be read ({error})') from error
    return None


def _labels_in(archive: zipfile.ZipFile, name: str) -> tuple[str, ...] | None:
    file_name = name.rsplit('/', 1)[-1].lower()
    if not file_name.endswith(('.txt', '.json')):
        return None
    with archive.open(name) as file:   # what it becomes may be far more than what it takes
        content = file.read(LARGEST_TEXT + 1)
    if len(content) > LARGEST_TEXT:
        return None
    text = content.decode('utf-8-sig')
    if file_name.endswith('.txt') and 'label' in file_name:
        return checked_labels(text.rstrip().splitlines())
    return labels_of_metadata(text)
