# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Fixtures: the fake USB bus, seen by this process; a conftest imports those that it needs."""

from contextlib import contextmanager

from fake_usb.client import build_library
from fake_usb.client import compiler
from fake_usb.client import FakeBus
from fake_usb.client import LIBRARY
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbError
import pytest


@pytest.fixture(scope='session')
def libusb_folder(tmp_path_factory):
    """Return the folder of the compiled fake library."""
    if compiler() is None:
        pytest.skip('needs a C compiler')
    return build_library(tmp_path_factory.mktemp('fake_usb')).parent


@pytest.fixture(scope='module')
def usb_backend(libusb_folder):
    """Return a backend of pyusb that does not touch the one of this process."""
    libusb1 = pytest.importorskip('usb.backend.libusb1', reason='needs pyusb')
    library = libusb1.cdll.LoadLibrary(str(libusb_folder / LIBRARY))
    with pytest.MonkeyPatch.context() as patch:
        libusb1._setup_prototypes(library)
        patch.setattr(libusb1, '_lib', library)
        yield libusb1._LibUSB(library)


@pytest.fixture(scope='module')
def fake_bus(usb_backend):
    """Return a function that starts a FakeBus with some options, which this process sees."""
    @contextmanager
    def start(*options):
        with FakeBus(*options) as bus, pytest.MonkeyPatch.context() as patch:
            for name, value in bus.environment.items():
                patch.setenv(name, value)
            try:
                UsbBus(usb_backend).sticks()
            except UsbError:
                pass   # the library has noticed that the last bus is over
            yield bus
    return start


@pytest.fixture(scope='session')
def firmware_file(tmp_path_factory):
    """Return a file of some packets that the fake sticks boot from; only its length counts."""
    path = tmp_path_factory.mktemp('firmware') / 'MvNCAPI-ma2450.mvcmd'
    path.write_bytes(b'MVCM' + (2600).to_bytes(4, 'little') + bytes(2592))
    return path
