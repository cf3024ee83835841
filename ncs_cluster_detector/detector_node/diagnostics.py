# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes the detector node's statuses on ``/diagnostics``: of cluster, cameras and sticks."""

from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.detector_node.explanations import explain_switch
from ncs_cluster_detector.detector_node.explanations import judge_stick
from ncs_cluster_detector.detector_node.heat_explanation import explain_heat
from ncs_cluster_detector.detector_node.hosts.host_explanation import host_status
from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.detector_node.intake import NO_IMAGE_WARN_SEC
from ncs_cluster_detector.detector_node.intake import unusable_dropped
from ncs_cluster_detector.detector_node.intake import why_few_images
from ncs_cluster_detector.detector_node.intake import why_no_image
from ncs_cluster_detector.detector_node.stick_shortage import judge_sticks
from ncs_cluster_detector.detector_node.stick_shortage import reserve_statuses
from ncs_cluster_detector.ros.diagnostic_status import make_status
from ncs_cluster_detector.ros.sticks.stick_values import milliseconds
from ncs_cluster_detector.ros.sticks.stick_values import stick_values
from ncs_cluster_detector.supervision.snapshot import CameraSnapshot
from ncs_cluster_detector.supervision.snapshot import Snapshot


def statuses(snapshot: Snapshot, driver: str, now: float, intakes: Sequence[Intake],
             owner: str = 'detector', rivals: str = '') -> list[DiagnosticStatus]:
    """
    Return the statuses of cluster, named cameras, other hosts, reserve and sticks.

    :param now: seconds of the monotonic clock.
    :param intakes: that of each camera; bad and missing images count as dropped frames.
    :param owner: prefix of the names of the statuses.
    :param rivals: what :class:`Rivals` says; '' if there are none.
    """
    snapshot = snapshot.at(now)
    return [_cluster(snapshot, driver, now, intakes, owner, rivals)] + [
        _camera(snapshot, index, now, intake, owner)
        for index, intake in enumerate(intakes) if intake.camera] + [
        host_status(host, owner) for host in snapshot.hosts] + reserve_statuses(
        snapshot, now, owner) + [
        _stick(stick, snapshot.settings, now, owner) for stick in snapshot.sticks]


def _cluster(snapshot, driver, now, intakes, owner, rivals):
    level, message = _judge_cluster(snapshot, driver, now, intakes, rivals)
    return make_status(f'{owner}: cluster', 'cluster', level, message, {
        'driver': driver,
        'cluster_size': snapshot.settings.cluster_size,
        'effective_cluster_size': len(snapshot.active),
        'active_sticks': ','.join(map(str, snapshot.active)),
        'switches': snapshot.switches,
        'last_switch_reason': explain_switch(snapshot.last_switch_reason),
        'sustainable_cluster_size': ('unknown' if snapshot.sustainable_size is None else
                                     f'{snapshot.sustainable_size:.2f}'),
        **_figures(snapshot.frames, sum(intake.bad_images for intake in intakes),
                   sum(intake.missing_images for intake in intakes))})


def _figures(frames: CameraSnapshot, bad_images: int, missing_images: int) -> dict[str, str | int]:
    dropped = frames.dropped
    return {
        'input_fps': f'{frames.input_fps:.1f}',
        'detection_fps': f'{frames.detection_fps:.1f}',
        'latency_ms_p50': milliseconds(frames.latency_p50_sec),
        'latency_ms_p95': milliseconds(frames.latency_p95_sec),
        'frames_dropped': dropped.total + bad_images + missing_images,
        'dropped_replaced': dropped.replaced,
        'dropped_too_old': dropped.too_old,
        'dropped_lost': dropped.lost,
        'dropped_late': dropped.late,
        'dropped_malformed': bad_images,
        'dropped_before_node': missing_images}


def _camera(snapshot, index, now, intake, owner):
    settings, frames = snapshot.settings, snapshot.cameras[index]
    level, silent_sec = DiagnosticStatus.OK, now - frames.image_at
    message = _rates(frames)
    if not settings.enabled:
        message = 'disabled: no image is taken'
    elif silent_sec > NO_IMAGE_WARN_SEC:
        level, message = DiagnosticStatus.WARN, why_no_image(silent_sec, intake)
    elif intake.loss:
        message = why_few_images(intake)   # it works with what arrives, so the level is OK
    return make_status(
        f'{owner}: camera {intake.camera}', intake.camera, level,
        message + unusable_dropped(intake), {
            **_figures(frames, intake.bad_images, intake.missing_images),
            'weight': f'{settings.weight(index):g}',
            'max_fps': f'{settings.max_fps(index):g}',
            'region': ','.join(f'{edge:g}' for edge in settings.region(index))})


def _rates(frames):
    return f'{frames.detection_fps:.1f} of {frames.input_fps:.1f} images a second'


def _judge_cluster(snapshot, driver, now, intakes, rivals):
    level, complaint = judge_sticks(snapshot, driver)
    if rivals:
        level = max(level, DiagnosticStatus.WARN)
        complaint = '; '.join(filter(None, (complaint, rivals)))
    if snapshot.settings.enabled:
        level, message = _judge_work(snapshot, now, intakes, level, complaint)
    else:   # no image is expected, and heat costs nothing
        message = f'disabled; {complaint}' if complaint else (
            'disabled: all sticks rest until enabled is true')
    return level, message + (unusable_dropped(intakes[0]) if len(intakes) == 1 else '')


def _judge_work(snapshot, now, intakes, level, complaint):
    """Return level and message of a cluster that is enabled; ``complaint`` is of its sticks."""
    complaints = [complaint] if complaint else []
    silent_sec = now - snapshot.frames.image_at
    if silent_sec > NO_IMAGE_WARN_SEC:
        level = max(level, DiagnosticStatus.WARN)
        complaints.append(why_no_image(silent_sec, intakes[0]) if len(intakes) == 1 else (
            f'no image for {silent_sec:.0f} s from any of {len(intakes)} cameras'))
    elif len(intakes) == 1 and intakes[0].loss:   # it works with what arrives: no level
        complaints.append(why_few_images(intakes[0]))
    if snapshot.heat_advice or snapshot.all_hot:
        level = max(level, DiagnosticStatus.WARN)
        complaints.append(explain_heat(snapshot.heat_advice) if snapshot.heat_advice else (
            f'sticks are hot (switch_temperature {snapshot.settings.switch_temperature:.1f} C) '
            'and none is rested'))
    return level, '; '.join(complaints) or (
        f'{len(snapshot.active)} of {len(snapshot.sticks)} sticks active, '
        f'{_rates(snapshot.frames)}')


def _stick(stick, settings, now, owner):
    level, message = judge_stick(stick, settings, now)
    if stick.unusable_boxes:
        message += f'; {stick.unusable_boxes} unusable boxes dropped'
    name = f'{owner}: stick {stick.status.number}'
    return make_status(name, stick.device_name, level, message, {
        'active': 'true' if stick.active else 'false',
        **stick_values(stick, stick.condition.celsius),
        'frames_lost': stick.frames_lost})
