# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fixtures for the node on the vendor's library, over a bus that is not there."""

import contextlib

from fake_usb.client import FakeBus
import pytest
from vendor_bus import VendorBus
from vendor_files import install_library

IMAGES_A_SECOND = 30


@pytest.fixture(scope='session')
def library_folder(tmp_path_factory):
    """Return a folder with the vendor's library and all that it needs."""
    return install_library(tmp_path_factory.mktemp('vendor'))


@pytest.fixture
def start_bus(library_folder):
    """Return a function that starts a VendorBus with options of the fake bus's server."""
    with contextlib.ExitStack() as started:
        def start(*options):
            bus = started.enter_context(FakeBus(*options))
            vendor_bus = VendorBus(library_folder, bus, IMAGES_A_SECOND)
            started.callback(vendor_bus.close)
            return vendor_bus
        yield start
