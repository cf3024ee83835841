# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Texts for people about the sticks: why each works or rests, and what a change did."""

from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.policy.decision import Decision
from ncs_cluster_detector.policy.decision import SwitchReason
from ncs_cluster_detector.policy.reliability.promptness import TYPICAL_SEC
from ncs_cluster_detector.policy.reliability.restart import REST_SEC
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.reliability.trust import LATE_SEC
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import Reason
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.ros.diagnostic_status import shortened
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot

SOON_SEC = 3.0   # a wait up to this long is called a matter of seconds

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
    SensorFault.NONE_TOLD: 'the stick gives none',
    SensorFault.STANDS_STILL: 'its reading does not change with its work',
    SensorFault.FELL_AT_WORK: 'its reading fell while it worked',
    SensorFault.TOO_COLD: 'its reading is too cold for its work'}
_TOO_HOT = 'is too hot ({celsius}, returns below {resume} C)'
# Why a running stick rests: in the status of the cluster; in its own status, short enough for a
# line of the live view; and, after the stick's name, in the answer of switch_cluster.
_REASONS = {
    Reason.CRITICAL: ('too hot ({celsius})', 'too hot, until {resume}', _TOO_HOT),
    Reason.THROTTLES: ('throttles itself', 'throttles itself', 'throttles itself (level {level})'),
    Reason.LATE: ('no answer', 'no answer', 'has not answered in time'),
    Reason.UNPROVEN: ('on trial after a failure', 'on trial',
                      'has failed, and given no results since'),
    Reason.UNKNOWN_TEMPERATURE: ('no temperature', 'no temperature', 'gives no temperature'),
    Reason.HOT: ('hot ({celsius})', 'hot, until {resume}', _TOO_HOT),
    Reason.COOLING: ('cooling ({celsius})', 'hot, until {resume}', _TOO_HOT),
    Reason.USELESS: ('much slower than the others', 'slow', 'is too slow'),
    Reason.SLOW: ('slower than the others', 'slow', 'is slower than the others'),
    Reason.DOUBTED: ('in doubt', 'in doubt',
                     'is in doubt: it failed or was late just now'),
    Reason.DISABLED: ('disabled', 'disabled', 'rests while enabled is false'),
    Reason.NONE: ('resting ({celsius})', 'turn', 'waits for its turn; ask again')}
_SWITCHES = {
    None: '',
    SwitchReason.READY: 'a stick became ready',
    SwitchReason.CYCLE: 'switch cycle',
    SwitchReason.TEMPERATURE: 'switch temperature reached',
    SwitchReason.CRITICAL: 'critical temperature reached',
    SwitchReason.LOST: 'stick lost',
    SwitchReason.LATE: 'no answer from a stick',
    SwitchReason.UNRELIABLE: 'unreliable stick relieved',
    SwitchReason.SETTINGS: 'cluster size changed',
    SwitchReason.ENABLED: 'enabled changed',
    SwitchReason.REQUEST: 'asked for by switch_cluster'}


def explain_switch(reason: SwitchReason | None) -> str:
    """Return why the active set changed last; empty if it never did."""
    return _SWITCHES[reason]


def short_reason(stick: StickSnapshot, settings: Settings) -> str:
    """Return why a stick is not active, in a few words."""
    if stick.away:
        return f'cannot be reached: {shortened(stick.away)}'
    if stick.in_use:
        return 'in use by another program'
    if stick.condition.reason is Reason.NOT_RUNNING:
        return _SHORT_STATES[stick.status.state]
    return _reason(stick, settings, 0)


def switch_answer(decision: Decision, snapshot: Snapshot) -> tuple[bool, str]:
    """
    Return whether a request changed the cluster, and one line: what changed, or why nothing did.

    :param snapshot: the state after the decision.
    """
    if decision.left and decision.joined:
        return True, (f'{_named(decision.left)} relieved by {_named(decision.joined)}; active: '
                      f'{_named(decision.active)}')
    if decision.joined:
        return True, f'{_named(decision.joined)} joined; active: {_named(decision.active)}'
    resting = [stick for stick in snapshot.sticks if stick.status.number not in decision.active]
    if not resting:
        return False, (f'no other stick: all {len(snapshot.sticks)} are active (cluster_size='
                       f'{snapshot.settings.cluster_size}); lower it, or add sticks')
    return False, 'no other stick is fit: ' + '; '.join(
        f'stick {stick.status.number} {_why_not_fit(stick, snapshot.settings)}'
        for stick in resting)


def _why_not_fit(stick: StickSnapshot, settings: Settings) -> str:
    if stick.away:
        return f'cannot be reached ({shortened(stick.away)})'
    if stick.in_use:
        return 'is in use by another program'
    if stick.condition.reason is Reason.NOT_RUNNING:
        return f'is {stick.status.state.value}'
    return _reason(stick, settings, 2)


def _named(numbers: Sequence[int]) -> str:
    return f'{"stick" if len(numbers) == 1 else "sticks"} {", ".join(map(str, numbers))}'


