# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The vendor's own binding over a stand-in for its native library, fresh for every test."""

import ctypes
import importlib.util
import os
from pathlib import Path
import shutil
import subprocess

from ncs_cluster_detector.sticks.system_facts import SystemFacts
import pytest

BINDING = 'NCSDK_MVNCAPI'
SOURCE = Path(__file__).with_name('standin_mvnc.c')
GRAPH = b'standin-graph 300x300'
CHIP = 'ma2450'


def binding_path():
    """Return the path of the vendor's mvncapi.py; skip where it is not given."""
    if not os.environ.get(BINDING):
        pytest.skip(f"needs the vendor's binding: {BINDING}=/path/to/mvnc/mvncapi.py")
    return Path(os.environ[BINDING])


def build_library(folder):
    """Compile the stand-in into a folder, with a firmware file beside it; return its path."""
    if shutil.which('gcc') is None:
        pytest.skip('needs gcc')
    library = folder / 'libmvnc.so'
    subprocess.run(['gcc', '-O2', '-shared', '-fPIC', '-o', library, SOURCE,
                    '-ldl', '-lm', '-lpthread'], check=True)
    (folder / 'mvnc').mkdir()
    (folder / 'mvnc' / f'MvNCAPI-{CHIP}.mvcmd').touch()
    return library


class UsbTree:
    """Files like those of /sys and /dev for sticks on a USB bus."""

    def __init__(self, folder):
        """Make an empty bus in a folder."""
        self.devices, self.nodes = folder / 'devices', folder / 'nodes'
        self.devices.mkdir(parents=True)
        self.nodes.mkdir()

    def plug_in(self, port, number, bus=1, vendor='03e7', has_node=True):
        """Add a device; return its device file."""
        device = self.devices / f'{bus}-{port}'
        device.mkdir()
        for name, value in (('idVendor', vendor), ('busnum', bus), ('devnum', number)):
            (device / name).write_text(f'{value}\n')
        node = self.nodes / f'{bus:03}' / f'{number:03}'
        if has_node:
            node.parent.mkdir(exist_ok=True)
            node.touch()
        return node

    def facts(self, maps):
        """Return the SystemFacts of this bus."""
        return SystemFacts(maps=maps, usb_devices=self.devices, usb_nodes=self.nodes)


class VendorBench:
    """Loads the binding over a copy of the stand-in, whose state is then all its own."""

    def __init__(self, library, folder, monkeypatch):
        """Prepare a folder; the environment is set by :meth:`load`."""
        self.folder = folder
        self.binding = None
        self.library = folder / 'installed' / 'libmvnc.so'
        shutil.copytree(library.parent, self.library.parent)
        self.state = folder / 'state'
        self.state.mkdir()
        self.usb = UsbTree(folder / 'usb')
        for number in (1, 2):
            self.usb.plug_in(f'1.{number}', number)
        self._monkeypatch = monkeypatch

    @property
    def environment(self):
        """Return the variables with which another process finds the same sticks."""
        return {'STANDIN_DIR': str(self.state), 'LD_LIBRARY_PATH': str(self.library.parent)}

    def load(self, **settings):
        """
        Import the binding.

        :param settings: STANDIN_ variables without that prefix, such as ``COMPUTE_MS=5``.
        """
        for name, value in {'DIR': self.state, 'BOOT_MS': 0, 'COMPUTE_MS': 0, **settings}.items():
            self._monkeypatch.setenv(f'STANDIN_{name}', str(value))
        spec = importlib.util.spec_from_file_location('vendor_mvncapi', binding_path())
        self.binding = importlib.util.module_from_spec(spec)
        native = ctypes.CDLL
        with self._monkeypatch.context() as patch:
            # The loader gives the same library for the same name, so each copy goes by its path.
            patch.setattr(ctypes, 'CDLL', lambda name: native(str(self.library)))
            spec.loader.exec_module(self.binding)
        return self.binding

    def facts(self):
        """Return what the system would know about the stick and the library."""
        maps = self.folder / 'maps'
        maps.write_text('7f0000001000-7f0000002000 r-xp 00001000 fe:01 4711   '
                        f'{self.library}\n7ffd0000-7ffe0000 rw-p 00000000 00:00 0   [stack]\n')
        return self.usb.facts(maps)

    def set_fault(self, port, call, text=''):
        """Let a stick misbehave from now on; see the stand-in's source."""
        new = self.state / 'new'
        new.write_text(str(text))
        new.rename(self.state / f'{port}.{call}')

    def mend(self, port, call):
        """End a fault."""
        (self.state / f'{port}.{call}').unlink()

    def count(self, what):
        """Return one of the stand-in's counters."""
        return getattr(self.binding.f, f'standin_{what}')()
