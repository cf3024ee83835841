# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Format the report for people, report.txt, on one screen: verdicts first, then tables."""

from collections.abc import Mapping
import re
import textwrap
from typing import Any

from ncs_cluster_detector.checking.verdicts import NOT_OK
from ncs_cluster_detector.checking.verdicts import OK
from ncs_cluster_detector.checking.verdicts import SKIPPED

WIDTH = 110
UNKNOWN = '?'
BUSY = 0.5   # load average per core


def summary_lines(report: Mapping[str, Any]) -> list[str]:
    """Return the lines of report.txt for the dictionary of report.make_report()."""
    parts = (_head(report), _verdict_lines(report['verdicts']), _stick_table(report),
             _rate_table(report['steps'].get('rates', {})), _kill_lines(report['steps']))
    lines = [line for part in parts if part for line in (*part, '')]
    return lines[:-1]


def result_line(report: Mapping[str, Any]) -> str:
    """Return the result of the check in one line."""
    outcomes = [verdict['outcome'] for verdict in report['verdicts']]
    bad, left_out = outcomes.count(NOT_OK), outcomes.count(SKIPPED)
    result = f'{bad} of {len(outcomes)} checks NOT OK' if bad else (
        f'all {outcomes.count(OK)} checks ok')
    ended = report['run']['ended']
    if ended == 'it could not run':
        return 'it could not run: see the first line that is NOT OK'
    return (result + (f', {left_out} skipped' if left_out else '')
            + ('' if ended == 'at its end' else f'; {ended}'))


def _head(report):
    run, facts = report['run'], report['facts']
    machine = facts['machine']
    minutes, seconds = divmod(round(run['duration_sec']), 60)
    what = machine['model'] or machine['cpu'] or machine['machine']
    lines = [
        f'check_sticks: {result_line(report)}',
        f"{run['began']}, {minutes} min {seconds} s, driver {run['driver']}, graph "
        f"{run['graph']['name']}, package {_known(machine['packages']['ncs_cluster_detector'])}",
        f"{what}, {_known(machine['cores'])} cores, {_known(machine['memory_mb'])} MB, load "
        f"{_known(machine['load_before'])} before",
        f"{_known(machine['system'])}, kernel {machine['kernel']} {machine['machine']}; "
        f"ROS {_known(machine['ros_distro'])}, Python {machine['python']}, NumPy "
        f"{machine['numpy']}; {_sdk_text(facts)}",
        *_firmware_lines(facts.get('firmware')),
        *_usb_lines(facts['usb'], machine)]
    if machine['load_before'] > (machine['cores'] or 1) * BUSY:
        lines.insert(1, 'NOTE: other programs kept this machine busy before the check began, so '
                     'that rates and times may look worse than they are')
    return [part for line in lines for part in _wrapped(line, '  ')]


def _sdk_text(facts):
    if facts['sdk']:
        name, version, library = 'NCSDK', facts['sdk'].get('api_version'), facts['sdk']
    elif facts.get('usb_library'):
        name, version = 'pyusb', facts['machine']['packages'].get('pyusb')
        library = facts['usb_library']
    else:
        return 'no NCSDK needed'
    return (f"{name} {_known(version)}, libusb {_known(library.get('libusb_version'))}"
            + (f"; {library['error']}" if 'error' in library else ''))


def _firmware_lines(files):
    if files is None:
        return []
    if not files:
        return ['firmware: NONE that can be read']
    return [f"firmware: {file['path']}, {file['bytes']} bytes, sha256 {file['sha256']}"
            for file in files]


def _usb_lines(usb, machine):
    if usb is None:
        return ['USB: this system does not show its devices']
    lines = [f"USB: {len(usb)} sticks; usbfs_memory_mb {_known(machine['usbfs_memory_mb'])}, "
             f"autosuspend {_known(machine['usb_autosuspend_sec'])}, udev rules: "
             f"{', '.join(machine['udev_rules']) or 'NONE for 03e7'}"]
    hubs = {}
    for stick in usb:
        if stick['hub'] is not None:
            hubs.setdefault((stick['bus'], stick['hub']['name']), []).append(stick)
    for (_, name), sticks in hubs.items():
        hub, others = sticks[0]['hub'], sticks[0]['beside_it']
        power = {True: 'own power', False: 'NO power of its own', None: 'power unknown'}
        lines.append(f"  hub {name} ({hub['id']}, {_known(hub['speed_mbit'])} Mbit/s, "
                     f"{power[hub['self_powered']]}): sticks "
                     + ', '.join(stick['port'] for stick in sticks)
                     + (f'; {len(others)} other devices on it' if others else ''))
    return lines