def _reason(stick: StickSnapshot, settings: Settings, column: int) -> str:
    return _REASONS[stick.condition.reason][column].format(
        celsius=_shown(stick), resume=f'{settings.resume_temperature:.1f}',
        level=stick.status.throttle_level)


def _shown(stick: StickSnapshot) -> str:
    celsius = stick.condition.celsius
    if celsius is None:
        return 'unknown temperature' if stick.status.has_thermometer else 'no thermometer'
    return f'{celsius:.1f} C'


def judge_stick(stick: StickSnapshot, settings: Settings, now: float) -> tuple[bytes, str]:
    """Return level and text of a stick's DiagnosticStatus at a monotonic time in seconds."""
    status, condition = stick.status, stick.condition
    if stick.in_use:
        return DiagnosticStatus.ERROR, (
            'in use by another program, starts by itself when it is free')
    if condition.reason is Reason.NOT_RUNNING:
        reason = f'; last error: {shortened(stick.last_error)}' if stick.last_error else ''
        if stick.away:
            return DiagnosticStatus.ERROR, f'cannot be reached: {shortened(stick.away)}'
        what = _STATES[status.state]
        if status.state is StickState.BACKOFF and (stick.start_at or now) > now + SOON_SEC:
            what = f'waits for its next attempt, in {stick.start_at - now:.0f} s'
        if stick.dead_since is not None:
            reason = (f' (booted, no answer on USB for {now - stick.dead_since:.0f} s, resets by '
                      'USB have not helped)')
        return DiagnosticStatus.ERROR, what + reason
    rests = '' if stick.active else f'resting ({_reason(stick, settings, 1)})'
    level, trouble = _judge_heat(stick, settings, now)
    if trouble:
        return level, f'{rests}; {trouble}' if rests else trouble
    what = f'{rests or "active"}, {_shown(stick)}'
    if condition.slowness is not None:
        return DiagnosticStatus.WARN, f'{what}; {_how_slow(stick)}'
    if condition.reason in (Reason.LATE, Reason.UNPROVEN) or status.doubt_sec > LATE_SEC:
        return DiagnosticStatus.WARN, f'{what}; {_what_doubt(stick, now)}'
    return level, what


def _judge_heat(stick: StickSnapshot, settings: Settings, now: float) -> tuple[bytes, str]:
    """Return the level and the trouble with heat or temperature; the text is empty if none."""
    condition, throttling, shown = stick.condition, stick.status.throttle_level, _shown(stick)
    if condition.reason is Reason.CRITICAL:
        return DiagnosticStatus.ERROR, (f'too hot to work: {condition.celsius:.1f} C, rests from '
                                        f'{settings.critical_temperature:.1f} C on')
    if condition.reason is Reason.THROTTLES:
        return DiagnosticStatus.ERROR, (f'throttling level {throttling} at {shown}: it pauses '
                                        'for seconds, so it rests; cool it better')
    if condition.is_hot:
        # The reason why it rests says the same already.
        is_said = not stick.active and condition.reason is not Reason.NONE
        return DiagnosticStatus.WARN, '' if is_said else (
            f'hot: {condition.celsius:.1f} C, relieved at '
            f'{settings.switch_temperature:.1f} C')
    if throttling:
        return DiagnosticStatus.WARN, (f'throttling level {throttling} at {shown}: it slows '
                                       'itself down; cool it better, or lower switch_temperature')
    if condition.celsius is None and stick.status.has_thermometer:
        return DiagnosticStatus.WARN, _why_unknown(stick, now)
    return DiagnosticStatus.OK, ''


def _why_unknown(stick: StickSnapshot, now: float) -> str:
    status, condition = stick.status, stick.condition
    if condition.sensor_fault is not None:
        reading = '' if status.celsius is None else f' ({status.celsius:.1f} C)'
        why = f'{_SENSOR_FAULTS[condition.sensor_fault]}{reading}'
    elif status.celsius is None:
        why = 'no reading since it was started'
    else:
        why = (f'the last reading is {now - status.measured_at:.0f} s old '
               f'({status.celsius:.1f} C)')
    likely = '' if condition.likely_celsius is None else (
        f'; its work suggests about {condition.likely_celsius:.0f} C')
    return f'temperature unknown: {why}{likely}'


def _how_slow(stick: StickSnapshot) -> str:
    slow = stick.condition.slowness
    works = 'rests' if stick.condition.standing is Standing.USELESS and not stick.active else (
        'works only when needed')
    return (f'{slow.factor:.1f} times slower than the others ({slow.recent_sec * 1000:.0f} ms, '
            f'theirs {slow.typical_sec * 1000:.0f} ms), so it {works}: a USB 2 port, a poor '
            'cable? Try others')


def _what_doubt(stick: StickSnapshot, now: float) -> str:
    status = stick.status
    if stick.condition.reason is Reason.LATE:
        return (f'no answer for {now - status.busy_since:.1f} s, usual is '
                f'{(status.inference_sec or TYPICAL_SEC) * 1000:.0f} ms: others work in its place')
    return (f'in doubt until it has done {status.doubt_sec:.0f} s of good work: '
            f'{shortened(stick.last_error)}')
