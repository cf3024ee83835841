# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes ledger.json and the verdicts from a soak; times count from its start."""

import json
from pathlib import Path
from typing import Any

from ncs_cluster_detector.checking.history import SERIES
from ncs_cluster_detector.checking.statuses import series_of
from ncs_cluster_detector.checking.verdicts import Verdict
from runner.nodes import ROOT
from runner.report.report import versions
from runner.report.report import write_report
from soaking import plan
from soaking import verdicts
from soaking.conduct import Conduct
from soaking.gaps import gaps_of
from soaking.resources import memory_growth
from soaking.resources import waits

FORMAT = 'ncs_cluster_detector soak report, version 1'
# The memory for each of a stick's two frames gets one descriptor more with the first frame in it.
FIRST_FRAMES = 2


def make_report(soak: Conduct) -> tuple[dict[str, Any], list[Verdict]]:
    """Return the report as a dictionary for JSON, and the verdicts."""
    station = soak.station
    gaps = gaps_of(soak.camera.images, station.detections, station.reports,
                   soak.events.troubles, waits(soak.samples))
    lives = sorted({sample.life for sample in soak.samples})
    growths = {life: memory_growth([sample for sample in soak.samples if sample.life == life])
               for life in lives}
    found = [verdicts.ledger_verdict(soak.ledger), verdicts.gap_verdict(gaps),
             verdicts.growth_verdict(growths), *_calm_verdicts(soak),
             verdicts.none_verdict('files left behind', soak.files_left),
             verdicts.none_verdict('complaints', soak.complaints + (
                 [] if soak.ended == 'at its end' else [soak.ended]))]
    report = {
        'format': FORMAT,
        'run': {'minutes': soak.options.minutes, 'seed': soak.options.seed, 'ended': soak.ended,
                'duration_sec': round(soak.clock(), 1)},
        'versions': versions(ROOT),
        'verdicts': [{'what': verdict.what, 'outcome': verdict.outcome, 'seen': verdict.seen,
                      'expected': verdict.expected} for verdict in found],
        'ledger': soak.ledger.as_json(),
        'undetected_images': [
            {'life': life, 'time_sec': round(stamp / 1e9 - soak.began, 3)}
            for life, stamp in soak.ledger.undetected()],
        'counts': [{'time_sec': round(time_sec, 3), **counts.dropped}
                   for time_sec, counts in station.counts],
        'gaps': [{'begin_sec': round(gap.begin, 3), 'seconds': round(gap.seconds, 3),
                  'excuse': gap.excuse} for gap in gaps],
        'complaints': soak.complaints,
        'memory_growth_bytes_in_10000_frames': {
            str(life): None if growth is None else round(growth)
            for life, growth in growths.items()},
        'camera_changes': soak.camera.changes,
        'answers': station.answers,
        'heard': station.heard,
        'restarts': [restart._asdict() for restart in soak.restarts],
        'events': [{'time_sec': round(time_sec, 3), 'kind': event.kind, 'on': event.on,
                    'value': _plain(event.value), 'done': done}
                   for time_sec, event, done in soak.events.done],
        'troubles': [trouble._asdict() for trouble in soak.events.troubles],
        'cluster': [{'time_sec': round(time_sec, 3), 'input_fps': cluster.input_fps,
                     'detection_fps': cluster.detection_fps, 'active': list(cluster.active),
                     'level': cluster.level, 'message': cluster.message}
                    for time_sec, cluster in station.clusters],
        'sticks': [series_of(number, station.reports, SERIES) for number in sorted({
            stick.number for told in station.reports for stick in told.sticks})],
        'resources': [sample._asdict() for sample in soak.samples]}
    return report, found


def _calm_verdicts(soak):
    """Compare what the last life of the node took at first and at the end, healthy both times."""
    first, last = soak.calm.get(soak.node.life), soak.healed
    if first is None or last is None:
        return []
    return [verdicts.same_verdict('descriptors', first.descriptors, last.descriptors),
            verdicts.same_verdict('memory files', first.memory_files, last.memory_files,
                                  FIRST_FRAMES * plan.STICKS),
            verdicts.same_verdict('threads', first.threads, last.threads),
            verdicts.same_verdict('worker processes', first.workers, last.workers)]


def _plain(value):
    try:
        json.dumps(value)
    except TypeError:
        return str(value)
    return value


def write(report: dict[str, Any], folder: Path) -> None:
    """Write ledger.json and timeline.png into a folder."""
    write_report(report, folder / 'ledger.json')
    from soaking.timeline import draw_timeline   # late: Matplotlib takes half a second
    draw_timeline(report, folder / 'timeline.png')
