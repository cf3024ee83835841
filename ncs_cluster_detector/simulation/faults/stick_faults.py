# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The faults of a simulated stick."""

from dataclasses import dataclass
from dataclasses import replace
import math

from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.simulation.faults import fault_words
from ncs_cluster_detector.simulation.heat.sensor import Sensor


@dataclass(frozen=True)
class StickFaults:
    """
    The faults of a stick; :data:`FAULTS` explains them.

    ``hang`` is a set of calls, ``errors`` a tuple of pairs (call, name of a status), ``garbage``
    one of :data:`GARBAGE` or an empty text, ``told_celsius`` what the sensor reports or None,
    ``sensor`` the :class:`Sensor` otherwise, ``celsius`` a fixed temperature or None, and
    ``cooling`` a factor. A property of die, surroundings or throttling that is None is as on the
    whole bus. ``mute``, ``nak`` and ``swallow`` (in bytes) are states of the program on the stick:
    unlike all others they end when the stick loses power.
    """

    hang: frozenset[str] = frozenset()
    errors: tuple[tuple[str, str], ...] = ()
    slow: float = 1.0
    fail_open: bool = False
    garbage: str = ''
    nan_temperature: bool = False
    told_celsius: float | None = None
    sensor: Sensor = Sensor()
    celsius: float | None = None
    cooling: float = 1.0
    die_rise_celsius: float | None = None
    die_time_constant_sec: float | None = None
    ambient_celsius: float | None = None
    ambient_within_sec: float = 0.0
    throttle_celsius: float | None = None
    slow_boot_sec: float = 0.0
    mute: bool = False
    nak: bool = False
    swallow: int = 0
    no_usb_reset: bool = False
    no_access: bool = False
    unheard: bool = False

    @property
    def silent(self) -> bool:
        """Return whether the stick answers nothing once it has booted."""
        return self.mute or self.nak or bool(self.swallow)

    def hangs(self, call: str) -> bool:
        """Return whether a call never returns."""
        # Calls to a silent stick wait for an answer without a deadline: a write (XLink.c:1157),
        # a read, which frees the place of its result (:1261), a destroy (:1072), and a close,
        # which resets the stick (:1301). Listing and booting ask nothing of the program on it.
        return call in self.hang or (self.silent and call not in ('enumerate', 'open'))

    def after_power_off(self) -> 'StickFaults':
        """Return the faults that are left when the stick has lost power."""
        return replace(self, mute=False, nak=False, swallow=0)

    def status_of(self, call: str) -> Status | None:
        """Return the status with which a call fails, or None."""
        name = dict(self.errors).get(call)
        return None if name is None else Status[name]

    def reported(self, reading: float | None) -> float:
        """
        Return the temperature that the host gets for a sensor's reading in degrees Celsius.

        What a real stick sends without a reading (None) is not known. The host copies it without a
        check (mvnc_api.c:399-428, 1855-1877). A failing call would end the connection, and a
        blocking one means a stick that hangs. So it is not a number here, and older values stay.
        """
        if self.nan_temperature:
            return math.nan
        if self.told_celsius is not None:
            return self.told_celsius
        return math.nan if reading is None else reading

    def with_fault(self, name: str, *arguments: str) -> 'StickFaults':
        """
        Return these faults and one more, in the words of :data:`FAULTS`.

        :raises ValueError: the word does not exist, or its arguments do not fit.
        """
        if name not in fault_words.CHANGES:
            raise ValueError(f"fault '{name}': unknown; expected one of {fault_words.NAMES}")
        change, least, most = fault_words.CHANGES[name]
        if not least <= len(arguments) <= most:
            (usage,) = (usage for usage in fault_words.FAULTS if usage.split()[0] == name)
            raise ValueError(f"'{' '.join((name, *arguments))}': expected {usage}")
        return change(self, *arguments)

    def __str__(self) -> str:
        """Return the faults as a text that :func:`parse_faults` reads."""
        return ', '.join(fault_words.words_of(self))


def parse_faults(text: str) -> StickFaults:
    """Return the :class:`StickFaults` of a text that ``str()`` of one gave."""
    faults = StickFaults()
    for words in filter(None, text.split(', ')):
        faults = faults.with_fault(*words.split())
    return faults
