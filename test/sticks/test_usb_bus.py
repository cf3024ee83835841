# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The sticks as USB devices: on the simulated bus, and over a backend that fails as it is told."""

import subprocess
import sys
from types import ModuleType
from types import SimpleNamespace

from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
from ncs_cluster_detector.sticks import usb_bus
from ncs_cluster_detector.sticks import usb_claim
from ncs_cluster_detector.sticks.usb_bus import load_backend
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbUnavailableError
from ncs_cluster_detector.sticks.usb_claim import UsbAccessError
from ncs_cluster_detector.sticks.usb_claim import UsbBusyError
from ncs_cluster_detector.sticks.usb_claim import UsbError
from ncs_cluster_detector.sticks.usb_claim import UsbGoneError
from ncs_cluster_detector.sticks.usb_claim import UsbTimeoutError
import pytest
from usb.backend import libusb1
from usb.core import USBError

NO_LIBRARY = 'libno-such-usb.so.9'
CALLS = {   # of pyusb's backend, and who makes it
    'enumerate_devices': lambda bus, stick, claim: bus.sticks(),
    'open_device': lambda bus, stick, claim: bus.claim(stick),
    'claim_interface': lambda bus, stick, claim: bus.claim(stick),
    'bulk_read': lambda bus, stick, claim: claim.read(1.0),
    'bulk_write': lambda bus, stick, claim: claim.write(b'some', 1.0),
    'reset_device': lambda bus, stick, claim: claim.reset()}
KINDS = {   # enum libusb_error
    -3: UsbAccessError, -4: UsbGoneError, -5: UsbGoneError, -6: UsbBusyError,
    -7: UsbTimeoutError,
    -1: UsbError, -8: UsbError, -9: UsbError, -12: UsbError, -99: UsbError, None: UsbError}
# Nothing of pyusb can be imported, or no libusb be found; what is told then comes last.
WITHOUT = {
    'pyusb': "sys.modules['usb'] = None",
    'libusb': f"usb_bus.LIBRARY = '{NO_LIBRARY}'; sys.modules['libusb_package'] = None",
    'a libusb that can be loaded': (
        f"usb_bus.LIBRARY = '{NO_LIBRARY}'; sys.modules['libusb_package'] = SimpleNamespace("
        "get_library_path=lambda: '/dev/null')")}
REMEDIES = {'pyusb': 'install python3-usb', 'libusb': 'install libusb-1.0-0',
            'a libusb that can be loaded': 'install libusb-1.0-0'}
LOAD = """
import sys
from types import SimpleNamespace
from ncs_cluster_detector.sticks import usb_bus
from ncs_cluster_detector.sticks import usb_claim
{}
try:
    usb_bus.load_backend()
except usb_bus.UsbUnavailableError as error:
    print(error)
"""


class InventedBackend:
    """A backend whose devices are their descriptors, and of which one call can fail."""

    def __init__(self, *devices):
        """Be without faults."""
        self.devices = devices
        self.failing, self.code = '', None
        self.calls = []
        self.written = None   # of a write, all when None

    def enumerate_devices(self):
        """Yield the devices."""
        self._call('enumerate_devices')
        yield from self.devices

    def get_device_descriptor(self, dev):
        """Return the device."""
        return dev

    def open_device(self, dev):
        """Return a handle, an object of no properties."""
        self._call('open_device', dev)
        return object()

    def close_device(self, handle):
        """Take note of it."""
        self._call('close_device')

    def claim_interface(self, handle, interface):
        """Take note of it."""
        self._call('claim_interface', interface)

    def bulk_read(self, handle, endpoint, interface, buffer, timeout):
        """Fill the buffer; return how much that is."""
        self._call('bulk_read', endpoint, interface, timeout)
        return len(buffer)

    def bulk_write(self, handle, endpoint, interface, data, timeout):
        """Return the number of bytes."""
        self._call('bulk_write', endpoint, interface, data.tobytes(), timeout)
        return len(data) if self.written is None else self.written

    def reset_device(self, handle):
        """Take note of it."""
        self._call('reset_device')

    def _call(self, name, *arguments):
        self.calls.append((name, *arguments))
        if name == self.failing:
            raise USBError(f'no {name}\nfor you', self.code, 0)


def device(vendor=0x03e7, product=0x2150, port_numbers=(1, 2), bus=1, address=7):
    """Return a device of an InventedBackend."""
    return SimpleNamespace(idVendor=vendor, idProduct=product, port_numbers=port_numbers,
                           bus=bus, address=address)


def claimed(backend):
    """Return an UsbClaim of the first device of an InventedBackend."""
    bus = UsbBus(backend)
    return bus.claim(bus.sticks()[0])


class Simulated:
    """A bus with three simulated sticks whose boots and resets take no time."""

    def __init__(self, boot_ms=0.0):
        """Put all of them in ROM state."""
        self.shared = SimulatedBus(BusSpec(sticks=3, boot_ms=boot_ms))
        self.usb = UsbBus(SimulatedUsbBackend(self.shared))

    def boot(self, path):
        """Boot a stick for nobody."""
        port = self.shared.port(path)
        port.boot(port.state().plugs)

    def look(self, path):
        """Return the UsbStick at a port as it is now, or None."""
        return {stick.port: stick for stick in self.usb.sticks()}.get(path)


