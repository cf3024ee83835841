# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The constants, enumerations and descriptors of the vendor's API (NCSDK 2.10), by value."""

from collections.abc import Mapping
import ctypes
import enum
from typing import Any
import warnings

# What the vendor's module offers of these.
__all__ = [
    'DEBUG_BUFFER_SIZE', 'DEVICE_CLASS0_BASE', 'DeviceHwVersion', 'DeviceOption', 'DeviceState',
    'EnumDeprecationHelper', 'FifoDataType', 'FifoOption', 'FifoState', 'FifoType',
    'GRAPH_CLASS0_BASE', 'GlobalOption', 'GraphOption', 'GraphState', 'LogLevel', 'MAX_NAME_SIZE',
    'OPTION_CLASS_SIZE', 'SUPPORT_HIGHCLASS', 'Status', 'TensorDescriptor', 'THERMAL_BUFFER_SIZE',
    'VERSION_MAX_SIZE']

MAX_NAME_SIZE = 28
THERMAL_BUFFER_SIZE = 100
DEBUG_BUFFER_SIZE = 120
VERSION_MAX_SIZE = 4

# The options of graphs and of sticks have different first numbers; each class of options has 100
# numbers. The higher classes are not in the public library.
OPTION_CLASS_SIZE = 100
GRAPH_CLASS0_BASE = 1000
DEVICE_CLASS0_BASE = 2000
SUPPORT_HIGHCLASS = False


class EnumDeprecationHelper:
    """A wrapper of an enumeration that still knows its members' old names, and warns of them."""

    def __init__(self, new_target: type[enum.Enum], deprecated_values: Mapping[str, str]) -> None:
        """Wrap ``new_target``; ``deprecated_values`` maps old names to new ones."""
        self.new_target = new_target
        self.deprecated_values = deprecated_values

    def __call__(self, *args: Any, **kwargs: Any) -> enum.Enum:
        """Return a member by its value."""
        return self.new_target(*args, **kwargs)

    def __getattr__(self, attr: str) -> Any:
        """Return a member by its new or its old name; the old one is a DeprecationWarning."""
        new_name = self.deprecated_values.get(attr, attr)
        if new_name != attr:
            warnings.warn(f'"{attr}" is deprecated, use "{new_name}"', DeprecationWarning,
                          stacklevel=2)
        return getattr(self.new_target, new_name)


class Status(enum.Enum):
    """Outcome of a call; every failure is raised as ``Exception(Status.X)``."""

    OK = 0
    BUSY = -1
    ERROR = -2
    OUT_OF_MEMORY = -3
    DEVICE_NOT_FOUND = -4
    INVALID_PARAMETERS = -5
    TIMEOUT = -6
    MVCMD_NOT_FOUND = -7
    NOT_ALLOCATED = -8
    UNAUTHORIZED = -9
    UNSUPPORTED_GRAPH_FILE = -10
    UNSUPPORTED_CONFIGURATION_FILE = -11
    UNSUPPORTED_FEATURE = -12
    MYRIAD_ERROR = -13
    INVALID_DATA_LENGTH = -14
    INVALID_HANDLE = -15


class LogLevel(enum.Enum):
    """The least severity that the native library prints."""

    DEBUG = 0
    INFO = 1
    WARN = 2
    ERROR = 3
    FATAL = 4


class GlobalOption(enum.Enum):
    """Options of the library as a whole."""

    RW_LOG_LEVEL = 0
    RO_API_VERSION = 1


class DeviceOption(enum.Enum):
    """Options of a stick, all read-only."""

    RO_THERMAL_STATS = 2000
    RO_THERMAL_THROTTLING_LEVEL = 2001
    RO_DEVICE_STATE = 2002
    RO_CURRENT_MEMORY_USED = 2003
    RO_MEMORY_SIZE = 2004
    RO_MAX_FIFO_NUM = 2005
    RO_ALLOCATED_FIFO_NUM = 2006
    RO_MAX_GRAPH_NUM = 2007
    RO_ALLOCATED_GRAPH_NUM = 2008
    RO_CLASS_LIMIT = 2009
    RO_FW_VERSION = 2010
    RO_DEBUG_INFO = 2011
    RO_MVTENSOR_VERSION = 2012
    RO_DEVICE_NAME = 2013
    RO_MAX_EXECUTORS_NUM = 2014
    RO_HW_VERSION = 2015


class GraphOption(enum.Enum):
    """Options of a graph."""

    RO_GRAPH_STATE = 1000
    RO_TIME_TAKEN = 1001
    RO_INPUT_COUNT = 1002
    RO_OUTPUT_COUNT = 1003
    RO_INPUT_TENSOR_DESCRIPTORS = 1004
    RO_OUTPUT_TENSOR_DESCRIPTORS = 1005
    RO_DEBUG_INFO = 1006
    RO_GRAPH_NAME = 1007
    RO_CLASS_LIMIT = 1008
    RO_GRAPH_VERSION = 1009
    RO_TIME_TAKEN_ARRAY_SIZE = 1011
    RW_EXECUTORS_NUM = 1110


class FifoOption(enum.Enum):
    """Options of a queue of tensors."""

    RW_TYPE = 0
    RW_CONSUMER_COUNT = 1
    RW_DATA_TYPE = 2
    RW_DONT_BLOCK = 3
    RO_CAPACITY = 4
    RO_READ_FILL_LEVEL = 5
    RO_WRITE_FILL_LEVEL = 6
    RO_GRAPH_TENSOR_DESCRIPTOR = 7
    RO_TENSOR_DESCRIPTOR = 7  # the older name of the same option
    RO_STATE = 8
    RO_NAME = 9
    RO_ELEMENT_DATA_SIZE = 10
    RW_HOST_TENSOR_DESCRIPTOR = 11


class DeviceState(enum.Enum):
    """The state of a stick."""

    CREATED = 0
    OPENED = 1
    CLOSED = 2


class GraphState(enum.Enum):
    """The state of a graph."""

    CREATED = 0
    ALLOCATED = 1
    WAITING_FOR_BUFFERS = 2
    RUNNING = 3


class FifoState(enum.Enum):
    """The state of a queue of tensors."""

    CREATED = 0
    ALLOCATED = 1


class FifoType(enum.Enum):
    """Whether the host reads (RO) or writes (WO) a queue."""

    HOST_RO = 0
    HOST_WO = 1


class FifoDataType(enum.Enum):
    """The type that the host writes to or reads from a queue; the stick itself has FP16 only."""

    FP16 = 0
    FP32 = 1


class DeviceHwVersion(enum.Enum):
    """The chip: Myriad 2 (first stick) or Myriad X (second)."""

    MA2450 = 0
    MA2480 = 1


class TensorDescriptor(ctypes.Structure):
    """The shape of a tensor: batch, channels, width, height, total bytes, and strides in bytes."""

    _fields_ = [(name, ctypes.c_uint) for name in (
        'n', 'c', 'w', 'h', 'totalSize', 'cStride', 'wStride', 'hStride', 'dataType')]


def native_name(name: str) -> str:
    """
    Return the part of a graph's or queue's name that the native library keeps.

    :raises UnicodeEncodeError: the name is not ASCII.
    """
    return name.encode('ascii').partition(b'\0')[0][:MAX_NAME_SIZE].decode('ascii')
