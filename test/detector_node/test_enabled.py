# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A detector that is disabled for a time: sticks rest and are measured, and no image is taken."""

from film import disable_and_enable
from film import Film
from live_changes import SHAPES
from live_changes import switch_cluster
import pytest
from sensor_msgs.msg import Temperature
from several_cameras import key_of
from several_cameras import missing
from several_cameras import NamedCamera

NODE = {**SHAPES, 'simulated.sticks': '2', 'simulated.boot_ms': '0.0'}
SIZE = (96, 128)


def enable(probe, value):
    """Set the parameter enabled."""
    assert probe.set_parameter('enabled', value) == (True, '')


def figures(probe, name='cluster'):
    """Return message and values of the newest status."""
    status, values = probe.status(f'detector: {name}')
    return status.message, values


@pytest.mark.parametrize('name', ['', 'front'])
def test_while_disabled_nothing_is_inferred_and_all_is_measured(probe, start_detector, name):
    node = start_detector(**NODE, **({'cameras': f'["{name}"]'} if name else {}))
    camera = NamedCamera(probe, name, SIZE)
    camera.see()
    temperatures = []
    probe.listen(Temperature, 'detector/stick_1/temperature', temperatures)
    enable(probe, False)
    probe.wait_for(lambda: not camera.is_subscribed_to())
    heard = len(camera.detections)
    for _ in range(20):
        camera.show()
    written = probe.next_status('detector: cluster')
    message, values = figures(probe)
    assert message == 'disabled: all sticks rest until enabled is true'
    assert (values['active_sticks'], values['effective_cluster_size']) == ('', '0')
    assert probe.status('detector: cluster')[0].level == b'\x00'
    if name:
        assert figures(probe, f'camera {name}')[0] == 'disabled: no image is taken'
    for number in range(2):
        message, values = figures(probe, f'stick {number}')
        assert message.startswith('resting (disabled)')
        assert (values['state'], values['active']) == ('RUNNING', 'false')
    done, text = switch_cluster(probe)
    assert not done
    assert text.count('rests while enabled is false') == 2
    measured = len(temperatures)
    probe.wait_for(lambda: len(temperatures) > measured + 1)
    camera.show()
    assert probe.next_status('detector: cluster')['input_fps'] == '0.0' or (
        probe.wait_for(lambda: figures(probe)[1]['input_fps'] == '0.0'))
    assert len(camera.detections) == heard
    assert figures(probe)[1]['frames_dropped'] == written['frames_dropped']
    enable(probe, True)
    probe.wait_for(camera.is_subscribed_to)
    camera.see()
    camera.check()
    probe.wait_for(lambda: figures(probe)[0].startswith('2 of 2 sticks active'))
    assert 'no image for' not in node.output


def test_a_detector_that_starts_disabled_works_when_it_is_enabled(probe, start_detector):
    start_detector(**NODE, enabled='false', cameras='["front", "rear"]')
    cameras = [NamedCamera(probe, name, SIZE) for name in ('front', 'rear')]
    probe.wait_for_running(2)
    for camera in cameras:
        probe.wait_for(lambda camera=camera: not camera.is_subscribed_to())
        camera.show()
    probe.next_status('detector: cluster')
    assert figures(probe)[0] == 'disabled: all sticks rest until enabled is true'
    assert not any(camera.detections for camera in cameras)
    enable(probe, True)
    for camera in cameras:
        camera.see()
        camera.check()


@pytest.mark.parametrize('sticks, boot_ms, words', [
    ('0', '0.0', 'no stick found: start the node with simulated.sticks above 0'),
    ('1', '60000.0', 'no stick is usable: stick 0 starting')])
def test_disabled_without_a_stick_says_both(probe, start_detector, sticks, boot_ms, words):
    start_detector(**NODE | {'simulated.sticks': sticks, 'simulated.boot_ms': boot_ms,
                             'startup_timeout_ms': '120000'}, enabled='false')
    probe.wait_for(lambda: (newest := probe.status('detector: cluster')) and (
        newest[0].level, newest[0].message) == (b'\x02', f'disabled; {words}'))
    assert all(status.message.startswith('disabled') for array in probe.diagnostics
               for status in array.status if status.name == 'detector: cluster')


def test_every_image_has_its_fate_however_often_it_is_disabled(probe, start_detector):
    node = start_detector(**NODE, cameras='["front", "rear"]')
    cameras = [NamedCamera(probe, name, SIZE, start_sec=1000 * number)
               for number, name in enumerate(('front', 'rear'), start=1)]
    for camera in cameras:
        camera.see()
    probe.next_status('detector: cluster')
    before = missing(probe, cameras)
    with Film(cameras, lambda: 0.004) as film:
        for _ in range(100):
            disable_and_enable(probe, film)
    for camera in cameras:
        camera.see()
    probe.next_status('detector: cluster')
    assert missing(probe, cameras) == before
    for camera in cameras:
        camera.check()
        assert len(camera.detections) > 100
        assert key_of(camera.detections[-1].header) == max(camera.sent)
    assert 'Traceback' not in node.output
    assert 'ERROR' not in node.output
