# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The values of a stick that both the detector and a stick server report on ``/diagnostics``."""

from ncs_cluster_detector.supervision.snapshot import StickSnapshot


def stick_values(stick: StickSnapshot, celsius: float | None) -> dict[str, str | int]:
    """Return the values of a stick; ``celsius`` is its temperature, None if that is unknown."""
    return {
        'state': stick.status.state.value,
        'temperature_celsius': 'unknown' if celsius is None else f'{celsius:.1f}',
        'throttle_level': stick.status.throttle_level,
        'duty_60s': f'{stick.duty_60s:.2f}',
        'inferences': stick.inferences,
        'inference_ms_p50': milliseconds(stick.inference_p50_sec),
        'restarts': stick.restarts,
        'last_error': stick.last_error,
        'pid': stick.pid or ''}


def milliseconds(seconds: float | None) -> str:
    """Return a time in milliseconds, or that it is unknown."""
    return 'unknown' if seconds is None else f'{seconds * 1000:.1f}'
