# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a stick driver offers, and the errors it raises."""

from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from enum import Enum
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.networks.network_input import NetworkInput
import numpy as np
import numpy.typing as npt

# The range that silicon is made for; a value outside is not a temperature.
COLDEST_CELSIUS = -55.0
HOTTEST_CELSIUS = 150.0
HIGHEST_LEVEL = 2   # of throttling
LONGEST_NAME = 100   # characters of a device name; it is a path of USB ports, and a chip


class OpeningStep(Enum):
    """How far the opening of a stick is, in this order."""

    WAITING = 'it has not begun'
    OPENING = 'the USB bus is watched, and the stick boots'
    BOOTED = 'the stick is back from its boot'
    OPENED = 'the stick has answered'
    READY = 'the networks are loaded'


def port_of(device_name: str) -> str:
    """
    Return the USB port path in a device name: ``1.2`` of ``1.2-ma2450``.

    It identifies a stick: it stays the same when the stick is restarted, replugged, or opened by a
    process (then the name has no chip after the dash).
    """
    return device_name.partition('-')[0]


def checked_name(name: object) -> str:
    """
    Return the device name that a library gave.

    :raises ValueError: it cannot be one.
    """
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError(f'{str(name)[:LONGEST_NAME]!r} is no name such as 1.2-ma2450')
    return name


def is_in_use(device_name: str) -> bool:
    """Return whether a listed stick is opened by some process: ``1.2-`` without its chip."""
    return not device_name.partition('-')[2]


class StickError(Exception):
    """
    A stick cannot be used.

    The text is one line: what was attempted, on which stick, what happened, what was expected, and
    the remedy. ``permanent`` means that neither another attempt nor another stick helps.
    """

    permanent = False


class SdkMissingError(StickError):
    """The vendor's SDK is not installed, cannot be loaded, or is of another version."""

    permanent = True


class StickNotFoundError(StickError):
    """The machine does not have the requested stick."""


class PortNotUniqueError(StickError):
    """Two sticks have the same port path, on two USB buses; the SDK cannot tell them apart."""


class StickInUseError(StickError):
    """Another program has opened the stick."""


class StickOpenError(StickError):
    """The stick is there, but does not start."""


class StickDeadError(StickOpenError):
    """The stick has booted and does not answer, not even after a USB reset."""


class WrongStickError(StickOpenError):
    """The library has opened another stick than the requested one."""


class FirmwareMissingError(StickOpenError):
    """The SDK's firmware file for the stick is not where the SDK looks for it."""


class NoPermissionError(StickOpenError):
    """This process may not use the stick's USB device."""


class GraphLoadError(StickError):
    """A graph could not be loaded onto the stick; the file need not be the reason."""


class GraphRejectedError(GraphLoadError):
    """The graph file is unusable, on every stick."""

    permanent = True


class StickLostError(StickError):
    """A stick stopped answering."""


class ThermalState(NamedTuple):
    """Temperature in degrees Celsius (None when there is no reading) and throttling level 0-2."""

    celsius: float | None
    throttle_level: int

    @classmethod
    def checked(cls, celsius: float, level: float) -> 'ThermalState':
        """
        Return what a stick tells; an impossible value becomes None or 0.

        Exactly 0.0 degrees means that it was never filled in: a running chip is warmer than its
        surroundings, which must not be below 0. Taken for a reading it would make the stick look
        the coolest.
        """
        is_temperature = celsius != 0.0 and COLDEST_CELSIUS <= celsius <= HOTTEST_CELSIUS
        return cls(celsius if is_temperature else None,
                   int(level) if 0 <= level <= HIGHEST_LEVEL else 0)


class Stick(ABC):
    """
    One stick with all its networks loaded.

    Three threads may use an open stick at the same time: one calls :meth:`send`, one
    :meth:`receive`, one :meth:`thermal_state` and :meth:`device_names`. Only one thread may call
    :meth:`open_stick` and :meth:`close`, while no other is in a call. After any error the process
    must end. When the library has failed (``has_failed``), the stick can no longer be used or
    closed; after another error it can still be closed.
    """

    has_failed = False
    # Whether it can ever tell a temperature; without one, none is missed.
    has_thermometer = True

    @property
    def inputs(self) -> Sequence[NetworkInput]:
        """Return the form of each network's input, once the stick is open."""
        return [NetworkInput(size) for size in self.input_sizes]

    @property
    @abstractmethod
    def input_sizes(self) -> list[tuple[int, int]]:
        """Return (width, height) in pixels of each network's input, once the stick is open."""

    @abstractmethod
    def device_names(self) -> list[str]:
        """
        Return the device names of all sticks of the machine, such as ``1.2-ma2450``.

        :raises StickLostError: the library gave an error instead.
        """

    @abstractmethod
    def open_stick(
            self, wanted: str, other_ports: Iterable[str] = (),
            tell: Callable[[OpeningStep], object] = lambda step: None) -> None:
        """
        Open a stick and load the networks.

        :param wanted: device name, one of :meth:`device_names`; the port counts, not the chip.
        :param other_ports: the USB ports of all other known sticks.
        :param tell: called once with each of the steps OPENING, BOOTED and OPENED, in this order,
            from any thread; the first two only where the USB bus can be watched.
        :raises GraphRejectedError: a graph is not one of this API, does not take a picture of
            three channels, or cannot be a detector.
        :raises StickError: anything else.
        """

    @abstractmethod
    def send(self, tensors: Sequence[npt.NDArray[Any]]) -> None:
        """
        Give every network its input; block while the stick can take no more.

        :param tensors: one array per network, of the form in :attr:`inputs`.
        :raises StickLostError: the stick refused one.
        :raises GraphRejectedError: a network takes another input size than its graph says.
        """

    @abstractmethod
    def receive(self) -> list[npt.NDArray[np.float32]]:
        """
        Return the output vectors of the oldest sent input, one per network, waiting for them.

        :return: list of flat float arrays, in the order of the networks.
        :raises StickLostError: the stick gave an error instead.
        """

    @abstractmethod
    def thermal_state(self) -> ThermalState:
        """
        Return the stick's ThermalState, also while it infers.

        :raises StickLostError: the stick gave an error instead.
        """

    @abstractmethod
    def close(self) -> None:
        """
        Wait for the results that are under way, then release networks and stick for good.

        After an error of the library this does nothing.
        """
