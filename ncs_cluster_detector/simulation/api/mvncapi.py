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

What takes the place of hardware is :func:`plug_in`; before it is called there are no sticks,
except in a process whose environment names a bus (see ``SimulatedBus``).

Left out on purpose are the native library itself (``f``), what it prints, the options of its
higher classes, which the public one has not either, and its crashes: where the vendor's library
reads memory that it has freed, or waits for what can never come, the call fails here (see
``Fifo`` and ``Graph``). A descriptor or buffer of another type than the vendor's may fail with
another built-in exception.
"""

import ctypes

from ncs_cluster_detector.simulation.api.mvnc_device import Device
from ncs_cluster_detector.simulation.api.mvnc_device import enumerate_devices
from ncs_cluster_detector.simulation.api.mvnc_enums import DEBUG_BUFFER_SIZE
from ncs_cluster_detector.simulation.api.mvnc_enums import DEVICE_CLASS0_BASE
from ncs_cluster_detector.simulation.api.mvnc_enums import DeviceHwVersion
from ncs_cluster_detector.simulation.api.mvnc_enums import DeviceOption
from ncs_cluster_detector.simulation.api.mvnc_enums import DeviceState
from ncs_cluster_detector.simulation.api.mvnc_enums import EnumDeprecationHelper
from ncs_cluster_detector.simulation.api.mvnc_enums import FifoDataType
from ncs_cluster_detector.simulation.api.mvnc_enums import FifoOption
from ncs_cluster_detector.simulation.api.mvnc_enums import FifoState
from ncs_cluster_detector.simulation.api.mvnc_enums import FifoType
from ncs_cluster_detector.simulation.api.mvnc_enums import GlobalOption
from ncs_cluster_detector.simulation.api.mvnc_enums import GRAPH_CLASS0_BASE
from ncs_cluster_detector.simulation.api.mvnc_enums import GraphOption
from ncs_cluster_detector.simulation.api.mvnc_enums import GraphState
from ncs_cluster_detector.simulation.api.mvnc_enums import LogLevel
from ncs_cluster_detector.simulation.api.mvnc_enums import MAX_NAME_SIZE
from ncs_cluster_detector.simulation.api.mvnc_enums import OPTION_CLASS_SIZE
from ncs_cluster_detector.simulation.api.mvnc_enums import Status
from ncs_cluster_detector.simulation.api.mvnc_enums import SUPPORT_HIGHCLASS
from ncs_cluster_detector.simulation.api.mvnc_enums import TensorDescriptor
from ncs_cluster_detector.simulation.api.mvnc_enums import THERMAL_BUFFER_SIZE
from ncs_cluster_detector.simulation.api.mvnc_enums import VERSION_MAX_SIZE
from ncs_cluster_detector.simulation.api.mvnc_fifo import Fifo
from ncs_cluster_detector.simulation.api.mvnc_graph import Graph
from ncs_cluster_detector.simulation.api.process_state import plug_in
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
import numpy as np

__all__ = [
    'DEBUG_BUFFER_SIZE', 'DEVICE_CLASS0_BASE', 'Device', 'DeviceHwVersion', 'DeviceOption',
    'DeviceState', 'EnumDeprecationHelper', 'Fifo', 'FifoDataType', 'FifoOption', 'FifoState',
    'FifoType', 'GRAPH_CLASS0_BASE', 'GlobalOption', 'Graph', 'GraphOption', 'GraphState',
    'LogLevel', 'MAX_NAME_SIZE', 'OPTION_CLASS_SIZE', 'SUPPORT_HIGHCLASS', 'BusSpec',
    'Status', 'TensorDescriptor', 'THERMAL_BUFFER_SIZE', 'VERSION_MAX_SIZE', 'enumerate_devices',
    'getOptionClass', 'global_get_option', 'global_set_option', 'plug_in']

_API_VERSION = (2, 10, 1, 1)
_settings = {GlobalOption.RW_LOG_LEVEL: LogLevel.WARN.value}


def getOptionClass(option, base):  # noqa: N802 - the vendor's name
    """Return to which class an option belongs; ``base`` is where the options of its kind start."""
    return int((option.value - base) / OPTION_CLASS_SIZE)


def global_set_option(option, value):
    """Set RW_LOG_LEVEL to a ``LogLevel`` or its number; the double itself prints nothing."""
    is_level = option is GlobalOption.RW_LOG_LEVEL
    number = ctypes.c_int(value.value if is_level and not isinstance(value, int) else value).value
    if option is GlobalOption.RO_API_VERSION:
        raise Exception(Status.UNAUTHORIZED)
    if not is_level or not 0 <= number <= LogLevel.FATAL.value:
        raise Exception(Status.INVALID_PARAMETERS)
    _settings[option] = number


def global_get_option(option):
    """Return RW_LOG_LEVEL as an integer, or RO_API_VERSION as a uint32 array of four."""
    if option is GlobalOption.RO_API_VERSION:
        return np.array(_API_VERSION, dtype=np.uint32)
    if option is not GlobalOption.RW_LOG_LEVEL:
        raise Exception(Status.INVALID_PARAMETERS)
    return _settings[option]
