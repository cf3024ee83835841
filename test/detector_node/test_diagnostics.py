# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The statuses of the cluster and of the sticks: level and message of every rule."""

from dataclasses import replace

from made_up_figures import one_camera
from ncs_cluster_detector.detector_node.diagnostics import statuses
from ncs_cluster_detector.detector_node.heat_explanation import explain_heat
from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.policy.heat.heat_advice import HeatAdvice
from ncs_cluster_detector.policy.heat.heat_advice import HeatCost
from ncs_cluster_detector.policy.reliability.promptness import Slowness
from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.sensor.sensor_fault import SensorFault
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_reason import condition_of
from ncs_cluster_detector.policy.stick_reason import Reason
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.ros.diagnostic_status import owner_of
from ncs_cluster_detector.ros.publication_gaps import Loss
from ncs_cluster_detector.supervision.snapshot import DroppedFrames
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
import pytest

NOW = 1000.0
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
IMAGE = 'sensor_msgs/msg/Image'
LONGEST_MESSAGE = 170
STATUS_FIGURES = ('doubt_sec', 'busy_since', 'inference_sec')
FOUND = ('must_cool', 'likely_celsius', 'standing', 'slowness', 'sensor_fault')
SETTINGS = Settings(switch_temperature=65.0, resume_margin=5.0, critical_margin=10.0)


def stick(number=0, celsius=45.2, age_sec=0.5, active=True, state=StickState.RUNNING, level=0,
          **changed):
    """Return the StickSnapshot of a made-up stick."""
    figures = {name: changed.pop(name) for name in STATUS_FIGURES if name in changed}
    status = StickStatus(number, state, celsius, NOW - age_sec, level, **figures)
    found = {name: changed.pop(name) for name in FOUND if name in changed}
    reading = None if 'sensor_fault' in found else status.reading(NOW)
    condition = condition_of(
        status, SETTINGS, celsius=reading, likely_celsius=found.pop('likely_celsius', None),
        must_cool=found.pop('must_cool', SETTINGS.is_hot(reading)), **found)
    return replace(StickSnapshot(
        status=status, device_name=f'1.{number + 1}-ma2450', active=active, duty_60s=0.5,
        inferences=7, unusable_boxes=0, inference_p50_sec=0.08, restarts=0, last_error='',
        pid=4711, condition=condition), **changed)


def cluster(*sticks, **changed):
    """Return a Snapshot of made-up sticks, all of which are asked for, with images just now."""
    return replace(Snapshot(
        settings=SETTINGS, sticks=sticks,
        active=tuple(one.status.number for one in sticks if one.active), asked_size=len(sticks),
        all_hot=False, heat_advice=None, at_full_speed=False, sustainable_size=None, switches=0,
        last_switch_reason=None, **one_camera(NOW - 0.1, dropped=DroppedFrames(late=3))),
        **changed)


def told(snapshot, intake=Intake('/image_raw', (IMAGE,)), driver='mvnc', owner='detector'):
    """Return the statuses, after a look at what holds for each of them."""
    result = statuses(snapshot, driver, NOW, [intake], owner)
    for status in result:
        assert status.message.isascii()
        assert status.message == ' '.join(status.message.split())
        assert 5 < len(status.message) <= LONGEST_MESSAGE
        assert all(isinstance(item.value, str) for item in status.values)
    return result


def level_and_message(snapshot, *arguments, **named):
    status = told(snapshot, *arguments, **named)[0]
    return status.level, status.message


