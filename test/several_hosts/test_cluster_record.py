# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The figures in a record of a cluster, on made-up lines."""

import json
import math

from cluster_record import ClusterRecord
from cluster_record import percentile
from numbered_camera import box_of
import pytest

MS, SECOND = 10**6, 10**9


@pytest.fixture
def heard(tmp_path):
    """Return a function that adds lines to a record; it returns the record, read."""
    path = tmp_path / 'record.jsonl'
    record = ClusterRecord(path)

    def add(*entries):
        with path.open('a') as lines:
            lines.writelines(json.dumps(entry) + '\n' for entry in entries)
        return record.read()

    return add


def found(number, stamp, arrival, boxes=None):
    """Return a line about detections."""
    return {'kind': 'detections', 'frame': str(number), 'stamp': stamp, 'arrival': arrival,
            'boxes': [['car', 0.9, *box_of(number)]] if boxes is None else boxes}


def stick(arrival, hardware_id, state, inferences=0, node='detector'):
    """Return a line about a stick."""
    return {'kind': 'status', 'arrival': arrival, 'name': f'{node}: stick 0', 'message': '',
            'hardware_id': hardware_id, 'level': 0,
            'values': {'state': state, 'inferences': str(inferences)}}


def test_rates_and_gaps_are_of_arrivals_in_a_time(heard):
    # Ten a second, but for a second without.
    times = [at * 100 * MS for at in range(50) if not 20 <= at < 30]
    record = heard(*(found(number, at, at) for number, at in enumerate(times)))
    assert record.rate(0, 5 * SECOND) == 8.0
    assert record.window_rates(0, 5 * SECOND) == (0.0, 10.0)
    assert record.window_rates(0, 5 * SECOND, 5.0) == (8.0, 8.0)
    assert record.largest_gap_sec(0, 5 * SECOND) == pytest.approx(1.1)
    assert record.largest_gap_sec(0, SECOND) == pytest.approx(0.1)
    assert record.largest_gap_sec(10 * SECOND, 12 * SECOND) == 2.0
    assert len(record.between(SECOND, 2 * SECOND)) == 10
    assert record.duplicates() == record.steps_back() == 0


def test_a_frame_twice_and_an_older_one_after_a_newer_are_counted(heard):
    record = heard(*(found(stamp, stamp, 10) for stamp in (1, 2, 2, 3, 1, 4)))
    assert record.duplicates() == 2
    assert record.steps_back() == 1


def test_what_was_not_in_the_frame_is_wrong(heard):
    left, top, right, bottom = box_of(7)
    record = heard(
        found(7, 1, 2), found(7, 1, 2, []), found(8, 1, 2, [['car', 0.9, *box_of(7)]]),
        found(9, 1, 2, [['cat', 0.9, *box_of(9)]]),
        found(7, 1, 2, [['car', 0.9, left + 3, top - 3, right, bottom]]),
        found(10, 1, 2, [['car', 0.9, *box_of(10)]] * 2))
    assert record.wrong() == [7, 8, 9, 10]


def test_frames_that_are_near_have_their_rectangles_in_other_places():
    boxes = [box_of(number) for number in range(41 * 31)]
    assert len(set(boxes)) == len(boxes)
    assert max(right for *_, right, _ in boxes) <= 640 and max(box[3] for box in boxes) <= 480


def test_latencies_are_from_stamp_to_arrival(heard):
    record = heard(*(found(number, number * SECOND, number * SECOND + late * MS)
                     for number, late in enumerate((30, 10, 20, 40))))
    latencies = record.latencies_ms()
    assert latencies == [10.0, 20.0, 30.0, 40.0]
    assert (percentile(latencies, 0.5), percentile(latencies, 0.95)) == (20.0, 40.0)
    assert math.isnan(percentile([], 0.5))
    assert record.latencies_ms(SECOND, 2 * SECOND) == [10.0]


def test_states_of_a_hosts_sticks_are_told_with_their_times(heard):
    record = heard(stick(1, 'h1/1.1', 'RUNNING'), stick(2, 'h1/1.2', 'RUNNING'),
                   stick(3, 'h2/1.1', 'RUNNING'), stick(4, '1.1', 'BACKOFF'),
                   stick(5, 'h1/1.1', 'ABSENT'), stick(6, 'h1/1.2', 'ABSENT'),
                   # What a server shows of its own sticks.
                   stick(7, '1.1', 'RUNNING', node='stick_server'))
    assert record.states() == {'h1/1.1': 'ABSENT', 'h1/1.2': 'ABSENT', 'h2/1.1': 'RUNNING',
                               '1.1': 'BACKOFF'}
    assert record.states('') == {'1.1': 'BACKOFF'}
    assert record.states(after=5) == {'h1/1.1': 'ABSENT', 'h1/1.2': 'ABSENT'}
    assert record.when_all('ABSENT', 'h1', 0) == 6
    assert record.when_all('RUNNING', 'h1', 0) == 2
    assert record.when_all('RUNNING', 'h1', 2) is None
    assert record.when_all('RUNNING', 'h3', 0) is None


def test_inferences_of_a_hosts_sticks_are_a_rate(heard):
    record = heard(*(stick(at * SECOND, name, 'RUNNING', at * 15)
                     for at in range(6) for name in ('h1/1.1', 'h1/1.2', 'h2/1.1')))
    assert record.stick_rate('h1', SECOND, 5 * SECOND) == pytest.approx(30.0)
    assert record.stick_rate('h1', SECOND, SECOND + 1) == 0.0
    assert record.stick_rate('', 0, 5 * SECOND) == 0.0


def test_results_are_told_by_host(heard):
    record = heard(*({'kind': 'result', 'arrival': at, 'host': host}
                     for at, host in ((1, 'h1'), (2, 'h2'), (3, 'h1'))))
    assert record.first_result('h1', 2) == 3
    assert record.first_result('h2', 3) is None


def test_a_line_that_is_being_written_is_read_when_it_is_complete(tmp_path):
    path = tmp_path / 'record'
    record = ClusterRecord(path)
    assert record.read().found == []
    line = json.dumps(found(1, 2, 3))
    with path.open('w', buffering=1) as output:
        output.write(line + '\n' + line[:10])
        output.flush()
        assert len(record.read().found) == 1
        output.write(line[10:] + '\n')
        assert len(record.read().found) == len(record.read().found) == 2
