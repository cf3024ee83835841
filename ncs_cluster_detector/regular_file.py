# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Reads files whose paths people give, and never a pipe or a device, which may have no end."""

import os
import stat

LARGEST_GRAPH = 512 * 2**20   # bytes of a graph file: a stick's memory


def read_file(path: str, most_bytes: int) -> bytes:
    """
    Return the content of a file.

    :raises ValueError: it is no file, or has more bytes; the text says so.
    :raises OSError: it is a folder or cannot be read.
    """
    mode = os.stat(path).st_mode
    # Opening a pipe waits for somebody who writes to it; a folder cannot be opened.
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise ValueError(f'{path} is no file, but a pipe or a device; name a file')
    with open(path, 'rb') as file:
        content = file.read(most_bytes + 1)
    if len(content) > most_bytes:
        raise ValueError(f'{path} has more than {most_bytes} bytes; name the file that was meant')
    return content