STICKS = [
    (stick(), OK, 'active, 45.2 C'),
    (stick(active=False), OK, 'resting (turn), 45.2 C'),
    (stick(celsius=61.0, active=False), OK, 'resting (turn), 61.0 C'),
    (stick(celsius=61.0, active=False, must_cool=True), OK, 'resting (hot, until 60.0), 61.0 C'),
    (stick(celsius=64.9), OK, 'active, 64.9 C'),
    (stick(celsius=65.0), WARN, 'hot: 65.0 C, relieved at 65.0 C'),
    (stick(celsius=66.2, active=False), WARN, 'resting (hot, until 60.0), 66.2 C'),
    (stick(celsius=74.9), WARN, 'hot: 74.9 C, relieved at 65.0 C'),
    (stick(celsius=65.2, must_cool=False), WARN, 'hot: 65.2 C, relieved at 65.0 C'),
    (stick(celsius=65.2, must_cool=False, active=False), WARN,
     'resting (turn); hot: 65.2 C, relieved at 65.0 C'),
    # Level and text follow the reading that is shown beside them, not the estimate.
    (stick(celsius=64.8, likely_celsius=65.1, must_cool=True), OK, 'active, 64.8 C'),
    (stick(celsius=64.8, likely_celsius=65.1, must_cool=True, active=False), OK,
     'resting (hot, until 60.0), 64.8 C'),
    (stick(celsius=48.0, sensor_fault=SensorFault.TOO_COLD, likely_celsius=66.2, must_cool=True,
           active=False), WARN, 'resting (no temperature); temperature unknown: its reading is '
     'too cold for its work (48.0 C); its work suggests about 66 C'),
    (stick(celsius=75.0), ERROR, 'too hot to work: 75.0 C, rests from 75.0 C on'),
    (stick(celsius=75.0, active=False), ERROR, 'resting (too hot, until 60.0); too hot to work: '
     '75.0 C, rests from 75.0 C on'),
    (stick(celsius=80.0, level=1), ERROR, 'too hot to work: 80.0 C, rests from 75.0 C on'),
    (stick(celsius=50.0, level=1), WARN, 'throttling level 1 at 50.0 C: it slows itself down; '
     'cool it better, or lower switch_temperature'),
    (stick(celsius=66.0, level=1), WARN, 'hot: 66.0 C, relieved at 65.0 C'),
    (stick(celsius=50.0, level=2), ERROR, 'throttling level 2 at 50.0 C: it pauses for seconds, '
     'so it rests; cool it better'),
    (stick(celsius=66.0, level=2), ERROR, 'throttling level 2 at 66.0 C: it pauses for seconds, '
     'so it rests; cool it better'),
    (stick(age_sec=4.0, level=2), ERROR, 'throttling level 2 at unknown temperature: it pauses '
     'for seconds, so it rests; cool it better'),
    (stick(age_sec=4.0, level=1), WARN, 'throttling level 1 at unknown temperature: it slows '
     'itself down; cool it better, or lower switch_temperature'),
    (stick(celsius=50.0, level=2, active=False), ERROR, 'resting (throttles itself); throttling '
     'level 2 at 50.0 C: it pauses for seconds, so it rests; cool it better'),
    (stick(celsius=50.0, level=1, active=False), WARN, 'resting (turn); throttling level 1 at '
     '50.0 C: it slows itself down; cool it better, or lower switch_temperature'),
    (stick(celsius=None, active=False), WARN, 'resting (no temperature); temperature unknown: no '
     'reading since it was started'),
    (stick(age_sec=3.0), OK, 'active, 45.2 C'),
    (stick(age_sec=4.0), WARN, 'temperature unknown: the last reading is 4 s old (45.2 C)'),
    (stick(celsius=80.0, age_sec=4.0), WARN, 'temperature unknown: the last reading is 4 s old '
     '(80.0 C)'),
    (stick(celsius=None), WARN, 'temperature unknown: no reading since it was started'),
    (stick(unusable_boxes=3), OK, 'active, 45.2 C; 3 unusable boxes dropped'),
    (stick(state=StickState.STARTING), ERROR, 'starting: its worker opens it and loads the '
     'networks'),
    (stick(state=StickState.STOPPING, last_error='no result within 2 s'), ERROR,
     'its worker is being ended; last error: no result within 2 s'),
    (stick(state=StickState.BACKOFF, last_error='two\nlines'), ERROR,
     'waits for its next attempt, a matter of seconds; last error: two lines'),
    (stick(state=StickState.FATAL, last_error='ERROR'), ERROR,
     'given up, tried again every 5 min or when replugged; last error: ERROR'),
    (stick(state=StickState.ABSENT), ERROR, 'not plugged in, starts by itself when it is'),
    (stick(state=StickState.DEAD), ERROR, 'dead: unplug it and plug it in again'),
    (stick(state=StickState.DEAD, dead_since=NOW - 12.0, last_error='it has booted, and has not '
           'answered for 3 s'), ERROR, 'dead: unplug it and plug it in again (booted, no answer '
     'on USB for 12 s, resets by USB have not helped)'),
    (stick(state=StickState.BACKOFF, restarts=4, last_error='hung', start_at=NOW + 40.0), ERROR,
     'waits for its next attempt, in 40 s; last error: hung'),
    (stick(state=StickState.BACKOFF, restarts=1, last_error='hung', start_at=NOW + 1.5), ERROR,
     'waits for its next attempt, a matter of seconds; last error: hung'),
    (stick(state=StickState.QUEUED, restarts=1, last_error='hung', start_at=NOW - 9.0), ERROR,
     'waits for its turn to start: one stick at a time; last error: hung'),
    (stick(state=StickState.QUEUED, start_at=NOW - 9.0), ERROR,
     'waits for its turn to start: one stick at a time'),
    (stick(standing=Standing.DOUBTED, doubt_sec=5.0, last_error='hung'), OK, 'active, 45.2 C'),
    (stick(standing=Standing.DOUBTED, doubt_sec=29.4, last_error='hung'), WARN,
     'active, 45.2 C; in doubt until it has done 29 s of good work: hung'),
    (stick(standing=Standing.DOUBTED, doubt_sec=3600.0, last_error='very ' * 99, active=False),
     WARN, 'resting (in doubt), 45.2 C; in doubt until it has done 3600 s of good work: '
     + 'very ' * 17 + 've...'),
    (stick(standing=Standing.UNPROVEN, doubt_sec=30.0, last_error='hung', active=False), WARN,
     'resting (on trial), 45.2 C; in doubt until it has done 30 s of good work: hung'),
    (stick(standing=Standing.LATE, busy_since=NOW - 0.6, inference_sec=0.065, active=False), WARN,
     'resting (no answer), 45.2 C; no answer for 0.6 s, usual is 65 ms: others work in its '
     'place'),
    (stick(standing=Standing.LATE, busy_since=NOW - 0.6), WARN,
     'active, 45.2 C; no answer for 0.6 s, usual is 100 ms: others work in its place'),
    (stick(standing=Standing.SLOW, slowness=Slowness(0.16, 0.07)), WARN,
     'active, 45.2 C; 2.3 times slower than the others (160 ms, theirs 70 ms), so it works only '
     'when needed: a USB 2 port, a poor cable? Try others'),
    (stick(standing=Standing.USELESS, slowness=Slowness(0.671, 0.067), active=False), WARN,
     'resting (slow), 45.2 C; 10.0 times slower than the others (671 ms, theirs 67 ms), so it '
     'rests: a USB 2 port, a poor cable? Try others'),
    (stick(celsius=66.0, standing=Standing.USELESS, slowness=Slowness(0.671, 0.067)), WARN,
     'hot: 66.0 C, relieved at 65.0 C'),
]


