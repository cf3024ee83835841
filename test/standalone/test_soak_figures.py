# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a soak makes of its figures: gaps and their excuses, growth, and the verdict."""

import os

import made_up_run   # noqa: F401  puts standalone/ on the module path
from ncs_cluster_detector.checking.history import Report
from ncs_cluster_detector.checking.statuses import ERROR
from ncs_cluster_detector.checking.statuses import ReportedStick
import pytest
from soaking import gaps
from soaking import resources
from soaking import verdicts
from soaking.ledger import Ledger

IMAGES = [number / 30 for number in range(30 * 10)]


def stick(number=0, **changed):
    return ReportedStick(number, f'1.{number + 1}-ma2450', 'RUNNING', True, 40.0, 0, 10, 80.0, 0,
                         '', 4711)._replace(**changed)


def reports(*sticks, seconds=12, since=0):
    """Return a report a second."""
    return [Report(float(second), '', '', sticks) for second in range(since, since + seconds)]


def detections(without=(), images=IMAGES):
    """Return when detections came: 0.1 s after each image, but not in a time (begin, end)."""
    return [moment + 0.1 for moment in images
            if not without or not without[0] <= moment + 0.1 <= without[1]]


def found(without, told, troubles=(), waits=()):
    return gaps.gaps_of(IMAGES, detections(without), told, troubles, waits)


def test_steady_detections_have_no_gap():
    assert found((), reports(stick())) == []


def test_a_gap_with_a_healthy_stick_has_no_excuse():
    (gap,) = found((4.0, 4.9), reports(stick()))
    assert gap.begin == pytest.approx(4.0, abs=0.04)
    assert gap.seconds == pytest.approx(0.9, abs=0.07)
    assert gap.excuse == ''
    verdict = verdicts.gap_verdict([gap])
    assert verdict.outcome == verdicts.NOT_OK
    assert 'at most 0.5 s' in verdict.text()


@pytest.mark.parametrize('told, troubles', [
    (reports(stick(state='BACKOFF')), ()),
    (reports(stick(level=ERROR)), ()),
    (reports(), ()),
    (reports(stick(), seconds=5) + reports(stick(pid=4712), since=5), ()),
    (reports(stick(), seconds=4), ()),   # the node fell silent
    (reports(stick()), (gaps.Trouble('1.1', 2.0, 4.5),)),
    (reports(stick()), (gaps.Trouble('1.1', 2.0, 3.5),))])   # it still suffers
def test_without_a_healthy_stick_a_gap_is_excused(told, troubles):
    (gap,) = found((4.0, 4.9), told, troubles)
    assert gap.excuse == gaps.NO_HEALTHY_STICK
    assert verdicts.gap_verdict([gap]).outcome == verdicts.OK


def test_one_healthy_stick_among_others_is_enough():
    troubles = (gaps.Trouble('1.1', 0.0, 9.0),)
    (gap,) = found((4.0, 4.9), reports(stick(0), stick(1), stick(2, state='ABSENT')), troubles)
    assert gap.excuse == ''


def test_a_machine_that_others_take_is_an_excuse_for_the_time_that_they_took():
    (gap,) = found((4.0, 4.9), reports(stick()), waits=[(4.0, 4.5, 0.1), (4.5, 5.5, 0.5)])
    assert gap.excuse == gaps.BUSY_MACHINE
    assert gaps.BUSY_MACHINE in verdicts.gap_verdict([gap]).seen
    for waits in ([(4.5, 5.5, 0.3)], [(3.0, 3.9, 0.9), (5.1, 6.0, 0.9)]):
        (gap,) = found((4.0, 4.9), reports(stick()), waits=waits)
        assert gap.excuse == ''


def test_a_pause_of_the_traffic_is_no_gap():
    images = [moment for moment in IMAGES if not 3.0 < moment < 6.0]
    told = reports(stick())
    assert gaps.gaps_of(images, detections(images=images), told, ()) == []
    # But the first detection after it may not be late.
    late = [moment for moment in detections(images=images) if not 5.0 < moment < 6.8]
    (gap,) = gaps.gaps_of(images, late, told, ())
    assert gap.seconds == pytest.approx(0.8, abs=0.07)


def samples(count=400, grows=0.0, step_at=None):
    """Return samples with 30 frames each; a step of 2 MB at one of them."""
    return [resources.Sample(
        float(number), 1, 30 * number, 170_000_000,
        int(130e6 + grows * 30 * number + (2e6 if step_at and number >= step_at else 0)),
        50, 20, 18, 8, 0) for number in range(count)]


def test_growth_is_what_comes_with_every_frame():
    assert resources.memory_growth(samples()) == pytest.approx(0.0)
    assert resources.memory_growth(samples(grows=200.0)) == pytest.approx(2e6, rel=0.01)
    # Buffers that grow once are no growth, early or late.
    for step_at in (100, 170, 280, 390):
        assert resources.memory_growth(samples(step_at=step_at)) == pytest.approx(0.0)


def test_growth_of_a_short_time_is_not_judged():
    assert resources.memory_growth(samples(count=100)) is None
    assert verdicts.growth_verdict({1: None}).outcome == verdicts.SKIPPED
    assert verdicts.growth_verdict({1: None, 2: 0.9e6}).outcome == verdicts.OK
    assert verdicts.growth_verdict({1: 1.1e6, 2: 0.9e6}).outcome == verdicts.NOT_OK


def test_a_wait_counts_only_while_others_take_most_of_the_machine():
    taken = [sample._replace(others_share=share, waited_sec=0.2)
             for sample, share in zip(samples(4), (0.9, 0.2, 0.7, 0.5))]
    assert resources.waits(taken) == [(1.0, 2.0, 0.2)]


def test_a_sample_tells_what_a_process_takes():
    watch = resources.ResourceWatch()
    for number in range(2):
        sample = watch.sample(os.getpid(), 1.0 + number, 1, 5)
        assert (sample.time_sec, sample.life, sample.frames) == (1.0 + number, 1, 5)
        assert sample.rss >= sample.private > 5e6
        assert min(sample.descriptors, sample.threads) >= 1
        assert 0.0 <= sample.others_share <= 1.0
        assert sample.waited_sec >= 0.0
    assert str(os.getpid()) in resources.waits_of(os.getpid())


def test_the_verdict_line_names_what_is_not_ok():
    ledger = Ledger()
    good = verdicts.same_verdict('threads', 18, 18)
    bad = verdicts.same_verdict('descriptors', 70, 71)
    assert verdicts.same_verdict('memory files', 20, 30, 10).outcome == verdicts.OK
    assert verdicts.same_verdict('memory files', 20, 31, 10).outcome == verdicts.NOT_OK
    complaint = verdicts.none_verdict('complaints', ['a', 'b', 'c', 'd', 'e'])
    assert verdicts.verdict_line([good], ledger).startswith('PASSED')
    line = verdicts.verdict_line([good, bad, complaint], ledger)
    assert line.startswith('FAILED')
    assert 'not ok: descriptors, complaints' in line
    assert complaint.seen == 'a; b; c; and 2 more'
