# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fixtures for programs for NCSDK 2 on the fake bus."""

import contextlib

from fake_usb.client import build_library
from fake_usb.client import compiler
from fake_usb.client import FakeBus
from program_bench import ProgramBench
import pytest


@pytest.fixture(scope='session')
def fake_library(tmp_path_factory):
    """Return the folder of the fake libusb."""
    pytest.importorskip('usb.core', reason='needs pyusb')
    if compiler() is None:
        pytest.skip('needs a C compiler')
    return build_library(tmp_path_factory.mktemp('fake_usb')).parent


@pytest.fixture
def start_bench(fake_library, tmp_path):
    """Return a function that starts a bus with options of its server, and programs on it."""
    with contextlib.ExitStack() as started:
        def start(*options):
            bus = started.enter_context(FakeBus(
                '--boot', '0.2', '--reset', '0.2', '--compute', '0.005', *options))
            bench = ProgramBench(bus, fake_library, tmp_path)
            started.callback(bench.close)
            return bench
        yield start
