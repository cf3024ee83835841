# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a stick's USB side and its firmware share: the lock, the faults, the heat, the journal."""

import math
from pathlib import Path
import threading
import time
from typing import Callable

from fake_usb.options import Options
from fake_usb.recorder import Recorder
from fake_usb.wire_faults import WireFaults

AMBIENT_CELSIUS = 25.0
COOLING_SEC = 120.0
HEATING = 0.35   # degrees for a second of work


class Journal:
    """A log file with the seconds of the monotonic clock."""

    def __init__(self, path: Path) -> None:
        """Append to a file."""
        self._file = path.open('a')
        self._lock = threading.Lock()

    def write(self, *words: object) -> None:
        """Write a line."""
        with self._lock:
            print(f'{time.monotonic():.3f}', *words, file=self._file, flush=True)


def later(seconds: float, work: Callable[[], None]) -> None:
    """Call a function in a thread after a while."""
    timer = threading.Timer(seconds, work)
    timer.daemon = True
    timer.start()


class Chip:
    """The part of a stick that lives on when it is unplugged or booted."""

    def __init__(self, port: str, options: Options, journal: Journal,
                 recorder: Recorder | None = None) -> None:
        """Start cold and without faults."""
        self.port = port
        self.options = options
        self.recorder = recorder
        self.changed = threading.Condition(threading.RLock())   # the stick's only lock
        self.faults: dict[str, float] = {}
        self.wire_faults = WireFaults(later)
        self.inferences = 0
        self._journal = journal
        self._celsius = AMBIENT_CELSIUS
        self._celsius_at = time.monotonic()

    def log(self, *words: object) -> None:
        """Write a line about this stick."""
        self._journal.write(self.port, *words)

    def trace(self, *words: object) -> None:
        """Write a line that only ``--trace`` asks for."""
        if self.options.trace:
            self.log(*words)

    def temperature(self) -> float:
        """Return its temperature now."""
        if 'temp' in self.faults:
            return self.faults['temp']
        now = time.monotonic()
        fading = math.exp(-(now - self._celsius_at) / COOLING_SEC)
        self._celsius = AMBIENT_CELSIUS + (self._celsius - AMBIENT_CELSIUS) * fading
        self._celsius_at = now
        return self._celsius

    def work(self, seconds: float) -> None:
        """Become warmer by an inference."""
        self.temperature()
        self._celsius += seconds * HEATING
