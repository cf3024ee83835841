# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The properties of a simulated bus: the number of its sticks, their times and their heat."""

from dataclasses import dataclass
from dataclasses import fields
import math

from ncs_cluster_detector.simulation.heat.body import Body
from ncs_cluster_detector.simulation.heat.body import Hub

MOST_STICKS = 64
# A stick's name is its USB port path, all on one hub, and its chip.
PORTS = tuple(f'1.{number}' for number in range(1, MOST_STICKS + 1))
# Those of the first and the second stick (usb_boot.c, supportedDevices).
CHIPS = ('ma2450', 'ma2480')
LONGEST_MS = 60000.0
MOST_MB_PER_SEC = 10000.0
# Source: the limit that the vendor's first library version sent to the stick, with a second one
# ten degrees above. The limits inside the later firmware are not published; users report that
# sticks slow down from 70 on.
LOWER_GUARD_CELSIUS = 85.0
LONGEST_WATCHDOG_SEC = 86400.0
LEFTOVERS = ('none', 'abort', 'hang')

# Times of a real stick of the first generation in seconds; here all of them scale with boot_ms.
# Source: the vendor's host library run against an imitated stick that boots in 0.3 s; a logged
# real stick took 1.47 s to open.
_REAL_OPEN_SEC = 1.4
_REAL_CLOSE_SEC = 1.0
_REAL_FAILED_OPEN_SEC = 2.1
_REAL_LOST_BOOT_SEC = 5.0


@dataclass(frozen=True)
class BusSpec:
    """
    A USB bus with simulated sticks, all of the same kind.

    An inference takes ``inference_ms`` on the stick, and its input takes ``transfer_ms`` or more
    on the bus: all sticks share a bus of ``usb_mb_per_sec`` (10^6 bytes a second; 0 = no limit),
    which carries one input after the other. Real ones: 30 to 40 for USB 2, 300 for USB 3.

    Opening a stick takes ``boot_ms``. Other times scale with it. With 1400, about the value of a
    real stick, closing takes 1.0 s; opening one that is gone or in use fails after 2.1 s, and one
    that does not come back from its boot after 5 s.

    The case of a stick under full load warms from ``ambient_celsius`` towards ``rise_celsius``
    above it, with the time constant ``time_constant_sec``; its die, where the sensor is, towards
    ``die_rise_celsius`` above the case with ``die_time_constant_sec``. All ``sticks`` together
    warm their common hub, and with it themselves, towards ``hub_rise_celsius`` with
    ``hub_time_constant_sec``. No such values of real sticks are published, so by default die and
    hub add nothing. From ``throttle_celsius`` a stick makes short pauses, and from ten degrees
    above long ones.

    ``library_faults`` adds two faults of the vendor's library: the 17th opening in a process
    aborts it, and after a stick that did not come back from its boot the library of that process
    stays locked for ever.

    ``leftovers`` says what happens with answers and results that a stick still has for a killed
    process. With ``none`` it drops them when the next process connects to it. Otherwise that
    process takes one of them for its own answer: it dies of it (SIGABRT) with ``abort``, and waits
    for ever with ``hang``. The vendor's library is known, but not whether real sticks
    keep the answers, so the default is a bad case.

    ``chip`` is part of a stick's name until it boots.

    ``watchdog_sec`` is how long a stick that OpenVINO has booted waits for the next sign of life
    of its process before it resets itself. OpenVINO gives one a second. When the firmware loses
    patience is not published; the host itself takes a stick for dead after 12 s (OpenVINO 2022.3,
    xlink_device.cpp, kDeviceHangTimeout). A stick of the other API has no watchdog.

    :raises ValueError: a value is outside its range; the text names value and range.
    """

    sticks: int = 5
    inference_ms: float = 65.0
    transfer_ms: float = 15.0
    boot_ms: float = 200.0
    ambient_celsius: float = 30.0
    rise_celsius: float = Body.rise_celsius
    time_constant_sec: float = Body.time_constant_sec
    die_rise_celsius: float = Body.die_rise_celsius
    die_time_constant_sec: float = Body.die_time_constant_sec
    hub_rise_celsius: float = Hub.rise_celsius
    hub_time_constant_sec: float = Hub.time_constant_sec
    throttle_celsius: float = LOWER_GUARD_CELSIUS
    usb_mb_per_sec: float = 0.0
    library_faults: bool = False
    leftovers: str = 'abort'
    chip: str = CHIPS[0]
    watchdog_sec: float = 12.0

    def __post_init__(self) -> None:
        """Check the values."""
        if isinstance(self.sticks, bool) or not isinstance(self.sticks, int):
            raise ValueError(f'sticks={self.sticks!r}: expected a whole number')
        if not 0 <= self.sticks <= MOST_STICKS:
            raise ValueError(f'sticks={self.sticks}: expected 0 to {MOST_STICKS}')
        for name in (field.name for field in fields(self) if field.type is float):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError(f'{name}={value!r}: expected a number')
            if not abs(value) < math.inf:   # math.isfinite takes no whole number beyond
                raise ValueError(f'{name}={value}: expected a finite number')
            if name.endswith('_ms') and not 0 <= value <= LONGEST_MS:
                raise ValueError(f'{name}={value}: expected 0 to {LONGEST_MS:g}')
            if name.endswith('rise_celsius') and value < 0:
                raise ValueError(f'{name}={value}: expected 0 or more')
            if name.endswith('time_constant_sec') and value <= 0:
                raise ValueError(f'{name}={value}: expected more than 0')
        if not 0 <= self.usb_mb_per_sec <= MOST_MB_PER_SEC:
            raise ValueError(f'usb_mb_per_sec={self.usb_mb_per_sec}: expected 0 to '
                             f'{MOST_MB_PER_SEC:g}')
        if not isinstance(self.library_faults, bool):
            raise ValueError(f'library_faults={self.library_faults!r}: expected True or False')
        if self.leftovers not in LEFTOVERS:
            raise ValueError(f'leftovers={self.leftovers!r}: expected one of '
                             f'{", ".join(LEFTOVERS)}')
        if self.chip not in CHIPS:
            raise ValueError(f'chip={self.chip!r}: expected one of {", ".join(CHIPS)}')
        if not 0 < self.watchdog_sec <= LONGEST_WATCHDOG_SEC:
            raise ValueError(f'watchdog_sec={self.watchdog_sec}: expected more than 0, '
                             f'{LONGEST_WATCHDOG_SEC:g} at most')

    @property
    def open_sec(self) -> float:
        """Return how long a stick takes to boot, in seconds."""
        return self.boot_ms / 1000.0

    @property
    def close_sec(self) -> float:
        """Return how long a stick takes to be closed, in seconds."""
        return self.open_sec * _REAL_CLOSE_SEC / _REAL_OPEN_SEC

    @property
    def failed_open_sec(self) -> float:
        """Return the time until the opening of a stick that is gone or in use fails, in sec."""
        return self.open_sec * _REAL_FAILED_OPEN_SEC / _REAL_OPEN_SEC

    @property
    def lost_boot_sec(self) -> float:
        """Return how long an opening waits for the stick to come back from its boot, in sec."""
        return self.open_sec * _REAL_LOST_BOOT_SEC / _REAL_OPEN_SEC
