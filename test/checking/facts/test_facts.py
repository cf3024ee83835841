# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The facts out of files that were made up, and what must not be in them."""

import hashlib

from ncs_cluster_detector.checking.facts.firmware_facts import firmware_facts
from ncs_cluster_detector.checking.facts.machine_facts import machine_facts
from ncs_cluster_detector.checking.facts.sdk_facts import sdk_environment
from ncs_cluster_detector.checking.facts.sdk_facts import sdk_facts
from ncs_cluster_detector.checking.facts.usb_tree import is_on_bus
from ncs_cluster_detector.checking.facts.usb_tree import usb_tree
from ncs_cluster_detector.checking.reporting.privacy import scrubbed
import pytest


def write(folder, **files):
    """Write one-line files; ``__`` in a name stands for a slash."""
    for name, text in files.items():
        path = folder / name.replace('__', '/')
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + '\n')


@pytest.fixture
def devices(tmp_path):
    """Return a folder with a hub, two sticks, a camera and a stick without a hub."""
    write(tmp_path / 'usb1', idVendor='1d6b', idProduct='0002', speed='480', maxchild='4',
          bmAttributes='e0', bMaxPower='0mA')
    write(tmp_path / '1-1', idVendor='05e3', idProduct='0610', speed='480', maxchild='4',
          bmAttributes='e0', bMaxPower='100mA')
    for name, product in (('1-1.2', '2150'), ('1-1.3', 'f63b'), ('1-2', '2150')):
        write(tmp_path / name, idVendor='03e7', idProduct=product, speed='480', bMaxPower='500mA',
              power__control='on', serial='SECRET123')
    write(tmp_path / '1-1.4', idVendor='046d', idProduct='0825', speed='12', bDeviceClass='ef',
          product='Camera of Anna', serial='SECRET456')
    write(tmp_path / '1-1.4:1.0', bInterfaceClass='0e')
    return tmp_path


def test_where_sticks_hang(devices):
    tree = {stick['port']: stick for stick in usb_tree(devices)}
    assert set(tree) == {'1.2', '1.3', '2'}
    stick = tree['1.3']
    assert (stick['product_id'], stick['speed_mbit'], stick['max_power']) == (
        'f63b', 480.0, '500mA')
    assert stick['hub'] == {'name': '1-1', 'id': '05e3:0610', 'speed_mbit': 480.0, 'ports': 4.0,
                            'self_powered': True, 'max_power': '100mA'}
    assert stick['beside_it'] == [{'class': '0e', 'speed_mbit': 12.0}]
    assert tree['2']['hub']['name'] == 'usb1'
    assert 'SECRET' not in str(tree)
    assert 'Anna' not in str(tree)


def test_whether_a_stick_is_plugged_in(devices, tmp_path):
    assert is_on_bus('1.2', devices)
    assert not is_on_bus('1.4', devices)   # a camera
    assert is_on_bus('1.2', tmp_path / 'none') is None
    assert usb_tree(tmp_path / 'none') is None


def test_a_raspberry_pi(tmp_path):
    write(tmp_path, **{
        'etc__os-release': 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 24.04 LTS"',
        'proc__meminfo': 'MemTotal:  1884332 kB\nMemFree: 1 kB',
        'proc__device-tree__model': 'Raspberry Pi 3 Model B Rev 1.2\0',
        'sys__module__usbcore__parameters__usbfs_memory_mb': '16',
        'lib__udev__rules.d__97-usbboot.rules': 'ATTRS{idVendor}=="03e7"',
        'lib__udev__rules.d__60-other.rules': 'ATTRS{idVendor}=="1234"'})
    facts = machine_facts(tmp_path)
    assert facts['model'] == 'Raspberry Pi 3 Model B Rev 1.2'
    assert facts['system'] == 'Ubuntu 24.04 LTS'
    assert facts['memory_mb'] == 1840
    assert facts['usbfs_memory_mb'] == '16'
    assert facts['udev_rules'] == ['97-usbboot.rules']
    assert facts['cpu'] is None