def test_sticks_are_listed_and_nothing_else():
    simulated = Simulated()
    simulated.boot('1.2')
    assert len([*SimulatedUsbBackend(simulated.shared).enumerate_devices()]) == 5
    sticks = simulated.usb.sticks()
    assert {stick.port: stick.booted for stick in sticks} == {
        '1.1': False, '1.2': True, '1.3': False}
    assert len({stick.address for stick in sticks}) == 3
    simulated.shared.inject('1.3', 'unplug')
    assert sorted(stick.port for stick in simulated.usb.sticks()) == ['1.1', '1.2']


def test_the_same_device_is_equal_and_one_that_came_since_is_not():
    simulated = Simulated()
    before = simulated.look('1.1')
    assert simulated.look('1.1') == before
    simulated.shared.inject('1.1', 'unplug')
    simulated.shared.inject('1.1', 'plug')
    assert simulated.look('1.1') != before


def test_the_address_is_another_one_after_boot_reset_and_plug():
    simulated = Simulated()
    addresses = [simulated.look('1.1').address]

    def reset():
        claim = simulated.usb.claim(simulated.look('1.1'))
        with pytest.raises(UsbGoneError):
            claim.reset()
        claim.close()

    def replug():
        simulated.shared.inject('1.1', 'unplug')
        simulated.shared.inject('1.1', 'plug')

    booted = []
    for change in (lambda: simulated.boot('1.1'), reset, replug):
        change()
        addresses.append(simulated.look('1.1').address)
        booted.append(simulated.look('1.1').booted)
        assert addresses[-1] != addresses[-2]
    assert booted == [True, False, False]


def test_a_stick_that_boots_is_not_there():
    simulated = Simulated(boot_ms=60000.0)
    before = simulated.look('1.1')
    simulated.boot('1.1')
    assert simulated.look('1.1') is None
    with pytest.raises(UsbGoneError):
        simulated.usb.claim(before)


@pytest.mark.parametrize('product, booted', [(0x2150, False), (0x2485, False), (0xf63b, True)])
def test_the_products_of_both_generations_are_sticks(product, booted):
    (stick,) = UsbBus(InventedBackend(
        device(product=product, port_numbers=(1, 10, 3), bus=4, address=9),
        device(product=0x1234), device(vendor=0x046d, product=product))).sticks()
    assert (stick.port, stick.address, stick.booted) == ('1.10.3', (4, 9), booted)


@pytest.mark.parametrize('port_numbers', [None, ()])
def test_a_stick_without_a_hub_in_its_path_has_an_empty_one(port_numbers):
    (stick,) = UsbBus(InventedBackend(device(port_numbers=port_numbers))).sticks()
    assert stick.port == ''


def test_claims_exclude_each_other():
    simulated = Simulated()
    simulated.boot('1.1')
    stick = simulated.look('1.1')
    assert not simulated.usb.is_claimed(stick)
    claim = simulated.usb.claim(stick)
    with pytest.raises(UsbBusyError):
        simulated.usb.claim(stick)
    assert simulated.usb.is_claimed(stick)
    assert not simulated.usb.is_claimed(simulated.look('1.2'))
    claim.close()
    assert not simulated.usb.is_claimed(stick)
    assert not simulated.usb.is_claimed(stick)   # and asking did not keep it
    simulated.usb.claim(stick).close()


def test_whether_it_is_claimed_cannot_be_told_of_one_that_is_gone_or_forbidden():
    simulated = Simulated()
    stick = simulated.look('1.1')
    simulated.shared.inject('1.1', 'no-access')
    with pytest.raises(UsbAccessError):
        simulated.usb.is_claimed(stick)
    simulated.shared.inject('1.1', 'unplug')
    with pytest.raises(UsbGoneError):
        simulated.usb.is_claimed(stick)


def test_a_usb_reset_that_changes_nothing_is_no_error():
    simulated = Simulated()
    simulated.boot('1.1')
    simulated.shared.inject('1.1', 'no-usb-reset')
    stick = simulated.look('1.1')
    claim = simulated.usb.claim(stick)
    claim.reset()
    assert simulated.look('1.1') == stick
    claim.close()


def test_reading_and_writing_on_the_simulated_bus():
    simulated = Simulated()
    simulated.boot('1.1')
    port = simulated.shared.port('1.1')
    port.note_unread(port.look()[1].enumeration, 1)
    claim = simulated.usb.claim(simulated.look('1.1'))
    assert claim.read(0.01) == 1414
    with pytest.raises(UsbTimeoutError):
        claim.read(0.01)
    claim.write(bytes(8), 0.01)
    simulated.shared.inject('1.1', 'nak')
    with pytest.raises(UsbTimeoutError):
        claim.write(bytes(8), 0.01)
    simulated.shared.inject('1.1', 'unplug')
    for call in (lambda: claim.read(0.01), lambda: claim.write(bytes(8), 0.01), claim.reset):
        with pytest.raises(UsbGoneError):
            call()
    claim.close()


