# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver ``xlink``: Neural Compute Sticks without the vendor's SDK."""

from dataclasses import dataclass
from typing import Any
from typing import Mapping
from typing import Sequence

from ncs_cluster_detector.drivers.compiled_graphs import read_compiled_graph
from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.usb_bus import load_backend
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbUnavailableError
from ncs_cluster_detector.sticks.xlink.firmware import Firmware


@dataclass(frozen=True)
class XlinkDriver(Driver):
    """Sticks on our own host side of their protocol; of the SDK they need the ``firmware``."""

    firmware: Firmware

    title = 'Neural Compute Sticks'
    description = "real ones, with nothing of NCSDK 2 but the sticks' firmware"
    no_stick_found = ('no stick found: is one plugged in (lsusb shows 03e7), its udev rule '
                      'installed, the hub powered?')
    starts_together = True
    sends_firmware = True

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Driver:
        """Return the driver; ValueError if there is no firmware."""
        firmware = Firmware(values['firmware'])
        firmware.check()
        return cls(firmware)

    @classmethod
    def check_installed(cls) -> None:
        """Check that pyusb and libusb are there."""
        try:
            load_backend()
        except UsbUnavailableError as error:
            raise SdkMissingError(f'driver=xlink: {error}, or try -p driver:=simulated') from error

    def read_graph(self, name: str) -> bytes:
        """Return the content of a file; refuse a file name of what no chip can run."""
        return read_compiled_graph(name)

    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """Return a stick; only here load libusb."""
        from ncs_cluster_detector.sticks.xlink.xlink_stick import XlinkStick
        try:
            return XlinkStick(UsbBus(load_backend()), graphs, self.firmware)
        except UsbUnavailableError as error:
            raise SdkMissingError(f'driver=xlink: {error}') from error
