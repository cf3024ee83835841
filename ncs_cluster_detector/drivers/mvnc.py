# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The driver ``mvnc``: Neural Compute Sticks through the vendor's NCSDK 2."""

import importlib.util
from typing import Any
from typing import ContextManager
from typing import Mapping
from typing import Sequence

from ncs_cluster_detector.drivers.compiled_graphs import read_compiled_graph
from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.sticks.machine_lock import MachineLock
from ncs_cluster_detector.sticks.ncsdk import NcsdkStick
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.usb_bus import load_backend
from ncs_cluster_detector.sticks.usb_bus import UsbBus


class MvncDriver(Driver):
    """Sticks on the ``mvnc.mvncapi`` API; it has no options."""

    title = 'Neural Compute Sticks'
    sdk_module = 'mvnc'
    description = 'real ones, through NCSDK 2'
    no_stick_found = ('no stick found: is one plugged in (lsusb shows 03e7) and not used by '
                      'another program, its udev rule installed, the hub powered?')

    @classmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> Driver:
        """Return the driver."""
        return cls()

    @classmethod
    def check_installed(cls) -> None:
        """Check that the Python module of NCSDK 2 is there."""
        if importlib.util.find_spec(cls.sdk_module) is None:
            raise SdkMissingError(
                "driver=mvnc: the Python module 'mvnc' of NCSDK 2 is not installed; install "
                'NCSDK 2, or try -p driver:=simulated')

    def read_graph(self, name: str) -> bytes:
        """Return the content of a file; refuse a file name of what no chip can run."""
        return read_compiled_graph(name)

    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """Return a stick; only here import the vendor's module, which opens devices itself."""
        try:
            from mvnc import mvncapi
        except (ImportError, OSError) as error:
            raise SdkMissingError(
                f'loading the Python module mvnc.mvncapi of NCSDK 2: {error}; install NCSDK 2 '
                '(then run ldconfig), or try -p driver:=simulated') from error
        return NcsdkStick(mvncapi, graphs, usb=self.usb_bus_if_usable())

    def usb_bus(self) -> UsbBus:
        """Return the machine's USB bus."""
        return UsbBus(load_backend())

    def lock(self) -> ContextManager[Any]:
        """Return the machine's lock: the vendor's library takes sticks that others have booted."""
        return MachineLock()