def _verdict_lines(verdicts):
    lines = []
    for verdict in verdicts:
        what = f"{verdict['step']}: {verdict['what']}" if verdict['step'] != 'all' else (
            verdict['what'])
        details = verdict['seen']
        if verdict['outcome'] == NOT_OK and verdict['expected']:
            details += f", expected {verdict['expected']}"
        mark = {OK: 'ok', NOT_OK: 'NOT OK', SKIPPED: 'skipped'}[verdict['outcome']]
        lines += _wrapped(f'{mark:8}{what}{": " if details else ""}{details}', ' ' * 8)
    return lines


def _stick_table(report):
    steps = report['steps']
    speeds = {stick['port']: stick for stick in report['facts']['usb'] or []}
    heat = steps.get('heat', {}).get('sticks', {})
    rates = (steps.get('rates', {}).get('sizes') or [{}])[-1].get('inferences_per_sec', {})
    rows = [('stick', 'port', 'USB', 'ready after', 'inference', 'rate', 'temperature', 'throttle',
             'at rest', 'full load', 'time const.')]
    for stick in report['run']['sticks']:
        number = stick['stick']
        usb = speeds.get(stick['port'], {})
        start = steps.get('start', {}).get('sticks_ready_sec', {}).get(number)
        time_ms = steps.get('rates', {}).get('inference_ms', {}).get(number)
        rows.append((
            str(number), stick['port'], _with(usb.get('speed_mbit'), ' Mbit', 0),
            _with(start, ' s'), _with(time_ms, ' ms', 0), _with(rates.get(number), '/s'),
            *_heat_columns(heat.get(number, {}))))
    if len(rows) == 1:
        return []
    lines = _aligned(rows)
    notes = {}
    for number, one in heat.items():
        if one.get('note'):
            # Notes that differ only in their figures are shown once.
            alike = re.sub(r'[\d.]+', '', one['note'])
            notes.setdefault(alike, (one['note'], []))[1].append(str(number))
    return lines + [line for note, numbers in notes.values() for line in _wrapped(
        f"heat of stick {', '.join(numbers)}: {note}", '  ')]


def _heat_columns(heat):
    about = '' if heat.get('is_sure', True) else '~'
    first, hottest = heat.get('first_celsius'), heat.get('hottest_celsius')
    idle, rise = heat.get('idle_celsius'), heat.get('rise_celsius')
    return (f'{_with(first, digits=0)} to {_with(hottest, digits=0)} °C',
            _with(heat.get('highest_throttle_level'), '', 0),
            about + _with(idle, ' °C', 0),
            about + _with(None if idle is None else idle + rise, ' °C', 0),
            about + _with(heat.get('time_constant_sec'), ' s', 0))


def _rate_table(figures):
    rows = [('at work', 'detections', 'of images', 'latency', '95 %', 'CPU busy')]
    for row in figures.get('sizes', ()):
        rows.append((
            str(row['cluster_size']), _with(row['detections_per_sec'], '/s'),
            _with(row['images_per_sec'], '/s'), _with(row['latency_p50_ms'], ' ms', 0),
            _with(row['latency_p95_ms'], ' ms', 0), f"{row['cpu_busy']:.0%}"))
    return _aligned(rows) if len(rows) > 1 else []


def _kill_lines(steps):
    figures = steps.get('kill a worker', {})
    kills = ', '.join(f"stick {kill['stick']} gap {_with(kill['gap_sec'], ' s', 2)}, back "
                      f"{_with(kill['back_sec'], ' s')}" for kill in figures.get('kills', ()))
    aborted = _known(figures.get('aborted_listings'))
    return _wrapped(f'killed workers: {kills}; lists of sticks broken off: {aborted}',
                    '  ') if kills else []


def _wrapped(text, indent):
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False,
                         break_on_hyphens=False)


def _aligned(rows):
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['  '.join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]


def _with(value, unit='', digits=1):
    return UNKNOWN if value is None else f'{value:.{digits}f}{unit}'


def _known(value):
    return UNKNOWN if value is None else f'{value:g}' if isinstance(value, float) else str(value)
