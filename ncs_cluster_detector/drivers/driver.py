# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a driver of sticks must give; the drivers there are stand in :mod:`registry`."""

from abc import ABC
from abc import abstractmethod
from contextlib import nullcontext
from contextlib import suppress
from typing import Any
from typing import ClassVar
from typing import ContextManager
from typing import Mapping
from typing import Optional
from typing import Sequence
from typing import Tuple

from ncs_cluster_detector.sticks.stick import Stick
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.usb_bus import UsbUnavailableError


class Driver(ABC):
    """
    A way to reach sticks: which class drives one, what runs on it, what a person reads of it.

    The detector node makes one object from its parameters. Each worker gets a pickled copy, so it
    holds options and no open device. The node, launch and the workers import its module: an SDK
    is imported inside the methods that need it.
    """

    # Of its sticks, as in 'people on simulated sticks' (the method in vision_info).
    title: ClassVar[str]
    # What the sticks are, and what its graph files are, for the descriptions of the parameters.
    description: ClassVar[str]
    graph_description: ClassVar[str] = 'a graph must be named'
    # The Python module of the vendor's SDK; empty = it needs none.
    sdk_module: ClassVar[str] = ''
    # The diagnostics' message while there is no stick: what to look at.
    no_stick_found: ClassVar[str] = 'no stick found: is one plugged in?'
    # What runs when no graph is named; empty = one must be.
    default_graph: ClassVar[str] = ''
    built_in_graphs: ClassVar[Tuple[str, ...]] = ()
    # Its own parameters that limit the number of sticks, where they are above 0.
    stick_limits: ClassVar[Tuple[str, ...]] = ()
    # Modules that all workers share, loaded once; never an SDK. What is missing is left out.
    preload: ClassVar[Tuple[str, ...]] = ()

    @classmethod
    @abstractmethod
    def from_parameters(cls, values: Mapping[str, Any]) -> 'Driver':
        """
        Return a driver with the options that the node's parameters give.

        :param values: all parameters, by name.
        """

    @classmethod
    def check_installed(cls) -> None:
        """
        Check, without loading it, that the SDK is there, if the driver needs one.

        :raises SdkMissingError: it is not: ``driver=<name>: what is missing; what to install``.
        """

    @abstractmethod
    def read_graph(self, name: str) -> bytes:
        """
        Return the content of a graph file, as :meth:`make_stick` takes it.

        :param name: path of the file, or one of ``built_in_graphs``.
        :raises OSError: it cannot be read.
        :raises ValueError: these sticks cannot run it; the text tells why and what to do.
        """

    def label_counts(self, graph: bytes) -> Optional[range]:
        """Return how many labels fit a graph, or None when nobody knows."""
        return None

    @abstractmethod
    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """
        Return a Stick that is not open yet; called once in each worker.

        It names sticks ``PLACE-KIND``, such as ``1.2-ma2450``: the place stays when a stick is
        restarted, and the kind is empty while any process has the stick open.

        :param graphs: the graph files' contents, in the order of the outputs.
        :raises SdkMissingError: the SDK cannot be loaded.
        """

    def usb_bus(self) -> Optional[UsbBus]:
        """
        Return the USB bus with the sticks, on which abandoned ones are reset; None for none.

        :raises UsbUnavailableError: there is no USB library.
        """
        return None

    def usb_bus_if_usable(self) -> Optional[UsbBus]:
        """Return the same, or None when there is no USB library, which the bus cleaner reports."""
        with suppress(UsbUnavailableError):
            return self.usb_bus()
        return None

    def lock(self) -> ContextManager[Any]:
        """Return what a worker holds while it lists the sticks and opens one."""
        return nullcontext()
