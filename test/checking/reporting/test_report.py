# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The report and its text, of a check that was made up."""

import json

from ncs_cluster_detector.checking.reporting.report import make_report
from ncs_cluster_detector.checking.reporting.report import write_report
from ncs_cluster_detector.checking.reporting.summary import result_line
from ncs_cluster_detector.checking.reporting.summary import summary_lines
from ncs_cluster_detector.checking.reporting.summary import WIDTH
from ncs_cluster_detector.checking.verdicts import judge
from ncs_cluster_detector.checking.verdicts import skipped
from ncs_cluster_detector.planning.fitting.recording import read_recording
import pytest

MACHINE = {
    'system': 'Ubuntu 24.04 LTS', 'kernel': '6.8.0', 'machine': 'aarch64', 'model': None,
    'cpu': None, 'cores': 4, 'memory_mb': 1840, 'load_before': 0.3,
    'python': '3.12.3', 'numpy': '1.26.4',
    'ros_distro': 'jazzy', 'packages': {'ncs_cluster_detector': '0.1.0'}, 'usbfs_memory_mb': '16',
    'usb_autosuspend_sec': '2', 'udev_rules': []}
USB = [{'port': '1.2', 'bus': '1', 'speed_mbit': 480.0, 'beside_it': [{'class': '0e'}], 'hub': {
    'name': '1-1', 'id': '05e3:0610', 'speed_mbit': 480.0, 'ports': 4.0, 'self_powered': False,
    'max_power': '100mA'}}]
SERIES = [{'stick': 0, 'device_name': '1.2-ma2450', 'time_sec': [0.0, 1.0, 2.0],
           'temperature_celsius': [30.0, None, 31.0], 'active': [True] * 3,
           'state': ['RUNNING'] * 3, 'throttle_level': [0] * 3, 'inferences': [0, 9, 18],
           'restarts': [0] * 3}]
FIGURES = {
    'start': {'sticks_ready_sec': {0: 2.0}},
    'rates': {'inference_ms': {0: 100.0}, 'sizes': [{
        'cluster_size': 1, 'detections_per_sec': 9.9, 'images_per_sec': 20.0,
        'latency_p50_ms': 200.0, 'latency_p95_ms': None, 'cpu_busy': 0.4,
        'inferences_per_sec': {0: 9.9}}]},
    'kill a worker': {'aborted_listings': 0, 'kills': [
        {'stick': 0, 'gap_sec': 0.2, 'back_sec': None}]},
    'heat': {'sticks': {0: {'highest_throttle_level': 1, 'first_celsius': 30.0,
                            'hottest_celsius': 66.0, 'idle_celsius': 28.0, 'rise_celsius': 40.0,
                            'time_constant_sec': 90.0, 'is_sure': False, 'note': 'too short'}}},
    'sticks': SERIES}
VERDICTS = [judge('start', 'first detection', 2.0, 'first_detection_sec'),
            judge('kill a worker', 'longest time until the stick runs again', None,
                  'back_after_kill_sec', '0 lists of sticks were broken off'),
            skipped('unplug', 'unplug and replug', 'no terminal')]


def made(verdicts=VERDICTS, figures=FIGURES, sticks=1, ended='at its end'):
    """Return a report."""
    run = {'began': '2026-01-02 03:04', 'duration_sec': 561.2, 'ended': ended, 'driver': 'mvnc',
           'graph': {'name': '/home/anna/graph'},
           'sticks': [{'stick': 0, 'port': '1.2', 'device_name': '1.2-ma2450'}][:sticks]}
    facts = {'machine': MACHINE, 'usb': USB, 'sdk': {'api_version': '2.10.1.1'}}
    return make_report(run, facts, verdicts, figures)


def test_the_text_fits_a_screen_and_begins_with_what_is_wrong():
    lines = summary_lines(made())
    assert len(lines) < 40
    assert max(map(len, lines)) <= WIDTH
    text = '\n'.join(lines)
    assert lines[0] == 'check_sticks: 1 of 3 checks NOT OK, 1 skipped'
    assert 'NOT OK  kill a worker: longest time until the stick runs again: it did not' in text
    assert 'udev rules: NONE' in text
    assert 'NO power of its own' in text
    assert '480 Mbit' in text
    assert '~68 °C' in text   # a fit that is not sure
    assert 'anna' not in text


def test_without_the_sdk_firmware_and_usb_library_are_named():
    report = made()
    report['facts'].update(
        sdk=None, usb_library={'error': 'libusb-1.0.so.0 cannot be used'},
        firmware=[{'path': '~/own.mvcmd', 'bytes': 64, 'sha256': 'ab' * 32}])
    text = ' '.join(' '.join(summary_lines(report)).split())
    assert 'pyusb ?, libusb ?; libusb-1.0.so.0 cannot be used' in text
    assert f"firmware: ~/own.mvcmd, 64 bytes, sha256 {'ab' * 32}" in text
    report['facts']['firmware'] = []
    assert 'firmware: NONE that can be read' in ' '.join(summary_lines(report))


def test_a_busy_machine_is_noted():
    assert 'NOTE' not in '\n'.join(summary_lines(made()))
    busy = made()
    busy['facts']['machine'] = {**MACHINE, 'load_before': 3.5}
    assert summary_lines(busy)[1].startswith('NOTE: other programs kept this machine busy')


def test_a_check_that_ended_early_has_a_text_too():
    lines = summary_lines(made(VERDICTS[:1], {}, sticks=0, ended='stopped by SIGINT'))
    assert lines[0] == 'check_sticks: all 1 checks ok; stopped by SIGINT'
    assert result_line(made(VERDICTS[:1])) == 'all 1 checks ok'


def test_the_report_is_json_that_thermal_plan_reads(tmp_path):
    path = tmp_path / 'report.json'
    write_report(made(), path)
    report = json.loads(path.read_text())
    assert report['schema_version'] == 1
    assert report['verdicts'][0]['verdict'] == 'ok'
    assert report['verdicts'][2]['verdict'] == 'skipped: no terminal'
    assert report['limits']['stop_sec']['reason']
    series, = read_recording(path, 0.1).series
    assert series.celsius == [30.0, 31.0]
    assert series.share == [pytest.approx(0.9)]
