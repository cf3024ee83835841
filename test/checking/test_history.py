# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Figures out of what was heard, in invented time."""

from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
from ncs_cluster_detector.checking.history import History
from ncs_cluster_detector.checking.history import report_of
from ncs_cluster_detector.checking.steps.heat_step import fit_heat
from ncs_cluster_detector.policy.heat.thermal_model import ThermalModel
import pytest


def status(name, hardware_id='', **values):
    """Return a DiagnosticStatus."""
    return DiagnosticStatus(name=name, hardware_id=hardware_id, level=b'\1', message='told',
                            values=[KeyValue(key=key, value=value)
                                    for key, value in values.items()])


def statuses(inferences=0, celsius='41.5', state='RUNNING'):
    """Return the statuses of a node with one stick."""
    return [status('detector: cluster', detection_fps='9.0'),
            status('detector: stick 0', '1.2-ma2450', active='true', state=state, pid='77',
                   temperature_celsius=celsius, throttle_level='1', restarts='2',
                   inferences=str(inferences), inference_ms_p50='101.0', last_error='none')]


def test_the_longest_gap_counts_both_ends():
    history = History()
    history.detections += [1.0, 1.5, 4.0, 4.5]
    assert history.longest_gap(1.0, 5.0) == (2.5, 1.5)
    assert history.longest_gap(0.9, 1.6) == (pytest.approx(0.5), 1.0)
    assert history.longest_gap(4.2, 9.0) == (4.5, 4.5)
    assert history.longest_gap(5.0, 8.0) == (3.0, 5.0)
    assert history.first_detection(1.2) == 1.5
    assert history.first_detection(5.0) is None


def test_rates_and_latency_of_a_time():
    history = History()
    history.detections += [number / 10 for number in range(100)]
    history.latencies += [0.1] * 50 + [0.3] * 49 + [None]
    assert history.rate(1.05, 3.05) == pytest.approx(10.0)
    assert history.latency(50, 0.0, 4.0) == pytest.approx(0.1)
    assert history.latency(50, 6.0, 20.0) == pytest.approx(0.3)
    assert history.latency(50, 20.0, 30.0) is None


def test_diagnostics_are_read():
    report = report_of(statuses(12), 'heat', 7.0)
    stick, = report.sticks
    assert (stick.port, stick.pid, stick.celsius, stick.inferences) == ('1.2', 77, 41.5, 12)
    assert report_of(statuses(celsius='unknown'), 'heat', 7.0).sticks[0].celsius is None
    assert report_of([status('camera: usb')], 'heat', 7.0) is None


def test_an_unknown_state_and_missing_values_do_no_harm():
    report = report_of([status('detector: cluster'),
                        status('detector: stick 3', '1.4-ma2450', state='QUEUED')], '', 0.0)
    stick, = report.sticks
    assert (stick.number, stick.state, stick.pid, stick.celsius) == (3, 'QUEUED', None, None)


def test_inferences_of_each_stick():
    history = History()
    history.reports += [report_of(statuses(10 * second), 'rates', float(second))
                        for second in range(6)]
    assert history.stick_rates(0.5, 4.5) == {0: pytest.approx(10.0)}
    assert history.stick_rates(4.5, 5.5) == {}


def test_the_heat_of_a_stick_is_fitted():
    """Two minutes of load and 40 seconds of rest give back the constants that they came from."""
    constants, celsius, count = ThermalModel(28.0, 40.0, 90.0), 31.0, 0
    history = History()
    for second in range(161):
        history.reports.append(report_of(
            statuses(count, f'{celsius:.1f}'), 'heat', float(second)))
        share = 1.0 if second < 120 else 0.0
        celsius, count = constants.after(celsius, share, 1.0), count + int(10 * share)
    series, = history.series(0.0, 200.0)
    heat = fit_heat(series)
    assert heat['idle_celsius'] == pytest.approx(28.0, abs=1.0)
    assert heat['rise_celsius'] == pytest.approx(40.0, abs=1.5)
    assert heat['time_constant_sec'] == pytest.approx(90.0, rel=0.05)
    assert heat['is_sure']
    assert heat['first_celsius'] == 31.0


def test_too_little_to_fit_is_said():
    history = History()
    history.reports += [report_of(statuses(second), 'heat', float(second)) for second in range(5)]
    series, = history.series(0.0, 9.0)
    assert '20 are needed' in fit_heat(series)['note']
    assert fit_heat({**series, 'temperature_celsius': [None] * 5}) == {'note': 'no temperatures'}
