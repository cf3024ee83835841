# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Simulated sticks that note when they were listed and opened; see :mod:`timed_start`."""

from collections.abc import Sequence

from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.sticks.stick import Stick
from timed_start import noted


class TimedDriver(SimulatedDriver):
    """The driver ``simulated`` with notes."""

    def make_stick(self, graphs: Sequence[bytes]) -> Stick:
        """Return a stick that notes its phases."""
        stick = super().make_stick(graphs)
        stick.device_names = noted('sticks listed', stick.device_names)
        stick.open_stick = noted('stick ready', stick.open_stick)
        return stick
