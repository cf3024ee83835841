# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes report.json, the machine-readable report; times count from the start of the nodes."""

from collections.abc import Mapping
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


def make_report(state: RunState, facts: dict[str, Any], recorders: Mapping[str, Any],
                root: Path) -> dict[str, Any]:
    """
    Return the report as a dictionary for JSON.

    Keys end in their units: ``_sec``, ``_celsius``, ``_fps``; a value that is not known is null.
    Frames ``received`` and ``drawn`` are annotated pictures, and those in the video. ``cluster``
    and each of ``sticks`` hold lists of equal length, one entry a second. Camera and detector also
    report their counts once a second, so these lag behind ``messages``, each of which had a frame
    of its own. ``per_label`` counts boxes: an object has one in every frame. ``detections`` has
    latencies from a frame's capture to the runner, ``cluster`` those inside of the detector.
    ``parameters`` are those in force at the end, and ``changes`` what was set live, in order. With
    several cameras ``frames`` and ``detections`` are those of all, and ``cameras`` has each. Where
    sticks are on other hosts, ``hosts`` has each, and the state that the detector gives it.

    :param facts: for ``run``: what ran, for how long, why it ended.
    :param recorders: a Recorder for each camera by its name, or none.
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
        'frames': _frames(state, state.camera_names or [''], recorders.values()),
        'detections': _detections(state.detections, recorders.values()),
        'threshold_celsius': state.threshold_celsius(),
        'hottest_celsius': hottest and hottest[0],
        'hottest_stick': hottest and hottest[1],
        'switches': state.cluster.switches if state.cluster else 0,
        'cluster': _cluster_series(state.samples),
        **({'cameras': [_camera(name, state, recorders) for name in state.camera_names]}
           if state.camera_names else {}),
        **({'hosts': [_host(name, state) for name in state.host_names]}
           if state.host_names else {}),
        'sticks': [series_of(number, state.samples, SERIES) for number in sorted({
            stick.number for sample in state.samples for stick in sample.sticks})]}


def _frames(state, cameras, recorders):
    """Return how many frames of these cameras there were, and what became of their pictures."""
    nodes = [state.camera_node(camera) for camera in cameras]
    tallies = [state.tallies.get(camera, state.detections) for camera in cameras]
    return {
        'published_at_last_diagnostics': sum(
            node.published for node in nodes if node) if any(nodes) else None,
        'published_at_least': sum(
            max(node.published if node else 0, tally.messages)
            for node, tally in zip(nodes, tallies)),
        'received': _sum_of(recorders, 'frames_received'),
        'drawn': _sum_of(recorders, 'frames_drawn'),
        'left_out_of_video': _sum_of(recorders, 'frames_left_out')}


def _detections(tally, recorders):
    return {
        'messages': tally.messages,
        'messages_without_frame': _sum_of(recorders, 'detections_without_frame'),
        'per_label': dict(tally.labels.most_common()),
        'first_to_last_sec': _rounded(tally.detecting_sec, 3),
        'mean_detection_fps': _rounded(tally.mean_fps(), 2),
        'largest_gap_sec': _rounded(tally.largest_gap_sec, 4),
        'latency_p50_sec': tally.latency_sec(0.5),
        'latency_p95_sec': tally.latency_sec(0.95),
        'latency_max_sec': tally.latency_sec(1.0)}


def _sum_of(recorders, count):
    return sum(getattr(recorder, count) for recorder in recorders) if recorders else None


def _camera(name, state, recorders):
    """Return what the report has of one of several cameras."""
    own = [recorders[name]] if name in recorders else []
    seen = [(sample.time_sec, camera) for sample in state.samples for camera in sample.cameras
            if camera.name == name]
    return {
        'name': name,
        'frames': _frames(state, [name], own),
        'detections': _detections(state.tallies[name], own),
        **_series([time_sec for time_sec, _ in seen], [camera for _, camera in seen])}


def _host(name, state):
    """Return what the report has of a host; a stick of it may be missing at times."""
    seen = [(sample.time_sec, host) for sample in state.samples for host in sample.hosts
            if host.name == name]
    inferences = {}   # by stick
    for sample in state.samples:
        inferences |= {stick.number: stick.inferences for stick in sample.sticks
                       if stick.host == name}
    return {
        'name': name, 'sticks': sorted(inferences), 'inferences': sum(inferences.values()),
        'time_sec': [round(time_sec, 3) for time_sec, _ in seen],
        'state': [host.state for _, host in seen]}


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
        **_series([sample.time_sec for sample in samples], clusters),
        'active_sticks': [list(cluster.active) for cluster in clusters],
        'switches': [cluster.switches for cluster in clusters],
        'last_switch_reason': [cluster.reason for cluster in clusters]}


def _series(times, told):
    """Return the figures that the cluster and a camera have in common, one entry a second."""
    return {
        'time_sec': [round(time_sec, 3) for time_sec in times],
        'input_fps': [one.input_fps for one in told],
        'detection_fps': [one.detection_fps for one in told],
        'latency_p50_sec': [_seconds(one.latency_p50_ms) for one in told],
        'latency_p95_sec': [_seconds(one.latency_p95_ms) for one in told],
        'frames_dropped': [one.dropped for one in told]}


def _since(moment, state):
    return None if moment is None else round(moment - state.started_at, 3)


def _rounded(value, digits):
    return None if value is None else round(value, digits)


def _seconds(milliseconds):
    return None if milliseconds is None else round(milliseconds / 1000, 4)
