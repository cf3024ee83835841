# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes the detector node's statuses on ``/diagnostics``: the cluster and each stick."""

from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.detector_node.explanations import explain_switch
from ncs_cluster_detector.detector_node.explanations import judge_stick
from ncs_cluster_detector.detector_node.explanations import short_reason
from ncs_cluster_detector.detector_node.heat_explanation import explain_heat
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.ros.diagnostic_status import counted
from ncs_cluster_detector.ros.diagnostic_status import make_status
from ncs_cluster_detector.supervision.snapshot import Snapshot

NO_IMAGE_WARN_SEC = 5.0
IMAGE_TYPE = 'sensor_msgs/msg/Image'
MOST_NAMED = 4   # sticks named in one message; the others are counted


@dataclass(frozen=True)
class Intake:
    """
    What reaches the node.

    ``topic`` is where images are expected, after remapping; ``publisher_types`` holds the message
    type of each publisher on it, such as ``sensor_msgs/msg/Image``. ``bad_images`` and
    ``bad_depth_images`` count the messages that could not be used, ``missing_images`` those that
    were published and never taken.
    """

    topic: str
    publisher_types: tuple[str, ...] = ()
    bad_images: int = 0
    bad_depth_images: int = 0
    missing_images: int = 0


def statuses(snapshot: Snapshot, driver: str, now: float, intake: Intake,
             owner: str = 'detector') -> list[DiagnosticStatus]:
    """
    Return the statuses of the cluster and of every stick.

    :param now: seconds of the monotonic clock.
    :param intake: its bad and missing images count as dropped frames.
    :param owner: prefix of the names of the statuses.
    """
    snapshot = snapshot.at(now)
    return [_cluster(snapshot, driver, now, intake, owner)] + [
        _stick(stick, snapshot.settings, now, owner) for stick in snapshot.sticks]


def _cluster(snapshot, driver, now, intake, owner):
    level, message = _judge_cluster(snapshot, driver, now, intake)
    dropped = snapshot.dropped
    return make_status(f'{owner}: cluster', 'cluster', level, message, {
        'driver': driver,
        'cluster_size': snapshot.settings.cluster_size,
        'effective_cluster_size': len(snapshot.active),
        'active_sticks': ','.join(map(str, snapshot.active)),
        'switches': snapshot.switches,
        'last_switch_reason': explain_switch(snapshot.last_switch_reason),
        'sustainable_cluster_size': ('unknown' if snapshot.sustainable_size is None else
                                     f'{snapshot.sustainable_size:.2f}'),
        'input_fps': f'{snapshot.input_fps:.1f}',
        'detection_fps': f'{snapshot.detection_fps:.1f}',
        'latency_ms_p50': _ms(snapshot.latency_p50_sec),
        'latency_ms_p95': _ms(snapshot.latency_p95_sec),
        'frames_dropped': dropped.total + intake.bad_images + intake.missing_images,
        'dropped_replaced': dropped.replaced,
        'dropped_too_old': dropped.too_old,
        'dropped_lost': dropped.lost,
        'dropped_late': dropped.late,
        'dropped_malformed': intake.bad_images,
        'dropped_before_node': intake.missing_images})


def _judge_cluster(snapshot, driver, now, intake):
    complaints = []
    level = DiagnosticStatus.OK
    if not snapshot.active:
        level = DiagnosticStatus.ERROR
        complaints.append(f'no stick is usable: {_why_not_active(snapshot)}'
                          if snapshot.sticks else DRIVERS[driver].no_stick_found)
    elif len(snapshot.active) < snapshot.asked_size:
        level = DiagnosticStatus.WARN
        complaints.append(f'{len(snapshot.active)} of {snapshot.asked_size} sticks active: '
                          f'{_why_not_active(snapshot)}')
    silent_sec = now - snapshot.waiting_for_image_since
    if silent_sec > NO_IMAGE_WARN_SEC:
        level = max(level, DiagnosticStatus.WARN)
        complaints.append(why_no_image(silent_sec, intake))
    if snapshot.heat_advice or snapshot.all_hot:
        level = max(level, DiagnosticStatus.WARN)
        complaints.append(explain_heat(snapshot.heat_advice) if snapshot.heat_advice else (
            f'sticks are hot (switch_temperature {snapshot.settings.switch_temperature:.1f} C) '
            'and none is rested'))
    message = '; '.join(complaints) or (
        f'{len(snapshot.active)} of {len(snapshot.sticks)} sticks active, '
        f'{snapshot.detection_fps:.1f} of {snapshot.input_fps:.1f} images a second')
    for count, what in ((intake.bad_images, 'images'), (intake.bad_depth_images, 'depth images')):
        if count:
            message += f'; {count} unusable {what} dropped'
    return level, message


def _why_not_active(snapshot):
    reasons = [f'stick {stick.status.number} {short_reason(stick, snapshot.settings)}'
               for stick in snapshot.sticks if stick.status.number not in snapshot.active]
    if len(reasons) > MOST_NAMED:
        reasons[MOST_NAMED:] = [f'{len(reasons) - MOST_NAMED} more']
    if len(snapshot.sticks) < snapshot.asked_size:
        reasons.append(f'only {counted(len(snapshot.sticks), "stick")} found')
    return ', '.join(reasons)


def why_no_image(silent_sec: float, intake: Intake) -> str:
    """Return for how long and where no usable image came, and the likely reason."""
    return f'no image for {silent_sec:.0f} s on {intake.topic}: {_who_publishes(intake)}'


def _who_publishes(intake):
    publishers = intake.publisher_types.count(IMAGE_TYPE)
    if publishers:
        return (f'{counted(publishers, "publisher")}, but nothing usable arrives; does '
                'ros2 topic hz show it?')
    if intake.publisher_types:
        return f'{intake.publisher_types[0]} is published there, expected {IMAGE_TYPE}'
    return 'nobody publishes there; start the camera, or remap image_raw to its topic'


def _stick(stick, settings, now, owner):
    status = stick.status
    celsius = stick.condition.celsius
    level, message = judge_stick(stick, settings, now)
    if stick.unusable_boxes:
        message += f'; {stick.unusable_boxes} unusable boxes dropped'
    return make_status(f'{owner}: stick {status.number}', stick.device_name, level, message, {
        'active': 'true' if stick.active else 'false',
        'state': status.state.value,
        'temperature_celsius': 'unknown' if celsius is None else f'{celsius:.1f}',
        'throttle_level': status.throttle_level,
        'duty_60s': f'{stick.duty_60s:.2f}',
        'inferences': stick.inferences,
        'inference_ms_p50': _ms(stick.inference_p50_sec),
        'restarts': stick.restarts,
        'last_error': stick.last_error,
        'pid': stick.pid or '',
        'frames_lost': stick.frames_lost})


def _ms(seconds):
    return 'unknown' if seconds is None else f'{seconds * 1000:.1f}'
