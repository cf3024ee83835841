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

"""What the detector node says about its sticks on ``/diagnostics``."""

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from ncs_cluster_detector.policy.stick_status import StickState

NO_IMAGE_WARN_SEC = 5.0


def statuses(snapshot, driver, now, bad_images, bad_depth_images=0):
    """
    Return the DiagnosticStatus of the cluster and of every stick.

    :param snapshot: the supervisor's Snapshot.
    :param driver: the driver parameter.
    :param now: seconds of the monotonic clock.
    :param bad_images: Image messages that could not be used; they count as dropped frames.
    :param bad_depth_images: depth images that could not be used.
    """
    return [_cluster(snapshot, driver, now, bad_images, bad_depth_images)] + [
        _stick(stick, snapshot.settings, now) for stick in snapshot.sticks]


def _cluster(snapshot, driver, now, bad_images, bad_depth_images):
    complaints = []
    level = DiagnosticStatus.OK
    if not snapshot.active:
        level = DiagnosticStatus.ERROR
        complaints.append(_why_none_is_active(snapshot))
    elif len(snapshot.active) < snapshot.asked_size:
        level = DiagnosticStatus.WARN
        complaints.append(f'{len(snapshot.active)} of {snapshot.asked_size} sticks active, the '
                          'others are hot, starting or missing')
    if snapshot.heat_advice or snapshot.all_hot:
        level = max(level, DiagnosticStatus.WARN)
        complaints.append(snapshot.heat_advice or 'sticks are hot and none is rested')
    if now - snapshot.waiting_for_image_since > NO_IMAGE_WARN_SEC:
        level = max(level, DiagnosticStatus.WARN)
        complaints.append(f'no image for {now - snapshot.waiting_for_image_since:.0f} s')
    message = '; '.join(complaints) or (
        f'{len(snapshot.active)} of {len(snapshot.sticks)} sticks active')
    if bad_depth_images:
        message += f'; {bad_depth_images} unusable depth images dropped'
    return _status(
        'detector: cluster', 'cluster', level, message,
        driver=driver,
        cluster_size=snapshot.settings.cluster_size,
        effective_cluster_size=len(snapshot.active),
        active_sticks=','.join(map(str, snapshot.active)),
        switches=snapshot.switches,
        last_switch_reason=snapshot.last_switch_reason,
        sustainable_cluster_size=('unknown' if snapshot.sustainable_size is None else
                                  f'{snapshot.sustainable_size:.2f}'),
        input_fps=f'{snapshot.input_fps:.1f}',
        detection_fps=f'{snapshot.detection_fps:.1f}',
        latency_ms_p50=_ms(snapshot.latency_p50_sec),
        latency_ms_p95=_ms(snapshot.latency_p95_sec),
        frames_dropped=snapshot.frames_dropped + bad_images)


def _why_none_is_active(snapshot):
    states = [stick.status.state for stick in snapshot.sticks]
    if not states:
        return 'no stick found'
    if StickState.RUNNING in states:
        return 'no stick is usable: all are too hot'
    counts = ', '.join(f'{states.count(state)} {state.value}' for state in StickState
                       if state in states)
    return f'no stick is usable: {counts}'


def _stick(stick, settings, now):
    status = stick.status
    celsius = status.reading(now)
    if status.state is not StickState.RUNNING:
        level = DiagnosticStatus.ERROR
        message = f'{status.state.value}: {stick.last_error}' if stick.last_error else (
            status.state.value)
    elif settings.is_critical(celsius):
        level, message = DiagnosticStatus.ERROR, 'too hot to work'
    elif status.throttle_level >= 2:
        level, message = DiagnosticStatus.ERROR, 'throttles itself heavily'
    elif settings.is_hot(celsius):
        level, message = DiagnosticStatus.WARN, 'hot'
    elif status.throttle_level == 1:
        level, message = DiagnosticStatus.WARN, 'throttles itself'
    elif celsius is None:
        level, message = DiagnosticStatus.WARN, 'temperature unknown'
    else:
        level, message = DiagnosticStatus.OK, 'active' if stick.active else 'resting'
    if stick.unusable_boxes:
        message += f'; {stick.unusable_boxes} unusable boxes dropped'
    return _status(
        f'detector: stick {status.number}', stick.device_name, level, message,
        active='true' if stick.active else 'false',
        state=status.state.value,
        temperature_celsius='unknown' if celsius is None else f'{celsius:.1f}',
        throttle_level=status.throttle_level,
        duty_60s=f'{stick.duty_60s:.2f}',
        inferences=stick.inferences,
        inference_ms_p50=_ms(stick.inference_p50_sec),
        restarts=stick.restarts,
        last_error=stick.last_error,
        pid=stick.pid or '')


def _ms(seconds):
    return 'unknown' if seconds is None else f'{seconds * 1000:.1f}'


def _status(name, hardware_id, level, message, **values):
    return DiagnosticStatus(
        name=name, hardware_id=hardware_id, level=level, message=message,
        values=[KeyValue(key=key, value=str(value)) for key, value in values.items()])
