# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What is said about one stick, for people."""

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.policy.reliability.promptness import TYPICAL_SEC
from ncs_cluster_detector.policy.reliability.restart import REST_SEC
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.reliability.trust import LATE_SEC
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.ros.diagnostic_status import shortened

SOON_SEC = 3.0   # what comes within this time is a matter of seconds

_SHORT_STATES = {
    StickState.STARTING: 'starting', StickState.STOPPING: 'failed',
    StickState.BACKOFF: 'waits after a failure',
    StickState.QUEUED: 'waits to be started', StickState.FATAL: 'given up',
    StickState.ABSENT: 'not plugged in', StickState.DEAD: 'dead (unplug it and plug it in again)'}
_STATES = {
    StickState.STARTING: 'starting: its worker opens it and loads the networks',
    StickState.STOPPING: 'its worker is being ended',
    StickState.BACKOFF: 'waits for its next attempt, a matter of seconds',
    StickState.QUEUED: 'waits for its turn to start: one stick at a time',
    StickState.FATAL: f'given up, tried again every {REST_SEC / 60:.0f} min or when replugged',
    StickState.ABSENT: 'not plugged in, starts by itself when it is',
    StickState.DEAD: 'dead: unplug it and plug it in again'}
_SENSOR_FAULTS = {
    SensorFault.NONE_TOLD: 'the stick tells none',
    SensorFault.STANDS_STILL: 'what its sensor tells does not change with its work',
    SensorFault.FELL_AT_WORK: 'what its sensor tells fell while it worked',
    SensorFault.TOO_COLD: 'what its sensor tells is too cold for its work'}
_SHORT_STANDINGS = {
    Standing.LATE: 'owes a result', Standing.UNPROVEN: 'on trial after a failure',
    Standing.USELESS: 'much slower than the others', Standing.SLOW: 'slower than the others'}
# Why a stick rests, in words short enough for a line of the live view.
_WHY_IT_RESTS = {
    Standing.LATE: 'no answer', Standing.UNPROVEN: 'on trial', Standing.USELESS: 'slow',
    Standing.SLOW: 'slow', Standing.DOUBTED: 'in doubt'}


def short_reason(stick, settings, now):
    """Return in a few words why a stick is not active; see judge_stick."""
    status = stick.status
    celsius = stick.reading(now)
    if stick.in_use:
        return 'in use by another program'
    if status.state is not StickState.RUNNING:
        return _SHORT_STATES[status.state]
    # In the order in which its own status says why it rests, so that both say the same.
    hot = f'hot ({celsius:.1f} C)' if settings.is_hot(celsius) else ''
    if settings.is_critical(celsius):
        return hot
    if status.throttle_level >= 2:
        return 'throttles itself'
    if stick.standing in (Standing.LATE, Standing.UNPROVEN):
        return _SHORT_STANDINGS[stick.standing]
    if celsius is None:
        return 'of unknown temperature'
    if hot:
        return hot
    if stick.standing in _SHORT_STANDINGS and not stick.must_cool:
        return _SHORT_STANDINGS[stick.standing]
    cools = stick.must_cool or celsius >= settings.resume_temperature
    return f'{"cooling" if cools else "resting"} ({celsius:.1f} C)'


def judge_stick(stick, settings, now):
    """
    Return the level of a stick's DiagnosticStatus, and one line of text.

    :param stick: the StickSnapshot.
    :param settings: the Settings in force.
    :param now: seconds of the monotonic clock.
    """
    status = stick.status
    celsius = stick.reading(now)
    shown = 'unknown temperature' if celsius is None else f'{celsius:.1f} C'
    if stick.in_use:
        return DiagnosticStatus.ERROR, (
            'in use by another program, starts by itself when it is free')
    if status.state is not StickState.RUNNING:
        reason = f'; last error: {shortened(stick.last_error)}' if stick.last_error else ''
        what = _STATES[status.state]
        if status.state is StickState.BACKOFF and (stick.start_at or now) > now + SOON_SEC:
            what = f'waits for its next attempt, in {stick.start_at - now:.0f} s'
        if stick.dead_since is not None:
            reason = (f' (booted, no answer on USB for {now - stick.dead_since:.0f} s, resets by '
                      'USB have not helped)')
        return DiagnosticStatus.ERROR, what + reason
    rests = '' if stick.active else f'resting ({_why_it_rests(stick, settings, now)})'
    level, trouble = _judge_heat(stick, settings, now, shown)
    if trouble:
        return level, f'{rests}; {trouble}' if rests else trouble
    what = f'{rests or "active"}, {shown}'
    if stick.slowness is not None:
        return DiagnosticStatus.WARN, f'{what}; {_how_slow(stick)}'
    if stick.standing in (Standing.LATE, Standing.UNPROVEN) or status.doubt_sec > LATE_SEC:
        return DiagnosticStatus.WARN, f'{what}; {_what_doubt(stick, now)}'
    return level, what


