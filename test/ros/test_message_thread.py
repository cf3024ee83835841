# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The thread that takes messages in place of an executor."""

from collections.abc import Callable
from collections.abc import Iterator
import threading
import time

from ncs_cluster_detector.ros.message_thread import MessageThread
from ncs_cluster_detector.ros.publication_gaps import PublicationGaps
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile
from rclpy.qos import QoSReliabilityPolicy
from std_msgs.msg import String

DEADLINE_SEC = 20.0
QOS = QoSProfile(depth=10)


class Scene:
    """A publisher and a MessageThread that keeps what it takes, in one process."""

    def __init__(self, qos: QoSProfile = QOS) -> None:
        self.qos = qos
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('taker', context=self.context)
        self.sender = rclpy.create_node('sender', context=self.context)
        self.taken, self.log, self.threads = [], [], set()
        self.messages = MessageThread(self.node, 'messages')
        self.subscription = self.messages.subscribe(
            String, 'words', self.take, qos, self.note_match)
        self.publisher = self.sender.create_publisher(String, 'words', QOS)

    def take(self, message, info):
        self.taken.append((message.data, info))
        self.log.append(message.data)
        self.threads.add(threading.current_thread().name)

    def note_match(self, publishers):
        self.log.append(publishers)

    def send(self, word):
        self.publisher.publish(String(data=word))

    def wait_for(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            assert time.monotonic() < deadline, (self.log, self.messages.failure)
            time.sleep(0.01)

    def close(self):
        assert self.messages.stop(DEADLINE_SEC)
        for node in (self.node, self.sender):
            node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def scene() -> Iterator[Scene]:
    found = Scene()
    found.wait_for(found.publisher.get_subscription_count)
    found.messages.start()
    yield found
    found.close()


def test_each_message_comes_in_order_with_its_number(scene):
    words = [f'word {number}' for number in range(5)]
    for word in words:
        scene.send(word)
    scene.wait_for(lambda: len(scene.taken) == 5)
    assert [word for word, _ in scene.taken] == words
    numbers = [info['publication_sequence_number'] for _, info in scene.taken]
    assert numbers == list(range(numbers[0], numbers[0] + 5))
    assert scene.threads == {'messages'}


def test_a_publisher_is_announced_before_its_first_message(scene):
    scene.wait_for(lambda: scene.log == [1])
    second = scene.sender.create_publisher(String, 'words', QOS)
    scene.wait_for(lambda: scene.log == [1, 2])
    second.publish(String(data='from the second'))
    scene.wait_for(lambda: scene.log == [1, 2, 'from the second'])
    scene.sender.destroy_publisher(second)
    scene.wait_for(lambda: scene.log == [1, 2, 'from the second', 1])


class CountingExecutor(SingleThreadedExecutor):
    """Counts how often it wakes: each time it asks for the nodes anew."""

    rounds = 0

    def get_nodes(self):
        self.rounds += 1
        return super().get_nodes()


def test_what_newer_messages_replaced_is_a_gap_in_the_numbers():
    scene = Scene(QoSProfile(depth=1, reliability=QoSReliabilityPolicy.BEST_EFFORT))
    gaps = PublicationGaps()
    busy, free = threading.Event(), threading.Event()

    def take(message, info):
        gaps.note(info, time.time_ns())
        scene.taken.append(message.data)
        busy.set()
        assert free.wait(DEADLINE_SEC)
        gaps.ready(time.time_ns())
    scene.messages.subscribe(String, 'others', take, scene.qos, gaps.note_match)
    others = scene.sender.create_publisher(String, 'others', QOS)
    scene.wait_for(others.get_subscription_count)
    scene.messages.start()
    try:
        for number in range(10):
            others.publish(String(data=str(number)))
            assert busy.wait(DEADLINE_SEC)
        free.set()
        scene.wait_for(lambda: scene.taken[-1] == '9')
        assert scene.taken[0] == '0'
        assert len(scene.taken) + gaps.missing == 10
        assert gaps.missing > 0
        assert gaps.lost == 0   # they arrived, and newer ones took their place
    finally:
        free.set()
        scene.close()


def test_an_executor_leaves_the_messages_alone_and_sleeps(scene):
    scene.wait_for(lambda: scene.log == [1])
    executor = CountingExecutor(context=scene.context)
    executor.add_node(scene.node)
    spinning = threading.Thread(target=executor.spin)
    spinning.start()
    try:
        for number in range(50):
            scene.send(str(number))
            scene.wait_for(lambda: len(scene.taken) > number)
        assert executor.rounds < 25   # some, when other tests' nodes come or go
        assert scene.threads == {'messages'}
    finally:
        executor.shutdown()
        spinning.join(DEADLINE_SEC)
    assert not spinning.is_alive()


def test_what_a_callback_raises_ends_the_thread_and_is_kept(scene):
    def fail(*_):
        raise ValueError('no such word')
    scene.subscription.callback = fail
    scene.send('any')
    scene.wait_for(lambda: scene.messages.failure)
    assert str(scene.messages.failure) == 'no such word'
    assert scene.messages.stop(0.5)


def test_it_stops_at_once_though_no_message_comes(scene):
    scene.wait_for(lambda: scene.log == [1])
    began = time.monotonic()
    assert scene.messages.stop(DEADLINE_SEC)
    assert time.monotonic() - began < DEADLINE_SEC / 2
    scene.send('too late')
    assert scene.log == [1]
