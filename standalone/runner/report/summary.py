# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sums up the report of a run in a few lines for people."""

from typing import Any

from runner.names import hosts_text
from runner.names import sticks_text


def summary_lines(report: dict[str, Any]) -> list[str]:
    """Return the report in a few lines for people."""
    run, detections = report['run'], report['detections']
    sticks = len(report['sticks'])
    cameras, hosts = report.get('cameras', ()), report.get('hosts', ())
    lines = [f"ran {run['duration_sec']:.1f} s with {sticks_text(sticks, run['sticks'])} "
             f"{hosts_text(len(hosts))}on {run['source']}; ended: {run['stopped_by']}"]
    if run['up_after_sec'] is None:
        lines[0] += f", before {'all' if cameras or hosts else 'both'} nodes were up"
    lines.append(f"frames in: at least {report['frames']['published_at_least']} since the "
                 f"camera{'s' * bool(cameras)} started; detection messages: "
                 f"{detections['messages']}" + _pace(detections))
    lines.append(_boxes(detections['per_label'], detections['messages']))
    lines += map(_camera_line, cameras)
    lines += map(_host_line, hosts)
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


def _camera_line(camera):
    """Return what a person wants to know of one of several cameras."""
    found, dropped = camera['detections'], camera['frames_dropped']
    if not found['messages']:
        return f"{camera['name']}: no detection message"
    latency = ' / '.join(f'{found[key] * 1000:.0f}' for key in (
        'latency_p50_sec', 'latency_p95_sec'))
    return (f"{camera['name']}: {_count(found['mean_detection_fps'])} detections a second, "
            f'latency {latency} ms (p50 / p95), {dropped[-1] if dropped else "unknown"} frames '
            f"dropped, boxes: {_labels(found['per_label'])}")


def _host_line(host):
    numbers = ', '.join(map(str, host['sticks']))
    if not numbers:
        return f"{host['name']}: no stick of it was seen"
    return (f"{host['name']}: stick{'s' * (len(host['sticks']) != 1)} {numbers} with "
            f"{host['inferences']} inferences")


def _labels(per_label):
    return ', '.join(f'{count} {label}' for label, count in per_label.items()) or 'none'


def _boxes(per_label, frames):
    """Return how many boxes there were of each label; one object has a box in every frame."""
    boxes = f"boxes: {_labels(per_label)} in {frames} frame{'s' * (frames != 1)}"
    if not per_label:
        return boxes
    who = 'people' if set(per_label) == {'person'} else 'objects'
    return f'{boxes} ({sum(per_label.values()) / frames:.1f} a frame; {who} are not tracked)'


def _count(value):
    return 'unknown' if value is None else f'{value:g}'
