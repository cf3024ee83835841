# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A double of pyusb's backend: the simulated sticks as devices on USB, below the vendor's API."""

import array
from collections.abc import Iterator
from contextlib import closing
import time

from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.faults.fault_watch import FaultWatch
from ncs_cluster_detector.simulation.usb import usb_devices
from ncs_cluster_detector.simulation.usb.usb_devices import DeviceDescriptor
from ncs_cluster_detector.simulation.usb.usb_devices import usb_error
from ncs_cluster_detector.simulation.usb.usb_devices import UsbDevice
from ncs_cluster_detector.simulation.usb.usb_devices import UsbHandle
from usb.backend import IBackend

# Endpoints of a stick: XLinkPlatform.c:49.
TO_STICK = 0x01
FROM_STICK = 0x81
_PACKET_BYTES = 512
_INTERFACE = 0


class SimulatedUsbBackend(IBackend):
    """
    The sticks of a :class:`SimulatedBus`, and two other devices.

    It has only the methods that are needed to reset leftover sticks; all others raise
    ``NotImplementedError``. Every failure is a ``usb.core.USBError`` with libusb's code in
    ``backend_error_code``. Linux claims an interface automatically on a transfer; this refuses
    transfers without a claim (NOT_FOUND).
    """

    def __init__(self, shared_bus: SimulatedBus) -> None:
        self._bus = shared_bus

    def enumerate_devices(self) -> Iterator[UsbDevice]:
        """Yield the visible devices, for the other methods."""
        yield from usb_devices.FOREIGN_DEVICES
        for index, port in enumerate(self._bus.ports()):
            device = usb_devices.listed_stick(port, index)
            if device is not None:
                yield device

    def get_device_descriptor(self, dev: UsbDevice) -> DeviceDescriptor:
        """Return the descriptor of a device, with ``bus``, ``address`` and ``port_numbers``."""
        return dev.descriptor

    def open_device(self, dev: UsbDevice) -> UsbHandle:
        """
        Return a handle of a device.

        :raises USBError: NO_DEVICE, or ACCESS (also for devices that are not sticks).
        """
        if dev.port is None:
            raise usb_error(usb_devices.ACCESS)
        _check_there(dev)
        if dev.port.state().faults.no_access:
            raise usb_error(usb_devices.ACCESS)
        return UsbHandle(dev)

    def close_device(self, dev_handle: UsbHandle) -> None:
        """Close a handle, and release its interface."""
        dev_handle.release()

    def claim_interface(self, dev_handle: UsbHandle, intf: int) -> None:
        """
        Claim a stick's only interface for this handle, until it is released or the process ends.

        :raises USBError: NOT_FOUND, NO_DEVICE, or BUSY: another handle has it, or a process has
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
            dev_handle.release()
            raise usb_error(usb_devices.NO_DEVICE)
        device.port.note_holder()
        if self._bus.bus.leftovers == 'none':
            device.port.drop_unread()

    def bulk_read(
            self, dev_handle: UsbHandle, ep: int, intf: int, buff: 'array.array[int]',
            timeout: int) -> int:
        """
        Read one transfer that a booted stick has for its host, or the part that fits.

        :param timeout: in milliseconds; 0 = for ever.
        :return: number of bytes.
        :raises USBError: TIMEOUT; NO_DEVICE as soon as the stick leaves the bus; OVERFLOW: the
            array is shorter than a packet of 512 bytes, which is lost; NOT_FOUND.
        """
        _check_transfer(dev_handle, ep, FROM_STICK, intf)
        data = self._until(dev_handle, timeout, dev_handle.send)
        size = len(buff) * buff.itemsize
        if len(data) > size:
            size -= size % _PACKET_BYTES
            dev_handle.unread = data[max(size, _PACKET_BYTES):]
            if not size:
                raise usb_error(usb_devices.OVERFLOW)
        memoryview(buff).cast('B')[:len(data[:size])] = data[:size]
        return len(data[:size])

    def bulk_write(
            self, dev_handle: UsbHandle, ep: int, intf: int, data: 'array.array[int]',
            timeout: int) -> int:
        """
        Send bytes to a stick; a booted one obeys their XLink headers, unless it is mute.

        RESET_REQ makes it leave the bus and come back in ROM state, an unknown type makes it mute,
        others change nothing. A stick in ROM state accepts all bytes and does nothing.

        :param data: array.array of whole headers or parts of them.
        :param timeout: in milliseconds; 0 = for ever.
        :return: number of bytes.
        :raises USBError: TIMEOUT: the stick accepts no data; NO_DEVICE or NOT_FOUND.
        """
        _check_transfer(dev_handle, ep, TO_STICK, intf)
        self._until(dev_handle, timeout, lambda: dev_handle.accepts_data() or None)
        return dev_handle.receive(data.tobytes())

    def reset_device(self, dev_handle: UsbHandle) -> None:
        """
        Reset the stick over USB; a booted one leaves the bus and comes back in ROM state.

        It needs no claim, and works even if the stick is open.

        :raises USBError: NO_DEVICE; NOT_FOUND after success when it comes back as a new device, as
            libusb does.
        """
        device = dev_handle.device
        _check_there(device)
        if device.port.state().faults.no_usb_reset:
            return
        if device.port.reset_over_usb(device.enumeration):
            raise usb_error(usb_devices.NOT_FOUND)

    def _until(self, handle, timeout_ms, found):
        """Call a function after each change until its value is not None; return the value."""
        value = found()
        if value is not None:
            return value
        deadline = time.monotonic() + timeout_ms / 1000.0 if timeout_ms else None
        with closing(FaultWatch(self._bus.memory.own_path())) as watch:
            while True:
                _check_there(handle.device)
                value = found()
                if value is not None:
                    return value
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0.0:
                    raise usb_error(usb_devices.TIMEOUT)
                watch.wait(left)


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