def test_nobody_is_named():
    made = {'path': '/home/anna/ws/graph', 'list': ['~', 3, 'in /root/x', "['/home/bob']"]}
    assert scrubbed(made, '/root') == {'path': '~/ws/graph', 'list': ['~', 3, 'in ~/x', "['~']"]}
    assert scrubbed('/rooted/x', '/root') == '/rooted/x'
    assert scrubbed('a/b', '/') == 'a/b'


def test_no_password_and_nothing_that_is_no_text_is_sent():
    assert scrubbed({'device': ['rtsp://me:secret@cam/x', 'caf\udce9']}, '/root') == {
        'device': ['rtsp://cam/x', 'caf\\xe9']}


def test_an_sdk_beside_a_virtual_environment_is_found(tmp_path, monkeypatch):
    """Only the package is made visible, not what lies beside it; a mere folder is no package."""
    root, links = tmp_path / 'root', tmp_path / 'links'
    links.mkdir()
    (tmp_path / 'any' / 'mvnc').mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / 'any')
    packages = root / 'usr' / 'lib' / 'python3' / 'dist-packages'
    (packages / 'mvnc').mkdir(parents=True)
    (packages / 'mvnc' / '__init__.py').touch()
    (packages / 'mvnc' / 'mvncapi.py').write_text(
        'class GlobalOption:\n    RO_API_VERSION = 1\n\n\n'
        'def global_get_option(_):\n    return [2, 10, 1, 1]\n')
    (packages / 'numpy.py').write_text('raise ImportError("a wrong one")\n')
    environment = sdk_environment(None, links, root)
    assert environment['PYTHONPATH'].split(':')[0] == str(links)
    assert sorted(path.name for path in links.iterdir()) == ['mvnc']
    facts = sdk_facts(environment)
    assert facts['api_version'] == '2.10.1.1'
    assert 'error' not in facts


def test_an_sdk_that_crashes_is_said(tmp_path):
    (tmp_path / 'mvnc').mkdir()
    (tmp_path / 'mvnc' / '__init__.py').touch()
    (tmp_path / 'mvnc' / 'mvncapi.py').write_text('import os\nos._exit(77)\n')
    assert 'exit code 77' in sdk_facts({'PYTHONPATH': str(tmp_path)})['error']


@pytest.mark.parametrize('parameters, name', [
    (['cluster_size:=2', 'firmware:={}/one.mvcmd'], 'one.mvcmd'),
    (["firmware:='{}/one.mvcmd'"], 'one.mvcmd'),
    (['firmware:={}/none', 'firmware:={}'], 'MvNCAPI-ma2480.mvcmd')])
def test_the_firmware_that_the_node_sends(tmp_path, parameters, name):
    (tmp_path / 'one.mvcmd').write_bytes(b'one')
    (tmp_path / 'MvNCAPI-ma2480.mvcmd').write_bytes(b'other')
    file, = firmware_facts([text.format(tmp_path) for text in parameters])
    content = (tmp_path / name).read_bytes()
    assert file == {'path': str(tmp_path / name), 'bytes': len(content),
                    'sha256': hashlib.sha256(content).hexdigest()}


def test_no_firmware(tmp_path):
    assert firmware_facts([f'firmware:={tmp_path}/none']) == []


def test_a_firmware_in_the_library_path_is_named_without_its_folder(tmp_path, monkeypatch):
    monkeypatch.setenv('LD_LIBRARY_PATH', str(tmp_path))
    (tmp_path / 'mvnc').mkdir()
    (tmp_path / 'mvnc' / 'MvNCAPI-ma2450.mvcmd').write_bytes(b'found by nobody else')
    file, *_ = firmware_facts([])
    assert (file['path'], file['bytes']) == ('MvNCAPI-ma2450.mvcmd', 20)
