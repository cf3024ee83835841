# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A folder with the vendor's library, the fake libusb, and the files that they need."""

import importlib.util
import os
from pathlib import Path
import shutil

from fake_usb.client import build_library
from fake_usb.client import compiler
import pytest

LIBRARY, BINDING = 'NCSDK_LIBRARY', 'NCSDK_MVNCAPI'
GRAPH_BYTES = 8_000_000


def install_library(folder):
    """Put the vendor's library and the fake libusb into a folder; skip if something is missing."""
    if not os.environ.get(LIBRARY):
        pytest.skip(f"needs the vendor's library: {LIBRARY}=/path/to/libmvnc.so")
    if not os.environ.get(BINDING) and importlib.util.find_spec('mvnc') is None:
        pytest.skip(f"needs the vendor's binding: {BINDING}=/path/to/mvnc/mvncapi.py")
    for name, example in ((LIBRARY, 'libmvnc.so'), (BINDING, 'mvnc/mvncapi.py')):
        if os.environ.get(name) and not Path(os.environ[name]).is_file():
            pytest.fail(f'{name}={os.environ[name]} is no file; set it to .../{example}')
    if compiler() is None:
        pytest.skip('needs a C compiler')
    build_library(folder)
    for name in ('libmvnc.so', 'libmvnc.so.0'):
        shutil.copy(os.environ[LIBRARY], folder / name)
    (folder / 'mvnc').mkdir()
    firmware = b'MVCM' + (64).to_bytes(4, 'little') + bytes(56)   # a dummy: only its length counts
    (folder / 'mvnc' / 'MvNCAPI-ma2450.mvcmd').write_bytes(firmware)
    (folder / 'dummy.graph').write_bytes(bytes(GRAPH_BYTES))
    return folder
