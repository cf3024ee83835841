# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Judges a soak: what was seen against what is promised; pure."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ncs_cluster_detector.checking.verdicts import Limit
from ncs_cluster_detector.checking.verdicts import NOT_OK
from ncs_cluster_detector.checking.verdicts import OK
from ncs_cluster_detector.checking.verdicts import SKIPPED
from ncs_cluster_detector.checking.verdicts import Verdict
from soaking.gaps import Gap
from soaking.gaps import LISTED_SEC
from soaking.gaps import MOST_SEC
from soaking.ledger import Ledger
from soaking.resources import LEAST_FRAMES
from soaking.resources import MEGABYTE

STEP = 'soak'
GAP = Limit(MOST_SEC, ' s', 'another stick infers the frames of one that hangs')
GROWTH = Limit(1.0, ' MB in 10,000 frames', 'nothing is kept of a frame')
MOST_NAMED = 3


def ledger_verdict(ledger: Ledger) -> Verdict:
    """Return whether every image is in a count."""
    totals = ledger.totals()
    faults = ledger.faults()
    return _verdict('every image is in one count', not faults,
                    _few(faults) if faults else f"{totals['sent']} images", 'none in no count')


def gap_verdict(gaps: Sequence[Gap]) -> Verdict:
    """Return whether detections kept coming; ``gaps`` are all longer ones with their excuses."""
    worst = max((gap for gap in gaps if not gap.excuse), key=lambda gap: gap.seconds, default=None)
    excused = ''.join(
        f'; {len(found)} of up to {max(gap.seconds for gap in found):.2f} s excused: {excuse}'
        for excuse in sorted({gap.excuse for gap in gaps} - {''})
        if (found := [gap for gap in gaps if gap.excuse == excuse]))
    if worst is None:
        return Verdict(STEP, _GAP, OK, f'at most {LISTED_SEC:g} s{excused}')
    return _verdict(_GAP, GAP.holds(worst.seconds),
                    f'{worst.seconds:.2f} s from {worst.begin:.1f} s on{excused}', GAP.text())


_GAP = 'worst gap between detections with a healthy stick'


def growth_verdict(growths: Mapping[int, float | None]) -> Verdict:
    """Return whether the node's memory stays; ``growths`` in bytes by life, None: too short."""
    what = 'growth of memory'
    known = [growth for growth in growths.values() if growth is not None]
    if not known:
        return Verdict(STEP, what, SKIPPED,
                       f'no life of the node had {LEAST_FRAMES} frames after its warm-up')
    worst = max(known) / MEGABYTE
    return _verdict(what, GROWTH.holds(worst), f'{worst:+.2f} MB in 10,000 frames', GROWTH.text())


def same_verdict(what: str, before: int, after: int, more: int = 0) -> Verdict:
    """Return whether a number at the end, with all healthy again, is at most ``more`` greater."""
    return _verdict(what, after <= before + more, f'{before} at first, {after} at the end',
                    f'at most {more} more' if more else 'no growth')


def none_verdict(what: str, found: Sequence[Any]) -> Verdict:
    """Return whether there is none of something."""
    return _verdict(what, not found, _few(found) if found else 'none', 'none')


def verdict_line(verdicts: Sequence[Verdict], ledger: Ledger) -> str:
    """Return the soak in one line."""
    totals = ledger.totals()
    failed = [verdict.what for verdict in verdicts if verdict.outcome == NOT_OK]
    dropped = totals['sent'] - totals['detected'] - totals['in_no_count']
    return (f"{'FAILED' if failed else 'PASSED'}: {totals['sent']} images sent, "
            f"{totals['detected']} detected, {dropped} dropped and counted, "
            f"{totals['in_no_count']} in no count"
            + (f"; not ok: {', '.join(failed)}" if failed else ''))


def _verdict(what, is_ok, seen, expected):
    return Verdict(STEP, what, OK if is_ok else NOT_OK, seen, expected)


def _few(found):
    more = len(found) - MOST_NAMED
    return '; '.join(map(str, found[:MOST_NAMED])) + (f'; and {more} more' if more > 0 else '')
