# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""What a stick driver offers, and the errors it raises."""

from abc import ABC
from abc import abstractmethod
from typing import NamedTuple
from typing import Optional


def port_of(device_name):
    """
    Return the USB port path in a device name: ``1.2`` of ``1.2-ma2450``.

    It stays when a stick is opened by a process (then the chip after the dash is missing),
    restarted or replugged, so it is what a stick is known by.
    """
    return device_name.partition('-')[0]


class StickError(Exception):
    """A stick cannot be used; the text is one line: what was attempted, on what, the remedy."""


class StickNotFoundError(StickError):
    """No free stick, or not the one asked for."""


class StickLostError(StickError):
    """An opened stick stopped answering."""


class GraphRejectedError(StickError):
    """The stick does not take a graph."""


class ThermalState(NamedTuple):
    """Temperature in degrees Celsius, None when the stick tells none, and throttling level 0-2."""

    celsius: Optional[float]
    throttle_level: int


class Stick(ABC):
    """
    One stick with all its networks loaded.

    ``send`` and ``receive`` may be called from two threads, one each; all else belongs to the
    thread that sends.
    """

    @abstractmethod
    def device_names(self):
        """Return the device names of all sticks of the machine, such as ``1.2-ma2450``."""

    @abstractmethod
    def open_stick(self, wanted):
        """
        Open a stick and load the networks.

        :param wanted: device name, one of :meth:`device_names`.
        :raises StickError: with the remedy.
        """

    @abstractmethod
    def send(self, tensor):
        """
        Give a network input to every network; blocks while the stick can take no more.

        :param tensor: float32 array as :func:`detection.preprocessing.network_input` returns it.
        :raises StickLostError: the stick refused it.
        """

    @abstractmethod
    def receive(self):
        """
        Return the output vectors of the oldest sent input, one per network, waiting for them.

        :raises StickLostError: the stick gave an error instead.
        """

    @abstractmethod
    def thermal_state(self):
        """
        Return the stick's ThermalState, also while it infers.

        :raises StickLostError: the stick gave an error instead.
        """

    @abstractmethod
    def close(self):
        """Release networks and stick; afterwards the object is of no use."""
