# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The class ``Device`` of the vendor's API."""

from collections.abc import Callable
import ctypes
import itertools
from typing import Any

from ncs_cluster_detector.mvnc.api.enums import DeviceHwVersion
from ncs_cluster_detector.mvnc.api.enums import DeviceOption
from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.mvnc.api.sticks import ListedStick
from ncs_cluster_detector.mvnc.api.sticks import OpenStick
import numpy as np
import numpy.typing as npt

_READERS: dict[DeviceOption, Callable[[OpenStick], int | npt.NDArray[Any]]] = {
    DeviceOption.RO_THERMAL_STATS:
        lambda stick: np.array(stick.thermal_readings(), dtype=np.float32),
    DeviceOption.RO_THERMAL_THROTTLING_LEVEL: lambda stick: stick.throttle_level(),
    DeviceOption.RO_CURRENT_MEMORY_USED: lambda stick: stick.memory_used(),
    DeviceOption.RO_MEMORY_SIZE: lambda stick: stick.capabilities.memory_bytes,
    DeviceOption.RO_MAX_FIFO_NUM: lambda stick: stick.capabilities.most_fifos,
    DeviceOption.RO_ALLOCATED_FIFO_NUM: lambda stick: stick.allocated_fifos(),
    DeviceOption.RO_MAX_GRAPH_NUM: lambda stick: stick.capabilities.most_graphs,
    DeviceOption.RO_ALLOCATED_GRAPH_NUM: lambda stick: stick.allocated_graphs(),
    DeviceOption.RO_CLASS_LIMIT: lambda stick: stick.capabilities.class_limit,
    DeviceOption.RO_FW_VERSION:
        lambda stick: np.array(stick.capabilities.firmware_version, dtype=np.uint32),
    DeviceOption.RO_MVTENSOR_VERSION:
        lambda stick: np.array(stick.capabilities.tensor_version, dtype=np.uint32),
    DeviceOption.RO_MAX_EXECUTORS_NUM: lambda stick: stick.capabilities.most_executors,
}
# By the part of a name behind the dash; it is empty while the stick is in use.
_CHIPS = {'ma2450': DeviceHwVersion.MA2450, 'ma2480': DeviceHwVersion.MA2480}

_handles = itertools.count(1)
_listed: dict[int, ListedStick] = {}


def new_handle(stick: ListedStick) -> ctypes.c_void_p:
    """Return a new handle of a stick, for :class:`Device`; not part of the API."""
    number = next(_handles)
    _listed[number] = stick
    return ctypes.c_void_p(number)


class Device:
    """A stick; every failure is ``Exception(Status.X)``."""

    def __init__(self, handle: ctypes.c_void_p) -> None:
        """Wrap a handle from ``enumerate_devices``."""
        self.handle = handle
        self.userobjs: dict[int, Any] = {}

    def open(self) -> None:  # noqa: A003 - the vendor's name
        """Boot the stick; one that was listed without its chip is ERROR at once."""
        self._stick().open()

    def close(self) -> None:
        """Reset the stick; calls that wait for it fail with ERROR."""
        self._stick().close()

    def destroy(self) -> None:
        """Close the stick if it is open, and free the handle; a second call does nothing."""
        if not self.handle:
            return
        stick = self._stick()
        if stick.opened is not None:
            self.close()
        del _listed[self.handle.value or 0]
        self.handle = ctypes.c_void_p()

    def opened_stick(self) -> OpenStick | None:
        """Return what is below an open stick, or None if it is not open; not part of the API."""
        return self._stick().opened

    def set_option(self, option: DeviceOption, value: Any) -> None:
        """Fail: no option of a stick can be written."""
        self._stick()
        text_or_array = (DeviceOption.RO_THERMAL_STATS, DeviceOption.RO_FW_VERSION,
                         DeviceOption.RO_DEBUG_INFO, DeviceOption.RO_MVTENSOR_VERSION,
                         DeviceOption.RO_DEVICE_NAME, DeviceOption.RO_MAX_EXECUTORS_NUM)
        if option in text_or_array or not isinstance(option, DeviceOption):
            raise Exception(Status.INVALID_PARAMETERS)
        raise Exception(Status.UNAUTHORIZED)

    def get_option(self, option: DeviceOption) -> int | str | npt.NDArray[Any]:
        """
        Return an option's value: a plain integer, an array, or the name as text.

        RO_THERMAL_STATS is a float32 array of 25 temperatures in degrees Celsius, the current one
        first. Before ``open`` only name, state and chip can be read, others are UNAUTHORIZED.
        """
        stick = self._stick()
        stick.wait_for_opening()
        if option is DeviceOption.RO_DEVICE_NAME:
            return stick.name
        if option is DeviceOption.RO_DEVICE_STATE:
            return int(stick.state.value)
        if option is DeviceOption.RO_HW_VERSION:
            chip = _CHIPS.get(stick.name.partition('-')[2])
            if chip is None:
                raise Exception(Status.INVALID_PARAMETERS)
            return int(chip.value)
        if not isinstance(option, DeviceOption):
            raise Exception(Status.INVALID_PARAMETERS)
        opened = stick.opened
        if opened is None:
            raise Exception(Status.UNAUTHORIZED)
        if option is DeviceOption.RO_DEBUG_INFO:
            raise Exception(Status.UNSUPPORTED_FEATURE)
        return _READERS[option](opened)

    def _stick(self) -> ListedStick:
        stick = _listed.get(self.handle.value or 0) if self.handle else None
        if stick is None:
            raise Exception(Status.INVALID_HANDLE)
        return stick
