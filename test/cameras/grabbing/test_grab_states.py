# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The states of the grab thread: what each event makes of each of them."""

from types import SimpleNamespace

from camera_doubles import Film
from camera_doubles import Log
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.grabbing.frame_grabber import FrameGrabber
from ncs_cluster_detector.cameras.grabbing.frame_grabber import GrabState
from ncs_cluster_detector.transitions import WrongTransitionError
import pytest

OPENING, STREAMING, ENDED, AWAY = GrabState
PACE = SimpleNamespace(restart=lambda: None)


def grabber_in(state):
    """Return a grabber in a state; its thread is not started."""
    film = Film(1)
    grabber = FrameGrabber(lambda: film, lambda age: 0, lambda: True, False, Log(), 'eye', film)
    grabber.state = state
    return grabber


def stops_at_the_end(grabber):
    """Come to the end of the source, and be stopped while it waits there."""
    grabber._stopping = True
    grabber._at_end(PACE)


def starts_again(grabber):
    """Start again after a wait at the end, in the state that the grabber has now."""
    state, grabber.state = grabber.state, STREAMING
    grabber._wait = lambda condition: setattr(grabber, 'state', state)
    grabber._at_end(PACE)


# What each event makes of the states in which it can happen.
EVENTS = {
    'a picture': (lambda grabber: grabber._streaming(), {
        OPENING: STREAMING, STREAMING: STREAMING, AWAY: STREAMING}),
    'the end': (stops_at_the_end, {OPENING: ENDED, STREAMING: ENDED, AWAY: ENDED}),
    'a new start': (starts_again, {ENDED: STREAMING}),
    'a loss': (lambda grabber: grabber._went_away(CameraError('unplugged')), {
        OPENING: AWAY, STREAMING: AWAY, AWAY: AWAY})}


@pytest.mark.parametrize('state', list(GrabState))
@pytest.mark.parametrize('name', EVENTS)
def test_the_grabber_takes_each_event_in_its_states_only(name, state):
    event, expected = EVENTS[name]
    grabber = grabber_in(state)
    if state in expected:
        event(grabber)
        assert grabber.state is expected[state]
        assert grabber.reopenings == (name == 'a picture' and state is AWAY)
    else:
        with pytest.raises(WrongTransitionError, match=f'changing eye from {state.name} to '):
            event(grabber)
        assert grabber.state is state
