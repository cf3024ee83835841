# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the files of the system tell about a stick, read from trees made up like them."""

import os
from pathlib import Path
import tempfile

from ncs_cluster_detector.sticks.system_facts import SystemFacts
import pytest
from vendor_bench import UsbTree

NOBODY = 65534


@pytest.fixture
def usb(tmp_path):
    """Return an empty bus."""
    return UsbTree(tmp_path / 'usb')


def maps(tmp_path, *paths):
    """Return a file like /proc/self/maps of a process with these files mapped."""
    path = tmp_path / 'maps'
    path.write_text(''.join(
        f'7f0000001000-7f0000002000 r-xp 00001000 fe:01 4711                       {mapped}\n'
        for mapped in ('[heap]', '/usr/lib/libusb-1.0.so.0', *paths))
        + '7f0000003000-7f0000004000 rw-p 00000000 00:00 0 \n')
    return path


@pytest.mark.parametrize('name', ['libmvnc.so', 'libmvnc.so.0', 'libmvnc.so (deleted)'])
def test_the_library_is_found_among_the_mapped_files(tmp_path, usb, name):
    facts = usb.facts(maps(tmp_path, f'/usr/local/my lib/{name}'))
    assert facts.sdk_folder() == '/usr/local/my lib'


def test_without_the_library_nothing_is_missing(tmp_path, usb):
    facts = usb.facts(maps(tmp_path, '/usr/lib/libmvncx/other.so'))
    assert facts.sdk_folder() is None
    assert facts.missing_firmware('ma2450') is None


def test_this_process_has_no_sdk_mapped_under_a_false_name():
    assert SystemFacts(maps='/dev/null').sdk_folder() is None
    assert SystemFacts().missing_firmware('ma0000') in (
        None, f'{SystemFacts().sdk_folder()}/mvnc/MvNCAPI-ma0000.mvcmd')


def test_firmware_is_looked_for_beside_the_library_by_chip(tmp_path, usb):
    facts = usb.facts(maps(tmp_path, tmp_path / 'libmvnc.so'))
    (tmp_path / 'mvnc').mkdir()
    (tmp_path / 'mvnc' / 'MvNCAPI-ma2480.mvcmd').touch()
    assert facts.missing_firmware('ma2480') is None
    assert facts.missing_firmware('ma2450') == str(tmp_path / 'mvnc' / 'MvNCAPI-ma2450.mvcmd')


def test_only_sticks_at_the_port_are_found(tmp_path, usb):
    usb.plug_in('1.2', 4, vendor='046d')
    usb.plug_in('1.1.2', 5)
    usb.plug_in('1.2.1', 6)
    node = usb.plug_in('1.2', 12, bus=3)
    (usb.devices / '3-1.2:1.0').mkdir()   # an interface of it
    assert usb.facts(tmp_path / 'maps').nodes('1.2') == [str(node)]
    assert node.parts[-2:] == ('003', '012')
    assert usb.facts(tmp_path / 'maps').nodes('2') == []


def test_a_device_that_leaves_while_it_is_read_is_not_there(tmp_path, usb):
    usb.plug_in('1.2', 4)
    (usb.devices / '1-1.2' / 'devnum').unlink()
    assert usb.facts(tmp_path / 'maps').nodes('1.2') == []


def test_a_system_that_shows_no_devices_says_nothing(tmp_path):
    facts = SystemFacts(usb_devices=tmp_path / 'nowhere')
    assert facts.nodes('1.2') is None


def test_permission_is_that_of_the_user_who_asks():
    if os.geteuid() != 0:
        pytest.skip('needs to be root, to become somebody else')
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)   # pytest's own folders are for root only
        usb = UsbTree(Path(folder) / 'usb')
        node = usb.plug_in('1.2', 4)
        facts = usb.facts('/dev/null')
        for mode, usable in ((0o666, True), (0o644, False), (0o600, False)):
            node.chmod(mode)
            os.seteuid(NOBODY)
            try:
                assert facts.is_usable(node) is usable
            finally:
                os.seteuid(0)
