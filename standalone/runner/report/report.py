# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes report.json, the machine-readable report; times count from the start of the nodes."""

import json
from pathlib import Path
import platform
from typing import Any
from xml.etree import ElementTree

from ncs_cluster_detector.checking.facts.machine_facts import version_of
from ncs_cluster_detector.checking.statuses import series_of
from ncs_cluster_detector.shown_text import all_shown
from runner.state import RunState

FORMAT = 'ncs_cluster_detector run report, version 1'
PACKAGES = ('rclpy', 'opencv-python-headless', 'numpy', 'matplotlib')
# The lists of a stick, and the field of ReportedStick that each holds.
SERIES = {
    'temperature_celsius': 'celsius', 'active': 'active', 'state': 'state', 'duty_60s': 'duty',
    'inferences': 'inferences', 'restarts': 'restarts'}


def make_report(state: RunState, facts: dict[str, Any], recorder: Any,
                root: Path) -> dict[str, Any]:
    """
    Return the report as a dictionary for JSON.

    Keys end in their units: ``_sec``, ``_celsius``, ``_fps``; a value that is not known is null.
    Frames ``received`` and ``drawn`` are annotated pictures, and those in the video. ``cluster``
    and each of ``sticks`` hold lists of equal length, one entry a second. Camera and detector also
    report their counts once a second, so these lag behind ``messages``, each of which had a frame
    of its own. ``per_label`` counts boxes: an object has one in every frame. ``detections`` has
    latencies from a frame's capture to the runner, ``cluster`` those inside of the detector.
    ``parameters`` are those in force at the end, and ``changes`` what was set live, in order.

    :param facts: for ``run``: what ran, for how long, why it ended.
    :param recorder: the Recorder, or None.
    :param root: of the checkout, for the package's version.
    """
    hottest = state.hottest()
    return {
        'format': FORMAT,
        'run': {
            **facts,
            'up_after_sec': _since(state.up_at, state),
            'first_detection_after_sec': _since(state.first_detection_at, state)},
        'versions': versions(root),
        'parameters': state.parameters,
        'changes': [{'time_sec': round(change.time_sec, 3), 'node': change.node,
                     'name': change.name, 'before': change.before, 'after': change.after}
                    for change in state.changes],
        'frames': {
            'published_at_last_diagnostics': state.camera.published if state.camera else None,
            'published_at_least': max(
                state.camera.published if state.camera else 0, state.messages),
            'received': recorder.frames_received if recorder else None,
            'drawn': recorder.frames_drawn if recorder else None,
            'left_out_of_video': recorder.frames_left_out if recorder else None},
        'detections': {
            'messages': state.messages,
            'messages_without_frame': recorder.detections_without_frame if recorder else None,
            'per_label': dict(state.labels.most_common()),
            'first_to_last_sec': _rounded(state.detecting_sec, 3),
            'mean_detection_fps': _rounded(state.mean_detection_fps(), 2),
            'largest_gap_sec': _rounded(state.largest_gap_sec, 4),
            'latency_p50_sec': state.latency_sec(0.5),
            'latency_p95_sec': state.latency_sec(0.95),
            'latency_max_sec': state.latency_sec(1.0)},
        'threshold_celsius': state.threshold_celsius(),
        'hottest_celsius': hottest and hottest[0],
        'hottest_stick': hottest and hottest[1],
        'switches': state.cluster.switches if state.cluster else 0,
        'cluster': _cluster_series(state.samples),
        'sticks': [series_of(number, state.samples, SERIES) for number in sorted({
            stick.number for sample in state.samples for stick in sample.sticks})]}


def write_report(report: dict[str, Any], path: Path) -> None:
    """Write the report as JSON."""
    path.write_text(_text(all_shown(report), '') + '\n', encoding='utf-8')


def _text(value, indent):
    """Return JSON text in which a dictionary has a line for each key, and a list is one line."""
    inner = indent + '  '
    if isinstance(value, dict) and value:
        pairs = [f'{inner}{json.dumps(key, ensure_ascii=False)}: {_text(entry, inner)}'
                 for key, entry in value.items()]
        return '{\n' + ',\n'.join(pairs) + f'\n{indent}}}'
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return '[' + ', '.join(_text(entry, indent) for entry in value) + ']'
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def versions(root: Path) -> dict[str, str | None]:
    """Return the versions of what ran, by name."""
    # Another build of a package, such as Debian's, may have no such record.
    return {
        'ncs_cluster_detector': ElementTree.parse(root / 'package.xml').findtext('version'),
        'python': platform.python_version(),
        'system': f'{platform.system()} {platform.machine()}',
        **{name: version_of(name) for name in PACKAGES}}


def _cluster_series(samples):
    clusters = [sample.cluster for sample in samples]
    return {
        'time_sec': [round(sample.time_sec, 3) for sample in samples],
        'input_fps': [cluster.input_fps for cluster in clusters],
        'detection_fps': [cluster.detection_fps for cluster in clusters],
        'latency_p50_sec': [_seconds(cluster.latency_p50_ms) for cluster in clusters],
        'latency_p95_sec': [_seconds(cluster.latency_p95_ms) for cluster in clusters],
        'frames_dropped': [cluster.dropped for cluster in clusters],
        'active_sticks': [list(cluster.active) for cluster in clusters],
        'switches': [cluster.switches for cluster in clusters],
        'last_switch_reason': [cluster.reason for cluster in clusters]}


def _since(moment, state):
    return None if moment is None else round(moment - state.started_at, 3)


def _rounded(value, digits):
    return None if value is None else round(value, digits)


def _seconds(milliseconds):
    return None if milliseconds is None else round(milliseconds / 1000, 4)


def summary_lines(report: dict[str, Any]) -> list[str]:
    """Return the report in a few lines for people."""
    run, detections = report['run'], report['detections']
    sticks = len(report['sticks'])
    lines = [f"ran {run['duration_sec']:.1f} s with {sticks} simulated stick{'s' * (sticks != 1)} "
             f"on {run['source']}; ended: {run['stopped_by']}"
             + ', before both nodes were up' * (run['up_after_sec'] is None)]
    lines.append(f"frames in: at least {report['frames']['published_at_least']} "
                 f"since the camera started; detection messages: {detections['messages']}"
                 + _pace(detections))
    lines.append(_boxes(detections['per_label'], detections['messages']))
    if report['hottest_celsius'] is not None:
        was_set = any(change['name'] == 'switch_temperature' for change in report['changes'])
        lines.append(f"hottest: stick {report['hottest_stick']} with "
                     f"{report['hottest_celsius']:.1f} °C (switch temperature "
                     f"{_count(report['threshold_celsius'])} °C{' at the end' * was_set}); "
                     f"switches: {report['switches']}")
    return lines


def _pace(detections):
    """Return the time from the first to the last message, and their rate, as a text."""
    fps = detections['mean_detection_fps']
    return '' if fps is None else (
        f" in {detections['first_to_last_sec']:.1f} s ({fps:g} a second), longest gap "
        f"{detections['largest_gap_sec']:.2f} s")


def _boxes(per_label, frames):
    """Return how many boxes there were of each label; one object has a box in every frame."""
    counts = ', '.join(f'{count} {label}' for label, count in per_label.items())
    boxes = f"boxes: {counts or 'none'} in {frames} frame{'s' * (frames != 1)}"
    if not counts:
        return boxes
    who = 'people' if set(per_label) == {'person'} else 'objects'
    return f'{boxes} ({sum(per_label.values()) / frames:.1f} a frame; {who} are not tracked)'


def _count(value):
    return 'unknown' if value is None else f'{value:g}'
