# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes the camera node's status on /diagnostics."""

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.cameras.grabbing.frame_grabber import FrameGrabber
from ncs_cluster_detector.cameras.grabbing.frame_grabber import GrabState
from ncs_cluster_detector.ros.diagnostic_status import make_status
from ncs_cluster_detector.ros.diagnostic_status import shortened
from ncs_cluster_detector.ros.parameters import Values

# An open camera that is silent for this long, and for several frames, is a warning.
SILENT_SEC = 2.0
SILENT_FRAMES = 5


def camera_status(values: Values, device: str, grabber: FrameGrabber, published: int,
                  subscribed: bool, now: float, owner: str = 'camera',
                  rivals: str = '') -> DiagnosticStatus:
    """
    Return the status of the source.

    :param values: the node's parameters.
    :param device: the source's name as a person knows it.
    :param published: number of frames published so far.
    :param now: monotonic time in seconds.
    :param owner: prefix of the status's name.
    :param rivals: what :class:`Rivals` says; '' if there are none.
    """
    measured = grabber.rate.fps(now)
    state = grabber.state   # read before the time of the last frame, which is set before it
    last = grabber.last_frame_at
    age_sec = None if last is None else now - last
    level, message = _judge(values, device, grabber, state, subscribed, measured, age_sec)
    if rivals:
        level, message = max(level, DiagnosticStatus.WARN), f'{rivals}; {message}'
    return make_status(f'{owner}: {values["source"]}', device, level, message, {
        'fps_requested': f'{values["fps"]:g}',
        'fps_measured': f'{measured:.1f}',
        'granted': grabber.granted or 'nothing yet',
        'frames_published': published,
        'frames_dropped': grabber.frames.dropped,
        'pictures_skipped': grabber.skipped,
        'reopenings': grabber.reopenings,
        'last_frame_age_sec': 'no frame yet' if age_sec is None else f'{age_sec:.1f}',
        'last_error': grabber.last_error or 'none'})


def _judge(values, device, grabber, state, subscribed, measured, age_sec):
    if state is GrabState.AWAY:
        return DiagnosticStatus.ERROR, (f'{device} is away, tried again twice a second: '
                                        f'{shortened(grabber.last_error)}')
    if state is GrabState.OPENING:
        return DiagnosticStatus.WARN, f'opening {device}: waiting for its first picture'
    if state is GrabState.ENDED:
        return DiagnosticStatus.OK, (f'{device} has ended and loop is false; set loop to true to '
                                     'start it again')
    if not grabber.live:
        if not subscribed:
            return DiagnosticStatus.OK, f'{device} is ready: waiting for a subscriber'
    elif age_sec > max(SILENT_SEC, SILENT_FRAMES / values['fps']):
        return DiagnosticStatus.WARN, (f'{device} is open but silent for {age_sec:.1f} s; is its '
                                       'cable or its stream interrupted?')
    audience = '' if subscribed else ', nobody subscribes'
    return DiagnosticStatus.OK, f'{grabber.granted}, measured {measured:.1f} fps{audience}'
