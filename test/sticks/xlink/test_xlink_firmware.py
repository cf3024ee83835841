# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Where the sticks' firmware is looked for, and what is said when it is not there."""

import os
import pickle

from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.xlink import firmware as firmware_module
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
import pytest

STICK = '1.2-ma2450'
FIRST, SECOND = 'MvNCAPI-ma2450.mvcmd', 'MvNCAPI-ma2480.mvcmd'
EXPECTED = f'expected the file {FIRST}; it is part of NCSDK 2'
REMEDY = 'copy it, and name it with -p firmware:=/path/to/it'


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """Put the folders of the vendor's installer and the home into the test's folder."""
    folders = tuple(str(tmp_path / name / 'mvnc') for name in ('local', 'system'))
    monkeypatch.setattr(firmware_module, 'FOLDERS', folders)
    monkeypatch.delenv('LD_LIBRARY_PATH', raising=False)
    monkeypatch.setenv('HOME', str(tmp_path / 'home'))
    return tmp_path


def put(path, content=b'firmware'):
    """Write a file; return its path as a string."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return str(path)


def missing(firmware, kind='ma2450'):
    """Return the line of the FirmwareMissingError of a firmware."""
    with pytest.raises(FirmwareMissingError) as caught:
        firmware.read(kind, STICK)
    text = str(caught.value)
    assert text.startswith(f'booting stick {STICK}: ') and len(text.splitlines()) == 1
    return text


def refused(firmware):
    """Return why a firmware is refused, which is the same before any stick is booted."""
    with pytest.raises(ValueError) as caught:
        firmware.check()
    parameter, _, reason = str(caught.value).partition(': ')
    assert parameter.startswith('firmware=')
    assert missing(firmware) == f'booting stick {STICK}: {reason}'
    return reason


@pytest.mark.parametrize('kind, name', [('ma2450', FIRST), ('ma2480', SECOND)])
@pytest.mark.parametrize('folder', ['local/mvnc', 'system/mvnc'])
def test_it_is_where_the_vendor_s_installer_puts_it(machine, folder, kind, name):
    put(machine / folder / name, name.encode())
    Firmware().check()
    assert Firmware().read(kind, STICK) == name.encode()


def test_each_generation_has_its_own(machine):
    put(machine / 'local/mvnc' / FIRST, b'first')
    put(machine / 'system/mvnc' / SECOND, b'second')
    assert Firmware().read('ma2450', STICK) == b'first'
    assert Firmware().read('ma2480', STICK) == b'second'
    put(machine / 'only/first' / FIRST)
    assert f'expected the file {SECOND}; ' in missing(Firmware(f'{machine}/only/first'), 'ma2480')


def test_the_folder_beside_the_library_comes_first(machine, monkeypatch):
    monkeypatch.setenv('LD_LIBRARY_PATH', f':{machine}/none:{machine}/mine')
    put(machine / 'local/mvnc' / FIRST, b'installed')
    assert Firmware().read('ma2450', STICK) == b'installed'
    put(machine / 'mine/mvnc' / FIRST, b'mine')
    assert Firmware().read('ma2450', STICK) == b'mine'


def test_a_named_file_serves_all_sticks_and_has_any_name(machine):
    path = put(machine / 'any.bin', b'named')
    put(machine / 'local/mvnc' / FIRST, b'installed')
    Firmware(path).check()
    assert Firmware(path).read('ma2450', STICK) == Firmware(path).read('ma2480', STICK) == b'named'


def test_a_named_folder_has_a_file_for_each_kind(machine):
    put(machine / 'folder' / FIRST, b'first')
    put(machine / 'folder' / SECOND, b'second')
    firmware = Firmware(str(machine / 'folder'))
    firmware.check()
    assert (firmware.read('ma2450', STICK), firmware.read('ma2480', STICK)) == (
        b'first', b'second')


def test_a_path_may_begin_with_the_home(machine):
    put(machine / 'home' / 'fw' / FIRST, b'at home')
    for path in ('~/fw', f'~/fw/{FIRST}'):
        assert Firmware(path).read('ma2450', STICK) == b'at home'


def test_it_reaches_other_processes(machine):
    firmware = pickle.loads(pickle.dumps(Firmware(put(machine / FIRST, b'sent'))))
    assert firmware.read('ma2450', STICK) == b'sent'


def test_without_any_a_line_says_where_it_was_looked_for_and_where_an_owner_has_it(
        machine, monkeypatch):
    monkeypatch.setenv('LD_LIBRARY_PATH', str(machine))   # without a folder mvnc
    with pytest.raises(ValueError) as caught:
        Firmware().check()
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert text.startswith(
        f"firmware='': the sticks' firmware is not there (looked for {machine}/local/mvnc/{FIRST},"
        f' {machine}/system/mvnc/{FIRST}), expected the file {FIRST}; it is part of NCSDK 2')
    assert text.endswith('name it with -p firmware:=/path/to/it')
    assert missing(Firmware()).partition(': ')[2] == text.partition(': ')[2]


def test_a_named_file_that_is_not_there(machine):
    path = str(machine / 'none.mvcmd')
    put(machine / 'local/mvnc' / FIRST)   # which is not taken in its place
    with pytest.raises(ValueError, match=f"^firmware='{path}': .*looked for {path}"):
        Firmware(path).check()
    assert f'looked for {path})' in missing(Firmware(path))


def test_a_folder_without_the_file(machine):
    put(machine / 'folder' / 'other.mvcmd')
    line = refused(Firmware(str(machine / 'folder')))
    assert line.startswith(f'the folder {machine}/folder has no file {FIRST}, {EXPECTED}')
    assert line.endswith(REMEDY)


@pytest.mark.parametrize('is_folder', [False, True])
def test_an_empty_file(machine, is_folder):
    path = put(machine / FIRST, b'')
    line = refused(Firmware(str(machine) if is_folder else path))
    assert line.startswith(f'{path} is an empty file, {EXPECTED}')
    assert line.endswith(REMEDY)


def test_an_empty_one_does_not_hide_a_good_one(machine):
    put(machine / 'local/mvnc' / FIRST, b'')
    put(machine / 'system/mvnc' / FIRST, b'good')
    Firmware().check()
    assert Firmware().read('ma2450', STICK) == b'good'


@pytest.mark.parametrize('error, reason', [
    (PermissionError(13, 'Permission denied'), ' may not be read by this user, expected '
     'permission to read it; run chmod a+r on it, and a+x on its folders'),
    (OSError(5, 'Input/output error'), f': Input/output error, {EXPECTED}')])
def test_a_file_that_cannot_be_read(machine, monkeypatch, error, reason):
    path = put(machine / FIRST)

    def refuse(name, most_bytes):
        raise error
    monkeypatch.setattr(firmware_module, 'read_file', refuse)   # root may read everything
    assert f'{path}{reason}' in refused(Firmware(path))


def test_a_folder_in_place_of_the_file(machine):
    os.makedirs(machine / 'folder' / FIRST)
    line = refused(Firmware(str(machine / 'folder')))
    assert line.startswith(f'{machine}/folder/{FIRST} is a folder, {EXPECTED}')
    assert line.endswith(REMEDY)


def test_a_pipe_in_place_of_the_file(machine):
    os.mkfifo(machine / 'pipe')
    line = refused(Firmware(str(machine / 'pipe')))
    assert line.startswith(f'{machine}/pipe is no file, but a pipe or a device; ')
    assert f', {EXPECTED}' in line and line.endswith(REMEDY)


def test_a_file_that_is_larger_than_any_firmware(machine, monkeypatch):
    monkeypatch.setattr(firmware_module, 'LARGEST_BYTES', 100)
    path = put(machine / FIRST, bytes(101))
    assert 'has more than 100 bytes; name the file' in missing(Firmware(path))
    put(machine / FIRST, bytes(100))
    assert Firmware(path).read('ma2450', STICK) == bytes(100)