@pytest.mark.parametrize('one, level, message', STICKS, ids=[row[2][:40] for row in STICKS])
def test_a_stick(one, level, message):
    _, status = told(cluster(one))
    assert (status.name, status.hardware_id) == ('detector: stick 0', '1.1-ma2450')
    assert (status.level, status.message) == (level, message)


def test_a_long_error_is_cut_in_the_message_and_whole_in_the_values():
    error = 'opening stick 1.1-ma2450: ' + 'very ' * 40 + 'wrong'
    for state in StickState:
        _, status = told(cluster(stick(state=state, last_error=error, active=False)))
        values = {item.key: item.value for item in status.values}
        assert values['last_error'] == error
        if state is not StickState.RUNNING:
            assert status.message.endswith('...')


def test_the_values_of_a_stick():
    _, status = told(cluster(stick(level=1, restarts=2, last_error='gone', active=False)))
    assert [(item.key, item.value) for item in status.values] == [
        ('active', 'false'), ('state', 'RUNNING'), ('temperature_celsius', '45.2'),
        ('throttle_level', '1'), ('duty_60s', '0.50'), ('inferences', '7'),
        ('inference_ms_p50', '80.0'), ('restarts', '2'), ('last_error', 'gone'), ('pid', '4711'),
        ('frames_lost', '0')]


def test_what_is_not_known_of_a_stick():
    _, status = told(cluster(stick(age_sec=9.0, inference_p50_sec=None, pid=None)))
    values = {item.key: item.value for item in status.values}
    assert values['temperature_celsius'] == values['inference_ms_p50'] == 'unknown'
    assert values['pid'] == ''


