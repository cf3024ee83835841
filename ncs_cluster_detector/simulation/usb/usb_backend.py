# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A double of pyusb's backend: the simulated sticks as devices on USB, below the vendor's API."""

import time

from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.faults.fault_watch import FaultWatch
from ncs_cluster_detector.simulation.usb import usb_devices
from ncs_cluster_detector.simulation.usb import usb_stick
from ncs_cluster_detector.simulation.usb.usb_devices import usb_error
from ncs_cluster_detector.simulation.usb.usb_devices import UsbHandle
from usb.backend import IBackend

# Endpoints of a stick: XLinkPlatform.c:49.
TO_STICK = 0x01
FROM_STICK = 0x81
_PACKET_BYTES = 512
_INTERFACE = 0


class SimulatedUsbBackend(IBackend):
    """
    The sticks of a :class:`SimulatedBus`, and two devices that are none.

    It has the methods that are needed to clean a bus of leftovers; all others raise
    ``NotImplementedError``. Every failure is a ``usb.core.USBError`` with libusb's code in
    ``backend_error_code``. Unlike Linux, which claims an interface for whoever transfers
    something, it refuses transfers without a claim (NOT_FOUND).
    """

    def __init__(self, shared_bus: SimulatedBus) -> None:
        """Look at a bus."""
        self._bus = shared_bus

    def enumerate_devices(self):
        """Yield what can be seen on the bus now: devices for the other methods."""
        yield from usb_devices.FOREIGN_DEVICES
        for index, port in enumerate(self._bus.ports()):
            device = usb_devices.listed_stick(port, index)
            if device is not None:
                yield device

    def get_device_descriptor(self, dev):
        """Return the descriptor of a device, with ``bus``, ``address`` and ``port_numbers``."""
        return dev.descriptor

    def open_device(self, dev):
        """
        Return a handle of a device.

        :raises USBError: NO_DEVICE, or ACCESS (also for devices that are no sticks).
        """
        if dev.port is None:
            raise usb_error(usb_devices.ACCESS)
        _check_there(dev)
        if dev.port.state().faults.no_access:
            raise usb_error(usb_devices.ACCESS)
        return UsbHandle(dev)

    def close_device(self, dev_handle):
        """Close a handle, and give its interface back."""
        dev_handle.let_go()

    def claim_interface(self, dev_handle, intf):
        """
        Take a stick's only interface for this handle, until it is given back or the process ends.

        :raises USBError: NOT_FOUND, NO_DEVICE, or BUSY: another handle has it, or some process has
            the stick open.
        """
        device = dev_handle.device
        _check_interface(intf)
        _check_there(device)
        if dev_handle.claim is not None:
            return
        dev_handle.claim = device.port.claim(device.plugs)
        if dev_handle.claim is None:
            raise usb_error(usb_devices.BUSY)
        if not device.is_there():   # any more
            dev_handle.let_go()
            raise usb_error(usb_devices.NO_DEVICE)
        device.port.note_holder()
        if self._bus.bus.leftovers == 'none':
            device.port.drop_unread()

    def release_interface(self, dev_handle, intf):
        """
        Give the interface back.

        :raises USBError: NOT_FOUND: this handle does not have it.
        """
        _check_interface(intf)
        if dev_handle.claim is None:
            raise usb_error(usb_devices.NOT_FOUND)
        dev_handle.let_go()

    def bulk_read(self, dev_handle, ep, intf, buff, timeout):
        """
        Read what a booted stick has for its host: one transfer, or what fits of it.

        :param buff: array.array that is filled.
        :param timeout: in milliseconds; 0 = for ever.
        :return: number of bytes.
        :raises USBError: TIMEOUT; NO_DEVICE as soon as the stick leaves the bus; OVERFLOW: the
            array is shorter than a packet of 512 bytes that came, which is lost; NOT_FOUND.
        """
        _check_transfer(dev_handle, ep, FROM_STICK, intf)
        data = self._until(dev_handle, timeout, lambda: usb_stick.send(dev_handle))
        size = len(buff) * buff.itemsize
        if len(data) > size:
            size -= size % _PACKET_BYTES
            dev_handle.unread = data[max(size, _PACKET_BYTES):]
            if not size:
                raise usb_error(usb_devices.OVERFLOW)
        memoryview(buff).cast('B')[:len(data[:size])] = data[:size]
        return len(data[:size])

    def bulk_write(self, dev_handle, ep, intf, data, timeout):
        """
        Send bytes to a stick; a booted one that lives does what their XLink headers say.

        RESET_REQ lets it leave the bus and come back in ROM state, an unknown type makes it mute,
        others change nothing. One in ROM state takes whatever comes, and does nothing.

        :param data: array.array of whole headers or parts of them.
        :param timeout: in milliseconds; 0 = for ever.
        :return: number of bytes.
        :raises USBError: TIMEOUT: the stick takes nothing; NO_DEVICE or NOT_FOUND.
        """
        _check_transfer(dev_handle, ep, TO_STICK, intf)
        self._until(dev_handle, timeout, lambda: usb_stick.takes(dev_handle))
        return usb_stick.receive(dev_handle, data.tobytes())

    def reset_device(self, dev_handle):
        """
        Reset the stick over USB; one that had booted leaves the bus and comes back in ROM state.

        It needs no claim, and takes the stick from whoever has it open.

        :raises USBError: NO_DEVICE; NOT_FOUND as libusb does after success, when the device has
            become another one.
        """
        device = dev_handle.device
        _check_there(device)
        if device.port.state().faults.no_usb_reset:
            return
        if device.port.reset_over_usb(device.enumeration):
            raise usb_error(usb_devices.NOT_FOUND)

    def _until(self, handle, timeout_ms, found):
        """Return the first value of a function that is not None, asked again after each change."""
        value = found()
        if value is not None:
            return value
        deadline = time.monotonic() + timeout_ms / 1000.0 if timeout_ms else None
        watch = FaultWatch(self._bus.memory.own_path())
        try:
            while True:
                _check_there(handle.device)
                value = found()
                if value is not None:
                    return value
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0.0:
                    raise usb_error(usb_devices.TIMEOUT)
                watch.wait(left)
        finally:
            watch.close()


def _check_there(device):
    if not device.is_there():
        raise usb_error(usb_devices.NO_DEVICE)


def _check_interface(intf):
    if intf != _INTERFACE:
        raise usb_error(usb_devices.NOT_FOUND)


def _check_transfer(handle, endpoint, expected, intf):
    _check_interface(intf)
    _check_there(handle.device)
    if endpoint != expected or handle.claim is None:
        raise usb_error(usb_devices.NOT_FOUND)
