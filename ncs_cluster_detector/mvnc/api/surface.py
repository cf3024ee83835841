# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The names of the vendor's module that are the same on all sticks, and the global options."""

import ctypes
from typing import Any

from ncs_cluster_detector.mvnc.api import enums
from ncs_cluster_detector.mvnc.api.device import Device
from ncs_cluster_detector.mvnc.api.enums import *  # noqa: F401, F403
from ncs_cluster_detector.mvnc.api.enums import DeviceOption
from ncs_cluster_detector.mvnc.api.enums import GlobalOption
from ncs_cluster_detector.mvnc.api.enums import GraphOption
from ncs_cluster_detector.mvnc.api.enums import LogLevel
from ncs_cluster_detector.mvnc.api.enums import OPTION_CLASS_SIZE
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.fifo import Fifo
from ncs_cluster_detector.mvnc.api.graph import Graph
import numpy as np
import numpy.typing as npt

__all__ = ['Device', 'Fifo', 'Graph', 'getOptionClass', 'global_get_option', 'global_set_option']
__all__ += enums.__all__

_API_VERSION = (2, 10, 1, 1)
_settings = {GlobalOption.RW_LOG_LEVEL: LogLevel.WARN.value}


def getOptionClass(  # noqa: N802 - the vendor's name
        option: DeviceOption | GraphOption, base: int) -> int:
    """Return the class of an option; ``base`` is the first number of the options of its kind."""
    return int((option.value - base) / OPTION_CLASS_SIZE)


def global_set_option(option: GlobalOption, value: LogLevel | int) -> None:
    """Set RW_LOG_LEVEL to a ``LogLevel`` or its number."""
    is_level = option is GlobalOption.RW_LOG_LEVEL
    plain: Any = value.value if is_level and isinstance(value, LogLevel) else value
    number = ctypes.c_int(plain).value
    if option is GlobalOption.RO_API_VERSION:
        raise Exception(Status.UNAUTHORIZED)
    if not is_level or not 0 <= number <= LogLevel.FATAL.value:
        raise Exception(Status.INVALID_PARAMETERS)
    _settings[option] = number


def global_get_option(option: GlobalOption) -> int | npt.NDArray[np.uint32]:
    """Return RW_LOG_LEVEL as an integer, or RO_API_VERSION as a uint32 array of four."""
    if option is GlobalOption.RO_API_VERSION:
        return np.array(_API_VERSION, dtype=np.uint32)
    if option is not GlobalOption.RW_LOG_LEVEL:
        raise Exception(Status.INVALID_PARAMETERS)
    return _settings[option]
