# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The interface of a driver of sticks; :mod:`registry` lists the drivers."""

from abc import ABC
from abc import abstractmethod
from contextlib import nullcontext
from contextlib import suppress
from typing import Any
from typing import ClassVar
from typing import ContextManager
from typing import Mapping
from typing import Sequence

from ncs_cluster_detector.networks.labels import default_labels
from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbUnavailableError


class Driver(ABC):
    """
    A way to reach sticks: which class drives one, which graphs it runs, and texts about it.

    The detector node makes one object from its parameters. Each worker gets a pickled copy, so it
    holds options and no open device. The node, launch and the workers import its module: import an
    SDK only inside the methods that need it.
    """

    # Name of its sticks, as in 'people on simulated sticks' (the method in vision_info).
    title: ClassVar[str]
    # What its sticks and its graph files are, for the descriptions of the parameters.
    description: ClassVar[str]
    graph_description: ClassVar[str] = 'a graph must be named'
    # The Python module of the vendor's SDK; empty = it needs none.
    sdk_module: ClassVar[str] = ''
    # Message of the diagnostics while there is no stick: what to check.
    no_stick_found: ClassVar[str] = 'no stick found: is one plugged in?'
    # The graph that runs when none is named; empty = one must be named.
    default_graph: ClassVar[str] = ''
    built_in_graphs: ClassVar[tuple[str, ...]] = ()
    # Its own parameters that limit the number of sticks if they are above 0.
    stick_limits: ClassVar[tuple[str, ...]] = ()
    # Modules to load once for all workers, if they are installed; never an SDK.
    preload: ClassVar[tuple[str, ...]] = ()
    # Whether any number of processes may list and open sticks at the same time: opening one needs
    # no list and touches no other stick, and a stick that a killed process left booted is reset by
    # whoever opens it. Then nobody uses :meth:`usb_bus`, and a dead stick is a StickDeadError.
    starts_together: ClassVar[bool] = False
    # Devices of the host that it drives too and that can be the reserve of sticks, such as CPU for
    # openvino:CPU. Its parameter ``<name>.devices`` lists the devices to use.
    reserve_devices: ClassVar[tuple[str, ...]] = ()
    # Whether it boots sticks itself, through pyusb, with the file of the parameter ``firmware``.
    sends_firmware: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> 'Driver':
        """
        Return a driver with its options from ``values``, all parameters of the node by name.

        :raises ValueError: one of them is wrong: ``name=value: rule; what to do``.
        """

    @classmethod
    def most_sticks(cls, values: Mapping[str, Any]) -> tuple[str, int] | None:
        """Return a parameter and how many sticks there can be by its value; None for any."""
        limits = [(name, values[name]) for name in cls.stick_limits if values[name] > 0]
        return min(limits, key=lambda limit: limit[1], default=None)

    @classmethod
    def check_installed(cls) -> None:
        """
        Check that the SDK, if the driver needs one, is installed; do not load it.

        :raises SdkMissingError: it is not: ``driver=<name>: what is missing; what to install``.
        """

    @abstractmethod
    def read_graph(self, name: str) -> bytes:
        """
        Return the content of a graph file in the form that :meth:`make_stick` takes.

        :param name: path of the file, or one of ``built_in_graphs``.
        :raises OSError: it cannot be read.
        :raises ValueError: these sticks cannot run it; the text says why and what to do.
        """

    def identity(self, graph: bytes) -> bytes:
        """Return bytes that are the same wherever the same graph file was read."""
        return graph

    def label_counts(self, graph: bytes) -> range | None:
        """Return how many labels fit a graph, the background with them; None when unknown."""
        return None

    def labels(self, graph: bytes, name: str) -> tuple[str, ...]:
        """Return the labels of a graph, read under a name, for which no label file is named."""
        return default_labels(name)

    def has_background(self, graph: bytes) -> bool:
        """Tell whether class 0 of a graph, line 1 of its label file, is the background."""
        return True

    @abstractmethod
    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """
        Return a Stick that is not open yet; called once in each worker.

        It names sticks ``PLACE-KIND``, such as ``1.2-ma2450``: the place does not change when a
        stick is restarted, and the kind is empty while any process has the stick open.

        :param graphs: the graph files' contents, in the order of the outputs. Take each when it is
            loaded: only then it is read, so that a worker keeps no copy.
        :raises SdkMissingError: the SDK cannot be loaded.
        """

    def usb_bus(self) -> UsbBus | None:
        """
        Return the USB bus on which abandoned sticks are reset, or None if there is none.

        :raises UsbUnavailableError: there is no USB library.
        """
        return None

    def usb_bus_if_usable(self) -> UsbBus | None:
        """Return the bus, or None without a USB library, which the bus cleaner reports."""
        with suppress(UsbUnavailableError):
            return self.usb_bus()
        return None

    def lock(self) -> ContextManager[Any]:
        """Return the lock that a worker holds while it lists the sticks and opens one."""
        return nullcontext()
