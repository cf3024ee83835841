# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The class ``Device`` of the double of the vendor's API."""

import ctypes
import itertools
import time
from typing import Any

from ncs_cluster_detector.simulation.api import process_state
from ncs_cluster_detector.simulation.api.mvnc_enums import DeviceHwVersion
from ncs_cluster_detector.simulation.api.mvnc_enums import DeviceOption
from ncs_cluster_detector.simulation.api.mvnc_enums import DeviceState
from ncs_cluster_detector.simulation.api.mvnc_enums import Status
from ncs_cluster_detector.simulation.stick import stick_memory
from ncs_cluster_detector.simulation.stick.compute_unit import ComputeUnit
from ncs_cluster_detector.simulation.stick.stick_connection import StickConnection
from ncs_cluster_detector.simulation.stick.stick_opening import apply_faults
from ncs_cluster_detector.simulation.stick.stick_opening import LostInBoot
import numpy as np

# Highest option class of a stick. Source: log of a real stick.
_CLASS_LIMIT = 2
_FIRMWARE_VERSION = (2, 10, 0x2450, 1)
_TENSOR_LIBRARY_VERSION = (2, 10, 0, 0)
# The library keeps the other options on the host.
_ASKED_FROM_THE_STICK = (DeviceOption.RO_THERMAL_STATS, DeviceOption.RO_THERMAL_THROTTLING_LEVEL,
                         DeviceOption.RO_CURRENT_MEMORY_USED)

_READERS = {
    DeviceOption.RO_THERMAL_STATS:
        lambda opened: np.array(opened.stick.thermal_readings(), dtype=np.float32),
    DeviceOption.RO_THERMAL_THROTTLING_LEVEL: lambda opened: opened.stick.throttle_level(),
    DeviceOption.RO_CURRENT_MEMORY_USED: lambda opened: opened.unit.memory.bytes_used(),
    DeviceOption.RO_MEMORY_SIZE: lambda opened: stick_memory.MEMORY_BYTES,
    DeviceOption.RO_MAX_FIFO_NUM: lambda opened: stick_memory.MOST_FIFOS,
    DeviceOption.RO_ALLOCATED_FIFO_NUM: lambda opened: len(opened.unit.memory.fifos),
    DeviceOption.RO_MAX_GRAPH_NUM: lambda opened: stick_memory.MOST_GRAPHS,
    DeviceOption.RO_ALLOCATED_GRAPH_NUM: lambda opened: len(opened.unit.memory.graphs),
    DeviceOption.RO_CLASS_LIMIT: lambda opened: _CLASS_LIMIT,
    DeviceOption.RO_FW_VERSION: lambda opened: np.array(_FIRMWARE_VERSION, dtype=np.uint32),
    DeviceOption.RO_MVTENSOR_VERSION:
        lambda opened: np.array(_TENSOR_LIBRARY_VERSION, dtype=np.uint32),
    DeviceOption.RO_MAX_EXECUTORS_NUM: lambda opened: 1,
}

_handles = itertools.count(1)
_links = {}


class _Link:
    """What a handle stands for: a stick, its name when it was listed, and the handle's state."""

    def __init__(self, shared_bus, port, name):
        self.shared_bus = shared_bus
        self.port = port
        self.name = name
        self.state = DeviceState.CREATED
        self.connection = None


def enumerate_devices() -> list[ctypes.c_void_p]:
    """
    Return a list of new handles (``ctypes.c_void_p``), one for each visible stick.

    The first call in a process resets the sticks that a killed process left booted.
    """
    handles = []
    with process_state.lock:
        shared_bus = process_state.initialised_bus()
        for port in shared_bus.ports() if shared_bus is not None else ():
            seen = port.visible()
            if seen is None:
                continue
            state, link = seen
            try:
                apply_faults(state.faults, 'enumerate')
            except Exception:   # the vendor's module takes any error for the end of the list
                break
            handle = ctypes.c_void_p(next(_handles))
            _links[handle.value] = _Link(shared_bus, port, port.name_of(link))
            handles.append(handle)
    return handles


