# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the USB bus and the system's files may answer."""

from pathlib import Path
import shutil
import tempfile
from types import SimpleNamespace

from fuzz_door import ANY_INT
from fuzz_door import ANY_TEXT
from fuzz_door import door
from fuzz_door import NUMBER_WORDS
from fuzz_door import st
from fuzz_door import taken_or_refused
import hypothesis
from ncs_cluster_detector.checking.facts.machine_facts import machine_facts
from ncs_cluster_detector.checking.facts.usb_tree import is_on_bus
from ncs_cluster_detector.checking.facts.usb_tree import usb_tree
from ncs_cluster_detector.sticks.system_facts import SystemFacts
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_reset import ask_to_reset
from usb.core import USBError

FOLDER = Path(tempfile.mkdtemp(prefix='fuzz-usb-'))
CONTENTS = st.one_of(
    st.sampled_from([b'03e7\n', b'f63b\n', b'2150\n', b'480\n', b'\xff\xfe', b'', b'\0', b'1\n']),
    NUMBER_WORDS.map(lambda word: word.encode()), st.binary(max_size=12))
DEVICES = st.dictionaries(
    st.sampled_from(['usb1', '1-1', '1-1.2', '2-1.2', '1-1.2.3', '1-1.2:1.0', '1-', 'x']),
    st.dictionaries(st.sampled_from(
        ['idVendor', 'idProduct', 'busnum', 'devnum', 'speed', 'maxchild', 'bmAttributes',
         'bMaxPower', 'bDeviceClass', 'bInterfaceClass']), CONTENTS, max_size=10), max_size=5)


def write(folder, tree):
    """Write files by folder and name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, files in tree.items():
        (folder / name).mkdir(parents=True)
        for file, content in files.items():
            (folder / name / file).write_bytes(content)


@door(80, also=[{'tree': {'1-1.2': {'idVendor': b'03e7\n', 'busnum': b'x', 'devnum': b''}},
                 'port': '1.2', 'maps': b''},
                {'tree': {'1-1.2': {'idVendor': b'\xff'}}, 'port': '1.2', 'maps': b''},
                {'tree': {}, 'port': '[', 'maps': b''}, {'tree': {}, 'port': '/', 'maps': b''}],
      tree=DEVICES, port=st.sampled_from(
    ['1.2', '1', '', '[', '*', '..', '1.2.3', '/']) | ANY_TEXT, maps=st.binary(max_size=80)
    | st.sampled_from([b'7f-8f r-xp 0 08:01 1 /usr/lib/libmvnc.so.2\n', b'a b c d e \xff\n']))
def test_any_files_of_the_system_tell_something_or_nothing(tree, port, maps):
    write(FOLDER / 'devices', tree)
    (FOLDER / 'maps').write_bytes(maps)
    facts = SystemFacts(str(FOLDER / 'maps'), str(FOLDER / 'devices'), '/dev/bus/usb')
    nodes = facts.nodes(port)
    assert nodes is None or all(node.startswith('/dev/bus/usb/') for node in nodes)
    firmware = facts.missing_firmware(port)
    assert firmware is None or firmware.endswith('.mvcmd')
    assert is_on_bus(port, FOLDER / 'devices') in (True, False)
    for stick in usb_tree(FOLDER / 'devices'):
        assert stick['port']


FILES = st.sampled_from(
    ['etc/os-release', 'proc/cpuinfo', 'proc/meminfo', 'proc/device-tree/model',
     'etc/udev/rules.d/1.rules'])
FACTS = CONTENTS | st.sampled_from(
    [b'MemTotal: x kB', b'MemTotal:', b'MemTotal: 8000000 kB', b'PRETTY_NAME="a\nb"',
     b'MemTotal: ' + b'9' * 5000])


@door(60, also=[{'files': {'proc/meminfo': b'MemTotal: x kB'}},
                {'files': {'proc/meminfo': b'MemTotal: inf kB'}}],
      files=st.dictionaries(FILES, FACTS, max_size=5))
def test_any_files_of_the_machine_tell_something_or_nothing(files):
    folder = FOLDER / 'root'
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    facts = machine_facts(folder)
    assert facts['memory_mb'] is None or facts['memory_mb'] >= 0


CODES = st.sampled_from([-1, -3, -4, -5, -6, -7, -8, -9, -12, -99, 0, 17, None])
FAILURES = st.builds(lambda code, text: USBError(text, code, 5), CODES, ANY_TEXT) | st.just(
    NotImplementedError('made up'))
DESCRIPTORS = st.builds(
    SimpleNamespace, idVendor=st.sampled_from([0x03e7, 0x1d6b, 0]),
    idProduct=st.sampled_from([0x2150, 0x2485, 0xf63b, 0, 1]), bus=ANY_INT, address=ANY_INT,
    port_numbers=st.none() | st.lists(st.integers(0, 255), max_size=8).map(tuple))


class Backend:
    """A USB library of pyusb's interface, whose calls answer what was made up."""

    def __init__(self, devices, answers):
        self._devices = devices
        self._answers = iter(answers)

    def enumerate_devices(self):
        self.answer()
        return iter(self._devices)

    def get_device_descriptor(self, device):
        self.answer()
        return device

    def answer(self, *_):
        found = next(self._answers, 0)
        if isinstance(found, Exception):
            raise found
        return found

    open_device = claim_interface = reset_device = answer

    def close_device(self, _):
        pass

    def bulk_read(self, *_):
        return self.answer()

    def bulk_write(self, *_):
        return self.answer()


@door(200, devices=st.lists(DESCRIPTORS, max_size=4), answers=st.lists(
    st.integers(0, 2**31 - 1) | FAILURES | st.just(0), max_size=12))
def test_any_answer_of_usb_is_a_value_or_an_error_of_usb(devices, answers):
    bus = UsbBus(Backend(devices, answers))
    sticks = taken_or_refused_usb(bus.sticks) or []
    assert all(stick.device.idVendor == 0x03e7 for stick in sticks)
    for stick in sticks:
        taken_or_refused_usb(lambda stick=stick: bus.is_claimed(stick))
        claim = taken_or_refused_usb(lambda stick=stick: bus.claim(stick))
        if claim is not None:
            size = taken_or_refused_usb(lambda claim=claim: claim.read(0.001))
            assert size is None or size >= 0
            taken_or_refused_usb(lambda claim=claim: claim.write(b'data', 0.001))
            taken_or_refused_usb(claim.reset)
            hypothesis.event('claimed')
            assert ask_to_reset(claim, 0.0) in (True, False)


def taken_or_refused_usb(call):
    """Call a function of the bus; its errors have the texts of libusb, which may be empty."""
    try:
        return call()
    except UsbError:
        return None


def test_a_good_bus_has_its_sticks():
    device = SimpleNamespace(idVendor=0x03e7, idProduct=0x2150, bus=1, address=7,
                             port_numbers=(1, 2))
    (stick,) = UsbBus(Backend([device], [])).sticks()
    assert (stick.port, stick.booted) == ('1.2', False)
    assert taken_or_refused(lambda: stick.address) == (1, 7)