def test_a_cluster_that_is_well():
    sticks = (stick(0), stick(1, active=False), stick(2))
    assert level_and_message(cluster(*sticks, asked_size=2)) == (
        OK, '2 of 3 sticks active, 23.5 of 24.0 images a second')


WHY_NOT_ACTIVE = [
    (stick(1, state=StickState.STARTING, active=False), 'stick 1 starting'),
    (stick(1, state=StickState.STOPPING, active=False), 'stick 1 failed'),
    (stick(1, state=StickState.BACKOFF, active=False), 'stick 1 waits after a failure'),
    (stick(1, state=StickState.QUEUED, active=False), 'stick 1 waits to be started'),
    (stick(1, state=StickState.FATAL, active=False), 'stick 1 given up'),
    (stick(1, state=StickState.ABSENT, active=False), 'stick 1 not plugged in'),
    (stick(1, state=StickState.DEAD, active=False, dead_since=NOW - 12.0),
     'stick 1 dead (unplug it and plug it in again)'),
    (stick(1, level=2, active=False), 'stick 1 throttles itself'),
    (stick(1, celsius=None, active=False), 'stick 1 no temperature'),
    (stick(1, active=False, standing=Standing.LATE, busy_since=NOW - 0.6),
     'stick 1 no answer'),
    (stick(1, active=False, standing=Standing.UNPROVEN), 'stick 1 on trial after a failure'),
    (stick(1, active=False, standing=Standing.USELESS), 'stick 1 much slower than the others'),
    (stick(1, celsius=66.2, active=False), 'stick 1 hot (66.2 C)'),
    # One that throttles itself for heat is slow, too; its own status names the heat first.
    (stick(1, celsius=80.1, active=False, level=2, standing=Standing.USELESS),
     'stick 1 too hot (80.1 C)'),
    (stick(1, celsius=66.3, active=False, level=1, standing=Standing.SLOW),
     'stick 1 hot (66.3 C)'),
    (stick(1, celsius=58.1, active=False, must_cool=True, standing=Standing.SLOW),
     'stick 1 cooling (58.1 C)'),
    (stick(1, celsius=60.0, active=False, must_cool=True), 'stick 1 cooling (60.0 C)'),
    (stick(1, celsius=60.0, active=False), 'stick 1 resting (60.0 C)'),
    # Its estimate has never been hot, so that it is as fit as any.
    (stick(1, celsius=65.2, active=False, must_cool=False), 'stick 1 resting (65.2 C)'),
    (stick(1, celsius=59.9, active=False), 'stick 1 resting (59.9 C)'),
]


@pytest.mark.parametrize('one, why', WHY_NOT_ACTIVE, ids=[row[1] for row in WHY_NOT_ACTIVE])
def test_fewer_active_than_asked_for(one, why):
    assert level_and_message(cluster(stick(0), one)) == (WARN, f'1 of 2 sticks active: {why}')


def test_more_asked_for_than_there_are():
    assert level_and_message(cluster(stick(0), asked_size=3)) == (
        WARN, '1 of 3 sticks active: only 1 stick found')


def test_of_many_missing_sticks_some_are_named():
    missing = [stick(number, state=StickState.QUEUED, active=False) for number in range(1, 9)]
    assert level_and_message(cluster(stick(0), *missing)) == (
        WARN, '1 of 9 sticks active: ' + ', '.join(
            f'stick {number} waits to be started' for number in range(1, 5)) + ', 4 more')


@pytest.mark.parametrize('sticks, why', [
    ([stick(0, celsius=76.0, active=False), stick(1, state=StickState.ABSENT, active=False)],
     'stick 0 too hot (76.0 C), stick 1 not plugged in'),
    ([stick(0, state=StickState.STARTING, active=False)], 'stick 0 starting'),
    ([stick(0, state=StickState.DEAD, active=False)],
     'stick 0 dead (unplug it and plug it in again)'),
])
def test_no_usable_stick(sticks, why):
    assert level_and_message(cluster(*sticks)) == (ERROR, f'no stick is usable: {why}')


def test_no_stick_at_all():
    level, message = level_and_message(cluster())
    assert level == ERROR
    assert message.startswith('no stick found: is one plugged in (lsusb shows 03e7)')
    assert level_and_message(cluster(), driver='simulated') == (
        ERROR, 'no stick found: start the node with simulated.sticks above 0')


