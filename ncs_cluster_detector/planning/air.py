# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The air around the sticks, and how much warmer than the air a resting stick is."""

from collections.abc import Collection
from dataclasses import dataclass
from dataclasses import replace

from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel

# How much warmer (C) than the air an open, resting stick is: an assumption, for nobody has
# published it, nor what such a stick draws. In a room of 25 C a stick at full load ends at about
# 72 C by a user's report of 60 C after an hour at two thirds of it
# (ncsforum.movidius.com/discussion/comment/4720); with this rise and the usual one it is 75 C.
IDLE_RISE_CELSIUS = 5.0
_ROOM_CELSIUS = ThermalModel().idle_celsius - IDLE_RISE_CELSIUS


@dataclass(frozen=True)
class Air:
    """
    The air around each stick in C, and by how much a resting stick is warmer.

    ``origin`` and ``rise_origin`` say where these come from, in a word or two.
    """

    celsius: tuple[float, ...]
    idle_rises: tuple[float, ...]
    origin: str
    rise_origin: str

    def in_words(self) -> str:
        """Return one line of text."""
        idle = [air + rise for air, rise in zip(self.celsius, self.idle_rises)]
        return (f'air {span(self.celsius)} °C ({self.origin}), an idle stick '
                f'{span(self.idle_rises)} °C warmer ({self.rise_origin}): {span(idle)} °C')


def put_into_air(constants: list[ThermalModel], ambient: list[float] | None,
                 idle_rises: list[float] | None,
                 are_fitted: bool) -> tuple[list[ThermalModel], Air]:
    """
    Return the ThermalModel of each stick in the air that was asked for, and the Air.

    Sticks that were fitted to a recording stay as they are without ``ambient``: the air then
    follows from the rise. With it they keep their differences when idle, unless their rise above
    the air is given.

    :param constants: one for each stick, and so are the others.
    :param ambient: temperatures of the air in C.
    :param idle_rises: by how much an idle stick is warmer, in C.
    :param are_fitted: whether the constants come from a recording.
    """
    rise_origin = 'assumed, see --idle-rise' if idle_rises is None else '--idle-rise'
    rises = idle_rises or [IDLE_RISE_CELSIUS] * len(constants)
    mean_idle = sum(stick.idle_celsius for stick in constants) / len(constants)
    if are_fitted and ambient is None:
        air = mean_idle - sum(rises) / len(rises)
        return constants, Air((air,) * len(constants), tuple(
            stick.idle_celsius - air for stick in constants),
            'as recorded, by the mean of the next figure', rise_origin)
    origin = 'assumed, see --ambient' if ambient is None else '--ambient'
    air = ambient or [_ROOM_CELSIUS] * len(constants)
    if are_fitted and idle_rises is None:
        rises = [rise + stick.idle_celsius - mean_idle for stick, rise in zip(constants, rises)]
    return [replace(stick, idle_celsius=celsius + rise)
            for stick, celsius, rise in zip(constants, air, rises)], Air(
                tuple(air), tuple(rises), origin, rise_origin)


def span(values: Collection[float]) -> str:
    """Return the least and the greatest of some values as a text."""
    return ' to '.join(dict.fromkeys(f'{value:.1f}' for value in (min(values), max(values))))
