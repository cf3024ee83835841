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

"""The simulated sticks that a process is given, and how they behave."""

from dataclasses import dataclass
import math

MOST_STICKS = 64
LONGEST_MS = 60000.0


@dataclass(frozen=True)
class SimulatedBus:
    """
    A USB bus with simulated sticks, all of the same kind.

    An inference takes ``inference_ms`` on the stick, the way of its input over the bus
    ``transfer_ms`` and the start of a stick ``boot_ms``. A stick under full load warms from
    ``ambient_celsius`` towards ``rise_celsius`` above it, with the time constant
    ``time_constant_sec``.

    :raises ValueError: a value is outside its range; the text names value and range.
    """

    sticks: int = 5
    inference_ms: float = 65.0
    transfer_ms: float = 15.0
    boot_ms: float = 200.0
    ambient_celsius: float = 30.0
    rise_celsius: float = 45.0
    time_constant_sec: float = 120.0

    def __post_init__(self):
        """Check the values."""
        if isinstance(self.sticks, bool) or not isinstance(self.sticks, int):
            raise ValueError(f'sticks={self.sticks!r}: expected a whole number')
        if not 0 <= self.sticks <= MOST_STICKS:
            raise ValueError(f'sticks={self.sticks}: expected 0 to {MOST_STICKS}')
        for name in ('inference_ms', 'transfer_ms', 'boot_ms', 'ambient_celsius',
                     'rise_celsius', 'time_constant_sec'):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise ValueError(f'{name}={value!r}: expected a number')
            if not math.isfinite(value):
                raise ValueError(f'{name}={value}: expected a finite number')
            if name.endswith('_ms') and not 0 <= value <= LONGEST_MS:
                raise ValueError(f'{name}={value}: expected 0 to {LONGEST_MS:g}')
        if self.rise_celsius < 0:
            raise ValueError(f'rise_celsius={self.rise_celsius}: expected 0 or more')
        if self.time_constant_sec <= 0:
            raise ValueError(f'time_constant_sec={self.time_constant_sec}: expected more than 0')

    def device_names(self):
        """
        Return the sticks' names: USB port path and chip, as the vendor's library names them.

        :return: tuple of texts, ``1.1-ma2450``, ``1.2-ma2450`` and so on.
        """
        return tuple(f'1.{port}-ma2450' for port in range(1, self.sticks + 1))