DISABLED = replace(SETTINGS, enabled=False)
RESTS = 'disabled: all sticks rest until enabled is true'


def resting(number=0, **changed):
    """Return the StickSnapshot of one that rests while detection is disabled."""
    one = stick(number, active=False, **changed)
    if one.condition.reason is Reason.NONE:
        one = replace(one, condition=replace(one.condition, reason=Reason.DISABLED))
    return one


@pytest.mark.parametrize('sticks, level, message', [
    ([resting(0), resting(1)], OK, RESTS),
    ([resting(0, celsius=66.0), resting(1, celsius=62.0, must_cool=True)], OK, RESTS),
    ([resting(0, celsius=None), resting(1, standing=Standing.UNPROVEN)], OK, RESTS),
    ([resting(0), resting(1, state=StickState.FATAL)], WARN,
     'disabled; 1 of 2 sticks usable: stick 1 given up'),
    ([resting(0, celsius=75.0), resting(1)], WARN,
     'disabled; 1 of 2 sticks usable: stick 0 too hot (75.0 C)'),
    ([resting(0, state=StickState.STARTING), resting(1, state=StickState.QUEUED)], ERROR,
     'disabled; no stick is usable: stick 0 starting, stick 1 waits to be started'),
    ([resting(0, level=2), resting(1, standing=Standing.LATE, busy_since=NOW - 0.6)], ERROR,
     'disabled; no stick is usable: stick 0 throttles itself, stick 1 no answer')])
def test_disabled_says_first_that_it_is_and_then_what_is_wrong(sticks, level, message):
    snapshot = cluster(*sticks, settings=DISABLED, **one_camera(NOW - 60.0))
    assert level_and_message(snapshot) == (level, message)


def test_disabled_with_fewer_sticks_than_asked_for_or_none():
    assert level_and_message(cluster(resting(), settings=DISABLED, asked_size=3)) == (
        WARN, 'disabled; 1 of 3 sticks usable: only 1 stick found')
    assert level_and_message(cluster(settings=DISABLED), driver='simulated') == (
        ERROR, 'disabled; no stick found: start the node with simulated.sticks above 0')
    level, message = level_and_message(cluster(settings=DISABLED))
    assert (level, message[:25]) == (ERROR, 'disabled; no stick found:')


def test_disabled_more_sticks_than_asked_for_may_be_missing():
    sticks = resting(0), resting(1, state=StickState.ABSENT), resting(2)
    assert level_and_message(cluster(*sticks, settings=DISABLED, asked_size=2)) == (OK, RESTS)


def test_disabled_heat_costs_nothing_and_unusable_images_are_still_counted():
    advice = HeatAdvice(HeatCost.PACING, 2, 2, 65.0, 0.2, sustainable=0.9)
    snapshot = cluster(resting(), settings=DISABLED, heat_advice=advice)
    assert level_and_message(snapshot, Intake('/image_raw', (IMAGE,), 2)) == (
        OK, RESTS + '; 2 unusable images dropped')


def test_all_hot():
    assert level_and_message(cluster(stick(celsius=66.0), all_hot=True)) == (
        WARN, 'sticks are hot (switch_temperature 65.0 C) and none is rested')


def test_heat_that_costs_speed():
    advice = HeatAdvice(HeatCost.PACING, 2, 2, 65.0, 0.2, sustainable=0.9)
    assert level_and_message(cluster(stick(), heat_advice=advice, all_hot=True)) == (
        WARN, explain_heat(advice))


@pytest.mark.parametrize('types, why', [
    ((), 'nobody publishes there; start the camera, or remap image_raw to its topic'),
    ((IMAGE,), '1 publisher, but nothing usable arrives; does ros2 topic hz show it?'),
    (('sensor_msgs/msg/CompressedImage', IMAGE, IMAGE),
     '2 publishers, but nothing usable arrives; does ros2 topic hz show it?'),
    (('sensor_msgs/msg/CompressedImage',),
     'sensor_msgs/msg/CompressedImage is published there, expected ' + IMAGE),
])
def test_no_image(types, why):
    intake = Intake('/camera/image_raw', types)
    silent = cluster(stick(), **one_camera(NOW - 7.2))
    assert level_and_message(silent, intake) == (
        WARN, f'no image for 7 s on /camera/image_raw: {why}')


