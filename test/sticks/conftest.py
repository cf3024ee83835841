# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fixtures for sticks: the fake USB bus, and the vendor's binding over a stand-in."""

from fake_bus_fixtures import fake_bus  # noqa: F401 - a fixture
from fake_bus_fixtures import firmware_file  # noqa: F401 - a fixture
from fake_bus_fixtures import libusb_folder  # noqa: F401 - a fixture
from fake_bus_fixtures import usb_backend  # noqa: F401 - a fixture
import pytest
from vendor_bench import binding_path
from vendor_bench import build_library
from vendor_bench import VendorBench


@pytest.fixture(scope='session')
def standin_library(tmp_path_factory):
    """Return the path of the compiled stand-in."""
    binding_path()
    return build_library(tmp_path_factory.mktemp('standin'))


@pytest.fixture
def bench(standin_library, tmp_path, monkeypatch):
    """Return a :class:`VendorBench`; every hanging call goes on at the test's end."""
    bench = VendorBench(standin_library, tmp_path, monkeypatch)
    yield bench
    for fault in bench.state.glob('1.*'):
        if fault.suffix != '.lock':
            fault.unlink()
