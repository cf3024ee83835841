# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The ledger of a soak: what became of every image that was sent; pure, no ROS."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Any

# The counts of the detector node, by the end of their keys on /diagnostics.
REPLACED, TOO_OLD, LOST, LATE, MALFORMED, BEFORE_NODE = COUNTS = (
    'replaced', 'too_old', 'lost', 'late', 'malformed', 'before_node')


@dataclass(frozen=True)
class Counts:
    """
    What the node has counted so far.

    ``dropped`` are images by their fate, ``total`` is the node's own sum, ``lost_by_stick`` the
    frames that each stick has lost, by its number.
    """

    dropped: Mapping[str, int] = field(default_factory=dict)
    total: int = 0
    lost_by_stick: Mapping[int, int] = field(default_factory=dict)

    def since(self, base: 'Counts') -> 'Counts':
        """Return what was counted after ``base``."""
        return Counts(
            {name: self.dropped.get(name, 0) - base.dropped.get(name, 0)
             for name in {**self.dropped, **base.dropped}},
            self.total - base.total,
            {number: count - base.lost_by_stick.get(number, 0)
             for number, count in self.lost_by_stick.items()})


@dataclass
class Page:
    """
    One life of the node, from a moment when all counts stood still to another one.

    ``base`` and ``counts`` are the node's counts at both. ``missed`` are detections that the
    middleware lost on their way from the node to the soak, told from gaps in its own count.
    """

    number: int
    base: Counts
    sent: int = 0
    malformed_sent: int = 0
    detected: int = 0
    missed: int = 0
    counts: Counts = field(default_factory=Counts)

    @property
    def in_no_count(self) -> int:
        """Return how many images were neither detected nor counted; negative: counted twice."""
        return (self.sent - self.detected - self.missed
                - sum(self.counts.since(self.base).dropped.values()))

    def faults(self) -> list[str]:
        """Return what is wrong with this page, each in one line."""
        found, counted = [], self.counts.since(self.base)
        where = f'life {self.number} of the node'
        if self.in_no_count:
            found.append(f'{where}: {self.in_no_count} images in no count' if self.in_no_count > 0
                         else f'{where}: {-self.in_no_count} images counted twice')
        parts = sum(counted.dropped.values())
        if parts != counted.total:
            found.append(f'{where}: frames_dropped grew by {counted.total}, its parts by {parts}')
        if counted.dropped.get(MALFORMED, 0) > self.malformed_sent:
            found.append(f'{where}: {counted.dropped[MALFORMED]} images counted as malformed, '
                         f'{self.malformed_sent} were sent')
        lost, named = counted.dropped.get(LOST, 0), sum(counted.lost_by_stick.values())
        if lost > named:
            found.append(f'{where}: {lost} images lost, and the sticks tell of {named}')
        backwards = {name for name, count in counted.dropped.items() if count < 0}
        if backwards:
            found.append(f'{where}: counts went back: {", ".join(sorted(backwards))}')
        return found

    def as_json(self) -> dict[str, Any]:
        """Return the page for ``ledger.json``."""
        counted = self.counts.since(self.base)
        return {
            'life': self.number, 'sent': self.sent, 'detected': self.detected,
            'detections_lost_after_node': self.missed, 'malformed_sent': self.malformed_sent,
            **counted.dropped, 'frames_dropped': counted.total,
            'frames_lost_by_stick': {
                str(number): count for number, count in counted.lost_by_stick.items()},
            'in_no_count': self.in_no_count}


class Ledger:
    """
    Every image that was sent, by its stamp, and what became of it.

    One thread sends, another receives: each writes fields of its own.
    """

    def __init__(self) -> None:
        self.pages: list[Page] = []
        # Sent while the node stopped or started, and no page was open.
        self.sent_during_restart = 0
        self.detected_during_restart = 0
        self.sent_unsettled = 0   # on a page that nobody could end
        # Detections for images that were not sent or had one already, or behind a later one.
        self.errors: Counter[str] = Counter()
        self._page: Page | None = None
        self._open: dict[int, Page | None] = {}   # stamps without a detection yet
        self._closed: set[int] = set()
        self._newest = 0

    @property
    def has_page(self) -> bool:
        """Return whether images are accounted for now."""
        return self._page is not None

    def begin_page(self, base: Counts) -> None:
        """Begin to account; all images sent so far have been settled."""
        self._page = Page(len(self.pages) + 1, base, counts=base)
        self.pages.append(self._page)

    def end_page(self, counts: Counts) -> Page:
        """End to account, with the counts after the last image; return the page."""
        page, self._page = self._page, None
        page.counts = counts
        return page

    def abandon_page(self) -> None:
        """Tear out the page that is open, if any: the node is gone with its counts."""
        if self._page is not None:
            self.sent_unsettled += self._page.sent
            self.pages.remove(self._page)
            self._page = None

    def begin_life(self) -> None:
        """Note that the node starts again: it knows nothing of the order of earlier stamps."""
        self._newest = 0

    def sent(self, stamp: int, is_good: bool) -> None:
        """Note an image before it is published; stamps are unique and grow."""
        page = self._page
        self._open[stamp] = page
        if page is None:
            self.sent_during_restart += 1
        else:
            page.sent += 1
            page.malformed_sent += not is_good

    def detected(self, stamp: int) -> None:
        """Note a detection message by the stamp in its header."""
        if stamp not in self._open:
            self.errors['twice' if stamp in self._closed else 'never sent'] += 1
            return
        if stamp < self._newest:
            self.errors['out of order'] += 1
        self._newest = max(stamp, self._newest)
        page = self._open.pop(stamp)
        self._closed.add(stamp)
        if page is None:
            self.detected_during_restart += 1
        else:
            page.detected += 1

    def missed(self, count: int) -> None:
        """Note detections that were published and did not arrive."""
        if self._page is not None:
            self._page.missed += count

    def is_balanced(self, counts: Counts) -> bool:
        """Return whether the page that is open would have no image in no count with these."""
        page = self._page
        return page.sent - page.detected - page.missed == sum(
            counts.since(page.base).dropped.values())

    def faults(self) -> list[str]:
        """Return what is wrong, each in one line; empty for a complete ledger."""
        found = [fault for page in self.pages for fault in page.faults()]
        return found + [f'{count} detections of images that came {what}'
                        if what != 'never sent' else f'{count} detections of images {what}'
                        for what, count in sorted(self.errors.items())]

    def undetected(self) -> list[tuple[int, int]]:
        """Return (number of the page, stamp) of the images of a page without a detection."""
        return [(page.number, stamp) for stamp, page in self._open.items() if page is not None]

    def totals(self) -> Counter[str]:
        """Return the sums over all pages."""
        totals: Counter[str] = Counter()
        for page in self.pages:
            totals.update({name: count for name, count in page.as_json().items()
                           if isinstance(count, int) and name != 'life'})
        return totals

    def as_json(self) -> dict[str, Any]:
        """Return the ledger for ``ledger.json``."""
        return {'totals': dict(self.totals()), 'lives': [page.as_json() for page in self.pages],
                'sent_during_restart': self.sent_during_restart,
                'detected_during_restart': self.detected_during_restart,
                'sent_unsettled': self.sent_unsettled,
                'wrong_detections': dict(self.errors), 'faults': self.faults()}
