# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The settings of the plugin for NCS 2 that the double obeys, and those it accepts."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

from ncs_cluster_detector.simulation.openvino.opening import DEFAULT_CONNECT_TIMEOUT_SEC

_MOST_EXECUTORS = 3   # DeviceResources::numStreams
# As the range of requests says, which is 1 more to 3 times as many: (3, 6, 1), myriad_metrics.cpp.
_DEFAULT_EXECUTORS = 2
_STREAMS = ('MYRIAD_THROUGHPUT_STREAMS', 'NUM_STREAMS')
_YES = {'YES': True, 'NO': False, 'True': True, 'False': False}
_OBEYED = {'MYRIAD_WATCHDOG', 'MYRIAD_DEVICE_CONNECT_TIMEOUT', 'PERFORMANCE_HINT',
           'PERFORMANCE_HINT_NUM_REQUESTS', *_STREAMS}
# MYRIAD_ENABLE_FORCE_RESET changes nothing in 2022.3 either: what compiles a network gives its
# executor a false in its place (myriad_executable_network.cpp).
_ACCEPTED = {'MYRIAD_ENABLE_FORCE_RESET', 'MYRIAD_ENABLE_HW_ACCELERATION', 'MYRIAD_PROTOCOL',
             'MYRIAD_POWER_MANAGEMENT', 'MYRIAD_ENABLE_ASYNC_DMA', 'MYRIAD_DDR_TYPE',
             'LOG_LEVEL', 'PERF_COUNT', 'DEVICE_ID'}


@dataclass(frozen=True)
class PluginConfig:
    """The settings as they were given, all as texts."""

    values: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the values."""
        for name, value in self.values.items():
            if name not in _OBEYED | _ACCEPTED:
                raise RuntimeError(f'setting {name} of MYRIAD: unsupported key; expected one of '
                                   f'{", ".join(sorted(_OBEYED | _ACCEPTED))}')
            if name == 'MYRIAD_WATCHDOG' and value not in _YES:
                raise RuntimeError(f'setting {name} of MYRIAD: {value!r}, expected YES or NO')
            if name in ('MYRIAD_DEVICE_CONNECT_TIMEOUT', *_STREAMS) and not value.isdigit():
                raise RuntimeError(f'setting {name} of MYRIAD: {value!r}, expected a whole number')
            if name in _STREAMS and not 1 <= int(value) <= _MOST_EXECUTORS:
                raise RuntimeError(f'setting {name} of MYRIAD: {value}, expected 1 to '
                                   f'{_MOST_EXECUTORS}')

    def with_values(self, values: Mapping[str, Any]) -> 'PluginConfig':
        """Return these settings and others; those count more."""
        return PluginConfig({**self.values, **{name: str(getattr(value, 'name', value))
                                               for name, value in values.items()}})

    @property
    def watchdog(self) -> bool:
        """Return whether a stick resets itself without its process (watchdog_interval.cpp)."""
        return _YES[self.values.get('MYRIAD_WATCHDOG', 'YES')]

    @property
    def connect_timeout_sec(self) -> float:
        """Return how long a boot may take, in seconds of a real stick."""
        return float(self.values.get('MYRIAD_DEVICE_CONNECT_TIMEOUT',
                                     DEFAULT_CONNECT_TIMEOUT_SEC))

    @property
    def executors(self) -> int:
        """Return how many inferences the stick is prepared for (myriad_executable_network.cpp)."""
        for name in _STREAMS:
            if name in self.values:
                return int(self.values[name])
        return 1 if self.values.get('PERFORMANCE_HINT') == 'LATENCY' else _DEFAULT_EXECUTORS

    @property
    def optimal_requests(self) -> int:
        """Return how many requests keep the stick busy (the same file, GetMetric)."""
        optimal = 2 * self.executors
        if self.values.get('PERFORMANCE_HINT', 'THROUGHPUT') != 'THROUGHPUT':
            optimal = 1
        most = int(self.values.get('PERFORMANCE_HINT_NUM_REQUESTS', 0))
        return min(optimal, most) if most else optimal