@pytest.mark.parametrize('silent_sec, level', [(5.0, OK), (5.1, WARN)])
def test_five_seconds_without_an_image_are_a_warning(silent_sec, level):
    snapshot = cluster(stick(), **one_camera(NOW - silent_sec))
    assert level_and_message(snapshot)[0] == level


def test_no_image_is_no_more_than_a_warning_and_no_less_than_an_error():
    silent = cluster(stick(active=False, celsius=80.0), **one_camera(NOW - 7.0))
    level, message = level_and_message(silent)
    assert level == ERROR
    assert message.startswith('no stick is usable: stick 0 too hot (80.0 C); no image for 7 s on ')


LOSSY = Intake('/image_raw', (IMAGE,), loss=Loss(0.6, 12.1, 30.2))
LOST = ('60 % of the images of /image_raw are lost on the way (12.1 of 30.2 a second arrive): see '
        'docs/transport.md')


def test_images_that_are_lost_on_the_way():
    assert level_and_message(cluster(stick()), LOSSY) == (OK, LOST)
    silent = cluster(stick(), **one_camera(NOW - 7.0))
    assert 'lost' not in level_and_message(silent, LOSSY)[1]
    assert level_and_message(cluster(resting(), settings=DISABLED), LOSSY) == (OK, RESTS)


def test_images_of_a_named_camera_that_are_lost_on_the_way():
    named = replace(LOSSY, camera='front')
    _, camera, *_ = told(cluster(stick()), named)
    assert (camera.name, camera.level, camera.message) == ('detector: camera front', OK, LOST)


RIVALS = '1 other node named /detector: rename one'


@pytest.mark.parametrize('snapshot, level, message', [
    (cluster(stick()), WARN, RIVALS),
    (cluster(stick(active=False, celsius=80.0)), ERROR,
     f'no stick is usable: stick 0 too hot (80.0 C); {RIVALS}'),
    (cluster(stick(), all_hot=True), WARN,
     f'{RIVALS}; sticks are hot (switch_temperature 65.0 C) and none is rested')])
def test_rivals(snapshot, level, message):
    status = statuses(snapshot, 'mvnc', NOW, [Intake('/image_raw')], rivals=RIVALS)[0]
    assert (status.level, status.message) == (level, message)


def test_rivals_of_a_disabled_cluster():
    snapshot = cluster(resting(), settings=DISABLED)
    status = statuses(snapshot, 'mvnc', NOW, [Intake('/image_raw')], rivals=RIVALS)[0]
    assert (status.level, status.message) == (WARN, f'disabled; {RIVALS}')


def test_unusable_messages_are_counted():
    status = told(cluster(stick()), Intake('/image_raw', (IMAGE,), 2, 4))[0]
    assert status.level == OK
    assert status.message.endswith('; 2 unusable images dropped; 4 unusable depth images dropped')


def test_every_dropped_image_has_a_reason():
    snapshot = cluster(stick(frames_lost=4), **one_camera(NOW, dropped=DroppedFrames(1, 2, 4, 8)))
    first, second = (
        {item.key: item.value for item in status.values} for status in told(
            snapshot, Intake('/image_raw', (IMAGE,), 16, 1000, 32)))
    assert first['frames_dropped'] == '63'
    assert [first[f'dropped_{reason}'] for reason in (
        'replaced', 'too_old', 'lost', 'late', 'malformed', 'before_node')] == [
            '1', '2', '4', '8', '16', '32']
    assert second['frames_lost'] == '4'


def test_names_begin_with_their_owner():
    assert [status.name for status in told(cluster(stick(0), stick(1)), owner='front/detector')
            ] == ['front/detector: cluster', 'front/detector: stick 0', 'front/detector: stick 1']


@pytest.mark.parametrize('full, owner', [
    ('/detector', 'detector'), ('/front/detector', 'front/detector'),
    ('/front/camera/camera', 'front/camera'), ('/camera/camera', 'camera'),
    ('/camera/camera/camera', 'camera/camera'), ('/a/camera/b', 'a/camera/b')])
def test_the_owner_is_the_name_of_the_node_without_slash_and_repetition(full, owner):
    assert owner_of(full) == owner
