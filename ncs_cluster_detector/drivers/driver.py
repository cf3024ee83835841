# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What belongs to a driver: the API module of its sticks and the USB bus that they are on."""

from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.sticks.usb_bus import load_backend
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import without_pyusb


def api_module(config):
    """
    Return the API module; the vendor's is imported here, where it may open what it likes.

    :param config: :class:`WorkerConfig`.
    :raises SdkMissingError: it cannot be loaded.
    """
    if config.driver == 'simulated':
        from ncs_cluster_detector.simulation.api import mvncapi
        mvncapi.plug_in(config.bus)
        return mvncapi
    try:
        from mvnc import mvncapi
    except (ImportError, OSError) as error:
        raise SdkMissingError(
            f'loading the Python module mvnc.mvncapi of NCSDK 2: {error}; install NCSDK 2 (then '
            'run ldconfig), or try -p driver:=simulated') from error
    return mvncapi


def usb_bus(config):
    """
    Return the UsbBus of the driver's sticks.

    :param config: :class:`WorkerConfig`.
    :raises UsbUnavailableError: there is no USB library.
    """
    if config.driver != 'simulated':
        return UsbBus(load_backend())
    try:
        from ncs_cluster_detector.simulation.usb.usb_backend import SimulatedUsbBackend
    except ImportError as error:   # it speaks pyusb's language
        raise without_pyusb(error) from error
    return UsbBus(SimulatedUsbBackend(config.bus))
