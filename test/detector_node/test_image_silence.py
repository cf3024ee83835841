# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""When it is told that no images come: in invented time, and by a real node."""

from drawn_objects import picture
from ncs_cluster_detector.detector_node.image_silence import ImageSilence
from ncs_cluster_detector.detector_node.intake import Intake
from ncs_cluster_detector.ros.publication_gaps import Loss
from node_harness import NodeProcess
import pytest

IMAGE = 'sensor_msgs/msg/Image'
NOBODY = 'nobody publishes there; start the camera, or remap image_raw to its topic'


class Watched:
    """An ImageSilence in invented time, asked once a second, and its lines."""

    def __init__(self):
        """Start at second 0 without an image."""
        self.lines = []
        self.info = lambda text: self.lines.append(f'I {text}')
        self.warning = lambda text: self.lines.append(f'W {text}')
        self.silence = ImageSilence(self, '/front/image_raw')
        self.now = self.last_image = 0.0
        self.images = 0

    def live(self, seconds, every_sec=None, publishers=(), loss=None):
        """Let seconds pass in which images come, or none."""
        for _ in range(seconds):
            self.now += 1.0
            if every_sec and self.now % every_sec == 0:
                self.images += 1
                self.last_image = self.now
            self.silence.note(self.images, self.now - self.last_image,
                              Intake('/front/image_raw', publishers, loss=loss), self.now)
        return self.lines


def test_a_silence_is_told_once_and_its_end_and_the_next_one():
    watched = Watched()
    assert watched.live(5) == []
    first = f'W no image for 6 s on /front/image_raw: {NOBODY}'
    assert watched.live(300) == [first]
    come = 'I images come again on /front/image_raw, after '
    assert watched.live(2, every_sec=1) == [
        first, 'I images come on /front/image_raw, after 305 s without']
    assert len(watched.live(5)) == 2
    assert watched.live(30, publishers=(IMAGE,))[2:] == [
        'W no image for 6 s on /front/image_raw: 1 publisher, but nothing usable arrives; does '
        'ros2 topic hz show it?']
    assert watched.live(1, every_sec=1)[3:] == [f'{come}35 s without']


def test_the_first_image_is_told_and_no_other_while_they_come():
    watched = Watched()
    assert watched.live(1) == []
    assert watched.live(1000, every_sec=1) == ['I images come on /front/image_raw']


def test_images_that_come_seconds_apart_do_not_fill_the_log():
    watched = Watched()
    lines = watched.live(36000, every_sec=10)
    assert [line[0] for line in lines] == list('WIWIWI')
    watched.live(70)
    assert lines[6].startswith('W no image for 61 s')


def test_after_good_times_a_silence_is_told_at_once_again():
    watched = Watched()
    watched.live(100, every_sec=10)
    watched.live(70, every_sec=1)
    del watched.lines[:]
    assert watched.live(6)[0].startswith('W no image for 6 s')


def test_a_loss_is_told_once_and_when_it_is_over():
    watched = Watched()
    watched.live(10, every_sec=1)
    loss = Loss(0.4, 18.1, 30.2)
    assert watched.live(50, every_sec=1, loss=loss)[1:] == [
        'W 40 % of the images of /front/image_raw are lost on the way (18.1 of 30.2 a second '
        'arrive): see docs/transport.md']
    over = 'I images of /front/image_raw are no longer lost on the way'
    assert watched.live(50, every_sec=1)[2:] == [over]
    assert len(watched.live(5, every_sec=1, loss=loss)) == 4
    # Nobody knows whether it is over while no image comes.
    assert [line[:5] for line in watched.live(20)[4:]] == ['W no ']
    assert watched.live(2, every_sec=1)[6:] == [over]


@pytest.fixture
def start():
    """Return a function that starts a detector node in a namespace; all are ended afterwards."""
    started = []

    def start_in(namespace, **parameters):
        started.append(NodeProcess(
            'detector_node', {'driver': 'simulated', 'simulated.sticks': 1, **parameters},
            remappings={'__ns': namespace}))
        return started[-1]

    yield start_in
    for node in started:
        node.end()


def line_about_silence(node):
    """Return the line that says that no image comes; fail when there are several."""
    node.wait_for_line('no image for')
    (line,) = [line for line in node.output.splitlines() if 'no image for' in line]
    assert '[WARN]' in line
    return line


def test_a_node_says_on_which_topic_nobody_publishes(start):
    assert line_about_silence(start('/front')).endswith(f' s on /front/image_raw: {NOBODY}')


def test_a_node_says_that_no_image_comes_and_that_one_comes(start, probe):
    node = start('/')
    assert line_about_silence(node).endswith(
        ' s on /image_raw: 1 publisher, but nothing usable arrives; does ros2 topic hz show it?')
    probe.detect(picture())
    node.wait_for_line('images come on /image_raw, after ')
    node.wait_for_line('no image for', count=2)


def test_a_node_says_of_each_of_several_cameras_once_that_nobody_publishes(start, probe):
    node = start('/front', cameras="['left', 'right']")
    for name in ('left', 'right'):
        topic = f'/front/{name}/image_raw'
        why = f'nobody publishes there; start the camera, or remap {name}/image_raw to its topic'
        node.wait_for_line(f'on {topic}: {why}')
        probe.wait_for(lambda name=name, topic=topic, why=why: any(
            status.message.startswith('no image for ') and status.message.endswith(
                f' s on {topic}: {why}') for array in list(probe.diagnostics)
            for status in array.status if status.name == f'detector: camera {name}'))
    told = len(probe.diagnostics)
    probe.wait_for(lambda: len(probe.diagnostics) >= told + 8)
    assert node.output.count('no image for') == 2
    cluster = probe.status('detector: cluster')[0].message
    assert cluster.startswith('no image for ') and cluster.endswith(' s from any of 2 cameras')
