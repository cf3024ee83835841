# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The vendor's module ``mvnc.mvncapi`` (NCSDK 2.10) on real sticks, without the vendor's library.

The same names, values, checks and exceptions, and the same conversation with the stick. What is
different is below: no lock is shared between sticks, each wait for a stick has a deadline and ends
with ERROR, and the reason of an ERROR is printed on stderr (unless the log level is FATAL).
"""

import ctypes

from ncs_cluster_detector.mvnc.api import surface
from ncs_cluster_detector.mvnc.api.device import new_handle
from ncs_cluster_detector.mvnc.api.surface import *  # noqa: F401, F403
from ncs_cluster_detector.mvnc.xlink.machine import Machine
from ncs_cluster_detector.mvnc.xlink.reasons import report
from ncs_cluster_detector.sticks.usb_bus import UsbUnavailableError
from ncs_cluster_detector.sticks.usb_claim import UsbError

__all__ = ['enumerate_devices']
__all__ += surface.__all__

_machine = Machine()


def enumerate_devices() -> list[ctypes.c_void_p]:
    """
    Return a list of new handles (``ctypes.c_void_p``), one for each stick.

    The first call in a process resets the sticks that a killed process left booted. As in the
    vendor's module the list is empty when the bus cannot be listed.
    """
    try:
        return [new_handle(stick) for stick in _machine.sticks()]
    except (UsbUnavailableError, UsbError) as error:
        report(f'listing the sticks: {error}, expected a USB bus')
        return []
