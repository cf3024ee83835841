# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A software double of the vendor's ``mvnc.mvncapi`` (NCSDK 2.10): the same names and behaviour.

:func:`plug_in` adds the simulated sticks; before it is called there are none, except in a process
whose environment names a bus (see ``SimulatedBus``).

Left out on purpose are the native library itself (``f``), its output, the options of its higher
classes, which the public library does not have either, and its crashes: where the vendor's library
reads freed memory, or waits for ever, the call fails here (see ``Fifo`` and ``Graph``). A
descriptor or buffer of another type than the vendor's may fail with another built-in exception.
"""

import ctypes

from ncs_cluster_detector.simulation.api import mvnc_enums
from ncs_cluster_detector.simulation.api.mvnc_device import Device
from ncs_cluster_detector.simulation.api.mvnc_device import enumerate_devices
from ncs_cluster_detector.simulation.api.mvnc_enums import *  # noqa: F401, F403
from ncs_cluster_detector.simulation.api.mvnc_enums import DeviceOption
from ncs_cluster_detector.simulation.api.mvnc_enums import GlobalOption
from ncs_cluster_detector.simulation.api.mvnc_enums import GraphOption
from ncs_cluster_detector.simulation.api.mvnc_enums import LogLevel
from ncs_cluster_detector.simulation.api.mvnc_enums import OPTION_CLASS_SIZE
from ncs_cluster_detector.simulation.api.mvnc_enums import Status
from ncs_cluster_detector.simulation.api.mvnc_fifo import Fifo
from ncs_cluster_detector.simulation.api.mvnc_graph import Graph
from ncs_cluster_detector.simulation.api.process_state import plug_in
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
import numpy as np

__all__ = [
    'BusSpec', 'Device', 'Fifo', 'Graph', 'enumerate_devices', 'getOptionClass',
    'global_get_option', 'global_set_option', 'plug_in']
__all__ += mvnc_enums.__all__

_API_VERSION = (2, 10, 1, 1)
_settings = {GlobalOption.RW_LOG_LEVEL: LogLevel.WARN.value}


def getOptionClass(  # noqa: N802 - the vendor's name
        option: DeviceOption | GraphOption, base: int) -> int:
    """Return the class of an option; ``base`` is the first number of the options of its kind."""
    return int((option.value - base) / OPTION_CLASS_SIZE)


def global_set_option(option: GlobalOption, value: LogLevel | int) -> None:
    """Set RW_LOG_LEVEL to a ``LogLevel`` or its number; the double itself prints nothing."""
    is_level = option is GlobalOption.RW_LOG_LEVEL
    number = ctypes.c_int(value.value if is_level and not isinstance(value, int) else value).value
    if option is GlobalOption.RO_API_VERSION:
        raise Exception(Status.UNAUTHORIZED)
    if not is_level or not 0 <= number <= LogLevel.FATAL.value:
        raise Exception(Status.INVALID_PARAMETERS)
    _settings[option] = number


def global_get_option(option: GlobalOption) -> int | np.ndarray:
    """Return RW_LOG_LEVEL as an integer, or RO_API_VERSION as a uint32 array of four."""
    if option is GlobalOption.RO_API_VERSION:
        return np.array(_API_VERSION, dtype=np.uint32)
    if option is not GlobalOption.RW_LOG_LEVEL:
        raise Exception(Status.INVALID_PARAMETERS)
    return _settings[option]
