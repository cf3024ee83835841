# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver ``xlink``: its parameter, what it needs, and its graph files."""

import pickle
import subprocess
import sys

from ncs_cluster_detector.drivers.mvnc import MvncDriver
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.drivers.xlink import XlinkDriver
from ncs_cluster_detector.sticks import usb_bus
from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.xlink_stick import XlinkStick
import pytest
from usb.backend import libusb1

LOADED = """
from ncs_cluster_detector.drivers import registry
import pickle
import sys
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
pickle.loads(pickle.dumps(registry.DRIVERS['xlink'](Firmware('x'))))
sys.exit(', '.join(
    {'usb', 'ncs_cluster_detector.sticks.xlink.xlink_stick'} & {*sys.modules}) or None)
"""


@pytest.fixture
def firmware(tmp_path):
    """Return the path of a firmware file."""
    path = tmp_path / 'MvNCAPI-ma2450.mvcmd'
    path.write_bytes(b'firmware')
    return str(path)


@pytest.fixture
def without_libusb(monkeypatch):
    """Let there be no libusb."""
    monkeypatch.setattr(libusb1, '_lib_object', None)   # loaded once in a process
    monkeypatch.setattr(usb_bus, 'LIBRARY', 'libno-such-usb.so.9')
    monkeypatch.setitem(sys.modules, 'libusb_package', None)


def test_its_option_is_the_firmware(firmware):
    assert DRIVERS['xlink'] is XlinkDriver
    driver = XlinkDriver.from_parameters({'firmware': firmware, 'max_sticks': 3})
    assert isinstance(driver, XlinkDriver)
    assert driver.firmware.read('ma2450', '1.2-ma2450') == b'firmware'


def test_without_firmware_one_line_names_parameter_value_and_remedy(tmp_path):
    path = str(tmp_path / 'none')
    with pytest.raises(ValueError) as caught:
        XlinkDriver.from_parameters({'firmware': path})
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"firmware='{path}': the sticks' firmware is not there")
    assert line.endswith('name it with -p firmware:=/path/to/it')


def test_a_node_without_firmware_ends_with_that_line(refusal, tmp_path):
    line = refusal('detector_node', driver='xlink', firmware=f'{tmp_path}/none',
                   graph_paths=str([f'{tmp_path}/graph']))
    assert f"firmware='{tmp_path}/none': the sticks' firmware is not there" in line


def test_it_reaches_other_processes(firmware):
    copy = pickle.loads(pickle.dumps(XlinkDriver(Firmware(firmware))))
    assert isinstance(copy, XlinkDriver)
    assert copy.firmware.read('ma2450', '1.2-ma2450') == b'firmware'
    with pytest.raises(FirmwareMissingError):
        pickle.loads(pickle.dumps(XlinkDriver(Firmware('/none')))).firmware.read('ma2450', '1.2')


def test_its_sticks_start_together():
    assert XlinkDriver.starts_together and not MvncDriver.starts_together
    assert not XlinkDriver.sdk_module


def test_what_it_needs_is_there():
    XlinkDriver.check_installed()


def test_without_pyusb_one_line_names_driver_and_remedy(monkeypatch):
    monkeypatch.setitem(sys.modules, 'usb.backend', None)
    with pytest.raises(SdkMissingError, match='^driver=xlink: .*pyusb.*install python3-usb, '
                       'or try -p driver:=simulated$') as caught:
        XlinkDriver.check_installed()
    assert len(str(caught.value).splitlines()) == 1


def test_without_libusb_one_line_names_driver_and_remedy(without_libusb):
    with pytest.raises(SdkMissingError, match='^driver=xlink: libno-such-usb.so.9 .*install '
                       'libusb-1.0-0, or try -p driver:=simulated$') as caught:
        XlinkDriver.check_installed()
    assert len(str(caught.value).splitlines()) == 1
    with pytest.raises(SdkMissingError, match='^driver=xlink: libno-such'):
        XlinkDriver(Firmware()).make_stick([])


def test_a_stick_is_made_without_touching_any(firmware):
    stick = XlinkDriver(Firmware(firmware)).make_stick([b'graph'])
    assert isinstance(stick, XlinkStick)
    assert stick.input_sizes == [] and not stick.has_failed
    stick.close()


def test_the_driver_loads_neither_libusb_nor_the_stick_s_modules():
    # The node has it, and only its workers have sticks.
    subprocess.run([sys.executable, '-c', LOADED], check=True, timeout=60)


def test_a_graph_file_is_read(tmp_path):
    path = tmp_path / 'graph'
    path.write_bytes(b'compiled')
    assert XlinkDriver(Firmware()).read_graph(str(path)) == b'compiled'