def _why_it_rests(stick, settings, now):
    """Return why a running stick rests, in words short enough for a line of the live view."""
    celsius = stick.reading(now)
    until = f'until {settings.resume_temperature:.1f}'
    if settings.is_critical(celsius):
        return f'too hot, {until}'
    if stick.status.throttle_level >= 2:
        return 'throttles itself'
    if stick.standing in (Standing.LATE, Standing.UNPROVEN):
        return _WHY_IT_RESTS[stick.standing]
    if celsius is None:
        return 'no temperature'
    if stick.must_cool or settings.is_hot(celsius):
        return f'hot, {until}'
    return _WHY_IT_RESTS.get(stick.standing, 'turn')


def _judge_heat(stick, settings, now, shown):
    """Return the level, and what is the matter with heat or temperature, empty if nothing."""
    status = stick.status
    celsius = stick.reading(now)
    if settings.is_critical(celsius):
        return DiagnosticStatus.ERROR, (f'too hot to work: {celsius:.1f} C, rests from '
                                        f'{settings.critical_temperature:.1f} C on')
    if status.throttle_level >= 2:
        return DiagnosticStatus.ERROR, (f'throttling level {status.throttle_level} at {shown}: it '
                                        'pauses for seconds, so it rests; cool it better')
    if settings.is_hot(celsius):
        return DiagnosticStatus.WARN, (
            f'hot: {celsius:.1f} C, relieved at {settings.switch_temperature:.1f} C'
            if stick.active else '')   # why it rests says the same
    if status.throttle_level == 1:
        return DiagnosticStatus.WARN, (f'throttling level 1 at {shown}: it slows itself down; '
                                       'cool it better, or lower switch_temperature')
    if celsius is None:
        return DiagnosticStatus.WARN, _why_unknown(stick, now)
    return DiagnosticStatus.OK, ''


def _why_unknown(stick, now):
    status = stick.status
    if stick.sensor_fault is not None:
        told = '' if status.celsius is None else f' ({status.celsius:.1f} C)'
        why = f'{_SENSOR_FAULTS[stick.sensor_fault]}{told}'
    elif status.celsius is None:
        why = 'no reading since it was started'
    else:
        why = (f'the last reading is {now - status.measured_at:.0f} s old '
               f'({status.celsius:.1f} C)')
    likely = '' if stick.likely_celsius is None else (
        f'; it has about {stick.likely_celsius:.0f} C by its work')
    return f'temperature unknown: {why}{likely}'


def _how_slow(stick):
    slow = stick.slowness
    works = 'rests' if stick.standing is Standing.USELESS and not stick.active else (
        'works only when needed')
    return (f'{slow.factor:.1f} times slower than the others ({slow.recent_sec * 1000:.0f} ms, '
            f'theirs {slow.typical_sec * 1000:.0f} ms), so it {works}: a USB 2 port, a poor '
            'cable? Try others')


def _what_doubt(stick, now):
    status = stick.status
    if stick.standing is Standing.LATE:
        return (f'owes a result for {now - status.busy_since:.1f} s, usual are '
                f'{(status.inference_sec or TYPICAL_SEC) * 1000:.0f} ms: others work in its place')
    return (f'in doubt until it has done {status.doubt_sec:.0f} s of good work: '
            f'{shortened(stick.last_error)}')
