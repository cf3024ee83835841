# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A made-up state of a run, for tests of what is made of it."""

from pathlib import Path
import sys
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'standalone'))

from runner.tally import PixelDetection  # noqa: E402, I100
from runner.state import RunState  # noqa: E402, I100

PERSON = PixelDetection('person', 0.87, 100.0, 60.0, 50.0, 120.0)
DOG = PixelDetection('dog', 0.64, 20.0, 150.0, 60.0, 40.0)


def status(name, level=0, message='all is well', device_name='', **values):
    """Return what looks like a DiagnosticStatus."""
    return SimpleNamespace(
        name=name, level=bytes([level]), message=message, hardware_id=device_name,
        values=[SimpleNamespace(key=key, value=str(value)) for key, value in values.items()])


def stick_status(number, celsius, active=False, level=0, state='RUNNING', inferences=0,
                 why='turn', host=''):
    """Return the status of a stick, at port 1.1 for the number 0, of this host or another."""
    message = f'active, {celsius} C' if active else f'resting ({why}), {celsius} C'
    return status(
        f'detector: stick {number}', level, message if state == 'RUNNING' else state.lower(),
        f'{host}/1.{number + 1}-ma2450'.lstrip('/'), active=str(active).lower(), state=state,
        temperature_celsius=celsius, throttle_level=0, duty_60s='0.36', inferences=inferences,
        inference_ms_p50='82.1', restarts=0, last_error='', pid=4711)


def cluster_status(active=(), switches=0, reason='', level=0, message='all is well'):
    """Return the status of the cluster."""
    return status(
        'detector: cluster', level, message, driver='simulated', cluster_size=2,
        active_sticks=','.join(map(str, active)), switches=switches, last_switch_reason=reason,
        input_fps='24.0', detection_fps='23.5', latency_ms_p50='87.3', latency_ms_p95='143.1',
        frames_dropped=16)


def camera_status(published=500, level=0, message='all is well', camera=''):
    """Return the status of the camera's node, or of that of one of several cameras."""
    return status(f'{camera}/camera: video'.lstrip('/'), level, message,
                  frames_published=published)


def share_status(camera, detection_fps=11.7, dropped=8, level=0, message='all is well'):
    """Return what the detector tells of one of several cameras."""
    return status(
        f'detector: camera {camera}', level, message, camera, input_fps='24.0',
        detection_fps=detection_fps, latency_ms_p50='87.3', latency_ms_p95='143.1',
        frames_dropped=dropped, dropped_replaced=dropped, weight='1.0', max_fps='0.0')


def host_status(host, state='SERVES', level=0, message='all is well'):
    """Return what the detector tells of another host."""
    return status(f'detector: host {host}', level, message, host, state=state, sticks='')


def made_up_state(sticks=5, seconds=3, first_celsius=31.4, cameras=(), hosts=()):
    """
    Return a RunState, begun at 100 s, that has heard ``seconds`` messages from second 102 on.

    Sticks 0 and 3 are active, until at the last second 1 takes the turn of 0; stick n is n
    degrees warmer than the one before, and all heat by 2 degrees a second. Of several cameras the
    first one has seen what is seen. With hosts they have the sticks in turn.
    """
    state = RunState(100.0, cameras, hosts)
    for camera in cameras or ['']:
        state.take_statuses([camera_status(camera=camera)], 101.5)
    for second in range(seconds):
        switched = second == seconds - 1
        active = (1, 3) if switched else (0, 3)
        state.take_statuses(
            [cluster_status(active, int(switched), 'switch cycle' if switched else '')] + [
                share_status(camera, dropped=4 * second) for camera in cameras] + [
                host_status(host) for host in hosts] + [
                stick_status(number, round(first_celsius + number + 2 * second, 1),
                             number in active, inferences=10 * second,
                             host=hosts[number % len(hosts)] if hosts else '')
                for number in range(sticks)], 102.0 + second)
    state.parameters = {'detector': {'switch_temperature': 65.0, 'critical_margin': 10.0}}
    first = cameras[0] if cameras else ''
    state.take_detections((DOG, PERSON), 0.080, 102.0, first)
    state.take_detections((), 0.120, 102.5, first)
    state.take_detections((PERSON,), 0.100, 103.0, first)
    return state
