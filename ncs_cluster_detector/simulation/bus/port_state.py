# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What was done to a USB port of the simulated bus from outside, as a text for its memory."""

from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
import functools

from ncs_cluster_detector.simulation.faults.stick_faults import parse_faults
from ncs_cluster_detector.simulation.faults.stick_faults import StickFaults


@dataclass(frozen=True)
class PortState:
    """
    What was done to a port from outside.

    ``plugs`` counts the devices that the port has had. After an unplug and a plug, and after a
    reset by a process that did not have it open, the stick is a new USB device, and no process
    has it open.
    """

    plugged: bool = False
    plugs: int = 0
    faults: StickFaults = field(default_factory=StickFaults)

    def as_text(self) -> str:
        """Return the state in words."""
        return f'{"plugged" if self.plugged else "empty"} {self.plugs}: {self.faults}'

    @classmethod
    @functools.lru_cache(maxsize=64)   # read several times for each inference, seldom changed
    def from_text(cls, text: str) -> 'PortState':
        """Return the state that :meth:`as_text` gave."""
        place, _, faults = text.partition(':')
        plugged, plugs = place.split()
        return cls(plugged == 'plugged', int(plugs), parse_faults(faults.strip()))

    def after(self, path: str, word: str, *arguments: str) -> 'PortState':
        """
        Return the state after a word of :data:`fault_words.FAULTS`.

        :param path: USB port path, for error texts.
        :raises ValueError: the word does not fit, or the port is empty (or, for plug, is not).
        """
        if word not in ('plug', 'unplug'):
            faults = self.faults.with_fault(word, *arguments)
            if not self.plugged and word != 'clear':
                raise ValueError(f'port {path} is empty: plug a stick in first')
            return replace(self, faults=faults)
        if arguments:
            raise ValueError(f"'{word} {' '.join(arguments)}': expected {word} alone")
        if self.plugged == (word == 'plug'):
            raise ValueError(f'port {path} is {"in use" if self.plugged else "empty"}: '
                             f'{"unplug" if self.plugged else "plug"} its stick first')
        return PortState(not self.plugged, self.plugs + (word == 'plug'),
                         self.faults.after_power_off())

    def after_reset(self) -> 'PortState':
        """Return the state after a reset over USB, which ends the program on the stick."""
        return PortState(self.plugged, self.plugs + 1, self.faults.after_power_off())
