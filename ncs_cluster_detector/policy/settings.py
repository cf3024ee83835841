# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The settings that can change while the cluster works."""

from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from functools import cached_property
from typing import TypeVar

COOLEST = 'coolest'
ROUND_ROBIN = 'round_robin'
POLICIES = (COOLEST, ROUND_ROBIN)
MOST_STICKS = 64   # of one cluster
MOST_WEIGHT = MOST_FPS = 1000.0   # of a camera
WHOLE = (0.0, 0.0, 1.0, 1.0)   # the region of a picture that is all of it
_T = TypeVar('_T', int, float)


def _number(default: _T, low: _T, high: _T) -> _T:
    """Return a field of Settings: a number with its default and limits, both included."""
    return field(default=default, metadata={'limits': (low, high)})


def _numbers(low: float, high: float) -> tuple[float, ...]:
    """Return a field of Settings: a number for each camera, or none; with its limits."""
    limits = {'limits': (low, high)}
    numbers: tuple[float, ...] = field(default=(), metadata=limits)
    return numbers


@dataclass(frozen=True)
class Settings:
    """
    The settings of the rotation, the dispatch and the publishing.

    Temperatures are in degrees Celsius, ``_ms`` are milliseconds, ``score_threshold`` is 0 to 1.
    ``class_thresholds`` has pairs of a label and its own threshold. Those that begin with
    ``camera_`` have a value for each camera, or none; a region is ``(x, y, width, height)`` in
    fractions of the picture. The same names and defaults are the node's parameters.
    """

    cluster_size: int = _number(0, 0, MOST_STICKS)
    cluster_switch_cycle_ms: int = _number(10000, 0, 3600000)
    switch_temperature: float = _number(65.0, 20.0, 95.0)
    resume_margin: float = _number(5.0, 0.0, 40.0)
    critical_margin: float = _number(10.0, 0.0, 40.0)
    min_dwell_ms: int = _number(2000, 0, 600000)
    rotation_policy: str = COOLEST
    score_threshold: float = _number(0.6, 0.0, 1.0)
    class_thresholds: tuple[tuple[str, float], ...] = ()
    class_filter: tuple[str, ...] = ()
    camera_weights: tuple[float, ...] = _numbers(0.0, MOST_WEIGHT)
    camera_max_fps: tuple[float, ...] = _numbers(0.0, MOST_FPS)
    camera_regions: tuple[tuple[float, float, float, float], ...] = ()
    max_frame_age_ms: int = _number(500, 0, 600000)
    depth_timeout_ms: int = _number(200, 0, 5000)
    reserve_below: int = _number(1, 1, MOST_STICKS)
    enabled: bool = True

    @property
    def heat_balance(self) -> tuple[object, ...]:
        """Return the settings that heat loss depends on; a measurement holds only for them."""
        return (self.enabled, self.cluster_size, self.cluster_switch_cycle_ms,
                self.switch_temperature, self.resume_margin, self.critical_margin,
                self.min_dwell_ms, self.rotation_policy)

    @property
    def resume_temperature(self) -> float:
        """Return the temperature below which a relieved stick may work again."""
        return self.switch_temperature - self.resume_margin

    @property
    def critical_temperature(self) -> float:
        """Return the temperature from which a stick rests even if the cluster shrinks."""
        return self.switch_temperature + self.critical_margin

    def is_hot(self, celsius: float | None) -> bool:
        """Tell whether a reading asks for relief; an unknown one (None) does not."""
        return celsius is not None and celsius >= self.switch_temperature

    def is_critical(self, celsius: float | None) -> bool:
        """Tell whether a reading forbids work; an unknown one (None) does not."""
        return celsius is not None and celsius >= self.critical_temperature

    def wants(self, label: str, score: float) -> bool:
        """Tell whether a detection with this label and score, 0 to 1, is to be published."""
        return score >= self._thresholds.get(label, self.score_threshold) and (
            not self.class_filter or label in self.class_filter)

    @cached_property
    def _thresholds(self) -> dict[str, float]:
        return dict(self.class_thresholds)

    @cached_property
    def greatest_weight(self) -> float:
        """Return the greatest weight of a camera."""
        return max(self.camera_weights, default=1.0)

    def weight(self, camera: int) -> float:
        """Return the weight of a camera, by its index; 0 = only what the others leave."""
        return self.camera_weights[camera] if self.camera_weights else 1.0

    def max_fps(self, camera: int) -> float:
        """Return the most frames of a camera to infer a second; 0 = no limit."""
        return self.camera_max_fps[camera] if self.camera_max_fps else 0.0

    def region(self, camera: int) -> tuple[float, float, float, float]:
        """Return which part of a camera's pictures the networks see."""
        return self.camera_regions[camera] if self.camera_regions else WHOLE


# The least and the greatest value of each number among the settings.
LIMITS: dict[str, tuple[float, float]] = {
    each.name: each.metadata['limits'] for each in fields(Settings) if each.metadata}