class Device:
    """A stick; every failure is ``Exception(Status.X)``."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        """Wrap a handle from :func:`enumerate_devices`."""
        self.handle = handle
        self.userobjs = {}

    def open(self) -> None:  # noqa: A003 - the vendor's name
        """
        Boot the stick; takes ``boot_ms``, and every other call in the process waits meanwhile.

        A stick that was listed without its chip is ERROR at once; one that is in use or gone is
        ERROR after a while. When it does not come back from its boot in time, another booted stick
        that nobody has open is silently opened instead. When there is none, the call is ERROR
        after a while, which is longer for each stick that has not booted.
        """
        link = self._link()
        process_state.lock.acquire()
        stays_locked = False
        try:
            process_state.initialised_bus()
            link.connection = StickConnection(link.shared_bus, link.port, link.name)
            link.state = DeviceState.OPENED
        except LostInBoot as error:
            stays_locked = link.port.bus.library_faults
            raise Exception(Status.ERROR) from error
        finally:
            if not stays_locked:
                process_state.lock.release()

    def close(self) -> None:
        """Reset the stick; calls that wait for it fail with ERROR."""
        link = self._link()
        with process_state.lock:
            if link.state is not DeviceState.OPENED:
                raise Exception(Status.INVALID_HANDLE)
            link.connection.close()
            link.connection = None
            link.state = DeviceState.CLOSED
        time.sleep(link.port.bus.close_sec)

    def destroy(self) -> None:
        """Close the stick if it is open, and free the handle; a second call does nothing."""
        if not self.handle:
            return
        link = self._link()
        if link.state is DeviceState.OPENED:
            self.close()
        del _links[self.handle.value]
        self.handle = ctypes.c_void_p()

    def compute_unit(self) -> ComputeUnit | None:
        """
        Return the stick's ComputeUnit while it is open, else None; not part of the API.

        Only for allocating on the stick: the library's lock and the faults of ``allocate`` apply.
        """
        connection = self._link().connection
        if connection is None:
            return None
        connection.unit.calls.begin('allocate')
        return connection.unit

    def set_option(self, option: DeviceOption, value: Any) -> None:
        """Fail: no option of a stick can be written."""
        self._link()
        text_or_array = (DeviceOption.RO_THERMAL_STATS, DeviceOption.RO_FW_VERSION,
                         DeviceOption.RO_DEBUG_INFO, DeviceOption.RO_MVTENSOR_VERSION,
                         DeviceOption.RO_DEVICE_NAME, DeviceOption.RO_MAX_EXECUTORS_NUM)
        if option in text_or_array or not isinstance(option, DeviceOption):
            raise Exception(Status.INVALID_PARAMETERS)
        raise Exception(Status.UNAUTHORIZED)

    def get_option(self, option: DeviceOption) -> int | str | np.ndarray:
        """
        Return an option's value: a plain integer, an array, or the name as text.

        RO_THERMAL_STATS is a float32 array of 25 temperatures in degrees Celsius, the current one
        first. Before ``open`` only name, state and chip can be read, others are UNAUTHORIZED.
        """
        link = self._link()
        process_state.wait_for_opening()
        if option is DeviceOption.RO_DEVICE_NAME:
            return link.name
        if option is DeviceOption.RO_DEVICE_STATE:
            return link.state.value
        if option is DeviceOption.RO_HW_VERSION:
            if link.name.endswith('-'):
                raise Exception(Status.INVALID_PARAMETERS)
            return DeviceHwVersion.MA2450.value
        if not isinstance(option, DeviceOption):
            raise Exception(Status.INVALID_PARAMETERS)
        connection = link.connection
        if connection is None:
            raise Exception(Status.UNAUTHORIZED)
        if option is DeviceOption.RO_DEBUG_INFO:
            raise Exception(Status.UNSUPPORTED_FEATURE)
        if option in _ASKED_FROM_THE_STICK:
            connection.unit.calls.begin('option')
        return _READERS[option](connection)

    def _link(self):
        link = _links.get(self.handle.value) if self.handle else None
        if link is None:
            raise Exception(Status.INVALID_HANDLE)
        return link