@pytest.mark.parametrize('code', KINDS)
@pytest.mark.parametrize('call', CALLS)
def test_each_error_of_libusb_has_its_class(call, code):
    backend = InventedBackend(device())
    bus = UsbBus(backend)
    (stick,) = bus.sticks()
    claim = bus.claim(stick)
    backend.failing, backend.code = call, code
    with pytest.raises(UsbError, match=f'no {call}') as caught:
        CALLS[call](bus, stick, claim)
    assert type(caught.value) is KINDS[code]
    assert isinstance(caught.value.__cause__, USBError)


def test_a_device_that_could_not_be_claimed_is_closed():
    backend = InventedBackend(device())
    bus = UsbBus(backend)
    (stick,) = bus.sticks()
    backend.failing, backend.code = 'claim_interface', -6
    assert bus.is_claimed(stick)
    assert [call[0] for call in backend.calls[-3:]] == [
        'open_device', 'claim_interface', 'close_device']


def test_a_claim_uses_the_interface_and_endpoints_of_a_stick_and_ends_with_its_handle():
    backend = InventedBackend(device())
    claim = claimed(backend)
    assert claim.read(1.0) == usb_claim.READ_BYTES
    claim.write(b'some', 2.0)
    claim.close()
    assert backend.calls[2:] == [('claim_interface', 0), ('bulk_read', 0x81, 0, 1000),
                                 ('bulk_write', 0x01, 0, b'some', 2000), ('close_device',)]


@pytest.mark.parametrize('packet', [64, 512, 1024])
def test_there_is_room_for_whole_packets(packet):
    assert usb_claim.READ_BYTES % packet == 0


@pytest.mark.parametrize('written', [0, 3])
def test_a_write_that_takes_less_than_all_is_a_timeout(written):
    backend = InventedBackend(device())
    claim = claimed(backend)
    backend.written = written
    with pytest.raises(UsbTimeoutError, match=f'{written} of 4 bytes'):
        claim.write(b'some', 1.0)


@pytest.mark.parametrize('seconds, expected_ms', [
    (1.0, 1000), (0.05, 50), (0.0016, 2), (2, 2000), (0.0004, 1), (0.0, 1), (-1.0, 1)])
def test_timeouts_are_whole_milliseconds_and_never_without_a_limit(seconds, expected_ms):
    backend = InventedBackend(device())
    claim = claimed(backend)
    claim.read(seconds)
    claim.write(b'some', seconds)
    timeouts = [call[-1] for call in backend.calls[-2:]]
    assert timeouts == [expected_ms] * 2
    assert {type(timeout) for timeout in timeouts} == {int}   # ctypes takes nothing else


def test_without_pyusb_one_line_names_what_to_install(monkeypatch, capfd):
    monkeypatch.setitem(sys.modules, 'usb.backend', None)
    with pytest.raises(UsbUnavailableError, match='pyusb.*install python3-usb$') as caught:
        load_backend()
    assert '\n' not in str(caught.value)
    assert capfd.readouterr() == ('', '')


def test_without_libusb_one_line_names_what_to_install(monkeypatch, capfd):
    monkeypatch.setattr(libusb1, '_lib_object', None)   # loaded once in a process
    monkeypatch.setattr(usb_bus, 'LIBRARY', NO_LIBRARY)
    monkeypatch.setitem(sys.modules, 'libusb_package', None)
    with pytest.raises(UsbUnavailableError,
                       match=f'^{NO_LIBRARY} .*install libusb-1.0-0$') as caught:
        load_backend()
    assert '\n' not in str(caught.value)
    assert capfd.readouterr() == ('', '')


@pytest.mark.parametrize('missing', WITHOUT)
def test_a_program_that_has_set_up_no_logging_sees_nothing_else(missing):
    done = subprocess.run([sys.executable, '-c', LOAD.format(WITHOUT[missing])],
                          capture_output=True, text=True, check=True)
    assert done.stderr == ''
    (line,) = done.stdout.splitlines()
    assert line.endswith(REMEDIES[missing])


@pytest.mark.parametrize('library, expected', [
    (None, None), ('libc.so.6', 'libc.so.6'), (NO_LIBRARY, '/somewhere/libusb.so')])
def test_the_system_s_libusb_comes_before_that_of_pypi(monkeypatch, library, expected):
    package = ModuleType('libusb_package')
    package.get_library_path = lambda: '/somewhere/libusb.so'
    monkeypatch.setitem(sys.modules, 'libusb_package', package if library else None)
    monkeypatch.setattr(usb_bus, 'LIBRARY', library or NO_LIBRARY)
    found = []

    def get_backend(find_library):
        found.append(find_library('usb-1.0'))
        return 'backend'

    monkeypatch.setattr(libusb1, 'get_backend', get_backend)
    assert load_backend() == 'backend'
    assert found == [expected]
