# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The ledger of a soak: every image is in one count, or it says so."""

import made_up_run   # noqa: F401  puts standalone/ on the module path
import pytest
from soaking import verdicts
from soaking.ledger import Counts
from soaking.ledger import Ledger

NOTHING = Counts(dict.fromkeys(
    ('replaced', 'too_old', 'lost', 'late', 'malformed', 'before_node'), 0), 0, {0: 0, 1: 0})


def counts(by_stick=None, total=None, **dropped):
    """Return counts; those that are not given are 0."""
    return Counts({**NOTHING.dropped, **dropped},
                  sum(dropped.values()) if total is None else total, by_stick or {0: 0, 1: 0})


def soaked(end, sent=10, detected=10, base=NOTHING, malformed=0):
    """Return a ledger with one page: so many images with the stamps 1, 2, ... ."""
    ledger = Ledger()
    ledger.begin_page(base)
    for stamp in range(1, sent + 1):
        ledger.sent(stamp, stamp > malformed)
    for stamp in range(sent - detected + 1, sent + 1):
        ledger.detected(stamp)
    ledger.end_page(end)
    return ledger


def test_an_image_is_detected_or_dropped_in_one_of_the_counts():
    ledger = soaked(counts(replaced=2, too_old=1, malformed=1, before_node=1, late=1, lost=1,
                           by_stick={0: 1, 1: 0}), sent=17, malformed=1)
    assert ledger.faults() == []
    assert ledger.totals()['in_no_count'] == 0
    assert verdicts.ledger_verdict(ledger).outcome == verdicts.OK


@pytest.mark.parametrize('ledger, fault', [
    (soaked(counts(replaced=1), sent=12), '1 images in no count'),
    (soaked(counts(replaced=3), sent=12), '1 images counted twice'),
    (soaked(counts(replaced=2, total=3), sent=12), 'frames_dropped grew by 3, its parts by 2'),
    (soaked(counts(malformed=2), sent=12, malformed=1), '2 images counted as malformed, 1'),
    (soaked(counts(lost=2, by_stick={0: 1, 1: 0}), sent=12), '2 images lost, and the sticks '
     'tell of 1'),
    (soaked(counts(replaced=1), base=counts(replaced=2), sent=9, detected=10), 'went back')])
def test_the_verdict_names_what_is_wrong(ledger, fault):
    verdict = verdicts.ledger_verdict(ledger)
    assert verdict.outcome == verdicts.NOT_OK
    assert fault in '; '.join(ledger.faults())
    assert verdicts.verdict_line([verdict], ledger).startswith('FAILED')


def test_counts_from_before_the_page_do_not_belong_to_it():
    before = counts(replaced=40, before_node=70)
    assert soaked(counts(replaced=41, before_node=70), base=before, sent=11).faults() == []


def test_a_detection_that_got_lost_after_the_node_is_no_fault_of_the_node():
    ledger = Ledger()
    ledger.begin_page(NOTHING)
    for stamp in (1, 2):
        ledger.sent(stamp, True)
    ledger.detected(2)
    assert not ledger.is_balanced(NOTHING)
    ledger.missed(1)
    assert ledger.is_balanced(NOTHING)
    assert ledger.end_page(NOTHING).faults() == []


def test_images_of_a_restart_are_in_no_page():
    ledger = soaked(counts())
    ledger.sent(11, True)
    ledger.begin_page(NOTHING)
    ledger.detected(11)
    ledger.end_page(NOTHING)
    assert (ledger.sent_during_restart, ledger.detected_during_restart) == (1, 1)
    assert ledger.faults() == []


def test_a_page_without_an_end_is_not_judged():
    ledger = soaked(counts())
    ledger.begin_page(NOTHING)
    for stamp in (21, 22):
        ledger.sent(stamp, True)
    ledger.detected(22)
    ledger.abandon_page()
    assert (ledger.faults(), ledger.totals()['sent'], ledger.sent_unsettled) == ([], 10, 2)
    ledger.abandon_page()   # there is none
    assert ledger.sent_unsettled == 2


@pytest.mark.parametrize('stamps, fault', [
    ((1, 1), 'twice'), ((7,), 'never sent'), ((2, 1), 'out of order')])
def test_detections_that_must_not_come(stamps, fault):
    ledger = Ledger()
    ledger.begin_page(NOTHING)
    for stamp in (1, 2):
        ledger.sent(stamp, True)
    for stamp in stamps:
        ledger.detected(stamp)
    assert list(ledger.errors) == [fault]
    assert any(fault in text for text in ledger.faults())


def test_another_life_of_the_node_knows_nothing_of_earlier_stamps():
    ledger = Ledger()
    for stamp in (1, 2):
        ledger.sent(stamp, True)
    ledger.detected(2)
    ledger.begin_life()
    ledger.detected(1)
    assert not ledger.errors
