# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The status of the camera: level and message of every state."""

from types import SimpleNamespace

from ncs_cluster_detector.camera_node.diagnostics import camera_status
from ncs_cluster_detector.cameras.grabbing.frame_grabber import GrabState
from ncs_cluster_detector.ros.diagnostic_status import make_status
import pytest

NOW = 1000.0
OK, WARN, ERROR = b'\x00', b'\x01', b'\x02'
DEVICE = '/dev/video0'
GRANTED = '640x480 MJPG at 30 fps'


def grabber(state=GrabState.STREAMING, age_sec=0.03, live=True, last_error=''):
    """Return what is read of a FrameGrabber."""
    return SimpleNamespace(
        state=state, last_frame_at=None if age_sec is None else NOW - age_sec, live=live,
        granted=GRANTED, last_error=last_error, rate=SimpleNamespace(fps=lambda now: 29.7),
        frames=SimpleNamespace(dropped=4), skipped=1, reopenings=2)


def status(made_up, subscribed=True, fps=30.0, owner='camera'):
    values = {'source': 'usb', 'fps': fps}
    return camera_status(values, DEVICE, made_up, 17, subscribed, NOW, owner)


ROWS = [
    (grabber(), True, OK, f'{GRANTED}, measured 29.7 fps'),
    (grabber(), False, OK, f'{GRANTED}, measured 29.7 fps, nobody subscribes'),
    (grabber(GrabState.OPENING, None), True, WARN,
     'opening /dev/video0: waiting for its first picture'),
    (grabber(GrabState.AWAY, last_error='reading\nfailed'), True, ERROR,
     '/dev/video0 is away, tried again twice a second: reading failed'),
    (grabber(GrabState.ENDED, live=False), True, OK,
     '/dev/video0 has ended and loop is false; set loop to true to start it again'),
    (grabber(live=False, age_sec=None), False, OK,
     '/dev/video0 is ready: waiting for a subscriber'),
    (grabber(live=False, age_sec=60.0), True, OK, f'{GRANTED}, measured 29.7 fps'),
    (grabber(age_sec=2.0), True, OK, f'{GRANTED}, measured 29.7 fps'),
    (grabber(age_sec=2.1), True, WARN, '/dev/video0 is open but silent for 2.1 s; is its cable or '
     'its stream interrupted?'),
]


@pytest.mark.parametrize('made_up, subscribed, level, message', ROWS,
                         ids=[row[3][:40] for row in ROWS])
def test_a_state(made_up, subscribed, level, message):
    told = status(made_up, subscribed)
    assert (told.name, told.hardware_id) == ('camera: usb', DEVICE)
    assert (told.level, told.message) == (level, message)


def test_a_slow_camera_may_be_silent_for_longer():
    assert status(grabber(age_sec=9.0), fps=0.5).level == OK
    assert status(grabber(age_sec=10.1), fps=0.5).level == WARN


def test_a_long_error_is_cut_in_the_message_and_whole_in_the_values():
    error = 'opening /dev/video0 failed: ' + 'very ' * 40 + 'wrong'
    told = status(grabber(GrabState.AWAY, last_error=error))
    assert told.message.endswith('...')
    assert len(told.message) <= 160
    assert told.values[-1].value == error


def test_the_name_begins_with_its_owner():
    assert status(grabber(), owner='front/camera').name == 'front/camera: usb'


@pytest.mark.parametrize('made_up, level, message', [
    (grabber(), WARN, f'its rival; {GRANTED}, measured 29.7 fps'),
    (grabber(GrabState.AWAY, last_error='reading failed'), ERROR,
     'its rival; /dev/video0 is away, tried again twice a second: reading failed')])
def test_a_rival_is_named_first(made_up, level, message):
    told = camera_status({'source': 'usb', 'fps': 30.0}, DEVICE, made_up, 17, True, NOW,
                         rivals='its rival')
    assert (told.level, told.message) == (level, message)


def test_a_status_can_be_sent_and_shows_no_secret():
    status = make_status('camera: usb', 'rtsp://me:secret@cam', b'\x02', 'caf\udce9\nis away',
                         {'last_error': 'opening http://cam/x?token=secret failed'})
    assert (status.hardware_id, status.message) == ('rtsp://cam', 'caf\\xe9 is away')
    assert status.values[0].value == 'opening http://cam/x?... failed'
