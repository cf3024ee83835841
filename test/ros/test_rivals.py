# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Who is a rival of a node, and since when it is known: in invented time, and by nodes."""

from collections import Counter
from threading import Event
from threading import Thread
import time

from ncs_cluster_detector.ros.rivals import LEASE_SEC
from ncs_cluster_detector.ros.rivals import RCLError
from ncs_cluster_detector.ros.rivals import Rivals
from ncs_cluster_detector.ros.rivals import START_SEC
from ncs_cluster_detector.ros.rivals import Suspects
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import String

DEADLINE_SEC = 20.0


class Watched:
    """Suspects in invented time, asked once a second."""

    def __init__(self):
        """Begin at second 0, with nobody in the graph."""
        self.answers, self.asked = Counter(), []
        self.suspects = Suspects(self.answering)
        self.now = 0.0

    def answering(self, name):
        self.asked.append(name)
        return self.answers[name]

    def live(self, seconds, **found):
        """Let seconds pass with these rivals in the graph; return those that live in the end."""
        for _ in range(seconds):
            self.now += 1.0
            living = self.suspects.living(found, self.now)
        return living


def test_who_comes_later_lives():
    watched = Watched()
    watched.live(10)
    assert watched.live(1, detector=1) == {'detector': 1}
    assert watched.live(1, detector=2, other=1) == {'detector': 2, 'other': 1}
    assert watched.live(1, detector=1) == {'detector': 1}
    assert watched.live(1) == {}
    assert watched.asked == []


def test_who_was_there_from_the_start_must_answer():
    watched = Watched()
    assert watched.live(10, detector=1, other=1) == {}
    assert watched.asked == ['detector', 'other'] * 10
    watched.answers['other'] = 1
    assert watched.live(1, detector=1, other=1) == {'other': 1}
    assert watched.suspects.names_in_doubt() == {'detector'}
    watched.answers['detector'] = 1
    assert watched.live(1, detector=1, other=1) == {'detector': 1, 'other': 1}
    assert watched.suspects.names_in_doubt() == set()


def test_what_is_found_a_little_later_was_there_from_the_start():
    watched = Watched()
    watched.live(1)
    assert watched.live(int(START_SEC) - 1, detector=1) == {}
    assert watched.live(10, detector=1) == {}
    assert watched.live(1, detector=2) == {'detector': 1}


def test_the_dead_go_first():
    watched = Watched()
    watched.live(5, detector=1)
    assert watched.live(1, detector=2) == {'detector': 1}
    assert watched.live(1, detector=1) == {'detector': 1}
    assert watched.live(1) == {}


def test_a_dead_one_is_gone_when_its_lease_ends():
    watched = Watched()
    assert watched.live(20, detector=1) == {}
    assert watched.live(20) == {}
    assert watched.suspects.names_in_doubt() == set()


def test_who_outlives_every_lease_lives_without_an_answer():
    watched = Watched()
    assert watched.live(int(LEASE_SEC), detector=1) == {}
    assert watched.live(1, detector=1) == {'detector': 1}


def test_of_two_from_the_start_one_may_live():
    watched = Watched()
    watched.answers['detector'] = 1
    assert watched.live(1, detector=2) == {'detector': 1}


class Scene:
    """The node /detector with its Rivals in invented time, and others beside it."""

    def __init__(self):
        """Let it publish on /words; nobody is there yet, and it answers requests."""
        self.nodes, self.threads, self.lines, self.now = [], [], [], 0.0
        self.closing = Event()
        self.node = self.add('detector')
        self.node.get_logger = lambda: self
        self.info = lambda text: self.lines.append(f'I {text}')
        self.warning = lambda text: self.lines.append(f'W {text}')
        self.rivals = Rivals(self.node, ['/words', '/front/words'])

    def add(self, name, topic='words', is_alive=True, **more):
        """Return another node that publishes on a topic; one that is not alive never answers."""
        context = rclpy.Context()
        rclpy.init(context=context)
        node = rclpy.create_node(name, context=context, **more)
        node.create_publisher(String, topic, 1)
        self.nodes.append(node)
        if is_alive:
            self.threads.append(Thread(target=self.spin, args=(node,)))
            self.threads[-1].start()
        return node

    def spin(self, node):
        """Let a node answer."""
        with SingleThreadedExecutor(context=node.context) as executor:
            executor.add_node(node)
            while not self.closing.is_set():
                executor.spin_once(timeout_sec=0.1)

    def remove(self, node):
        """Let one that is not alive leave the graph."""
        self.nodes.remove(node)
        node.destroy_node()
        rclpy.shutdown(context=node.context)

    def look_for(self, complaint):
        """Look until this is what is wrong."""
        deadline, seen = time.monotonic() + DEADLINE_SEC, set()
        while (last := self.look()) != complaint:
            seen.add(last)
            assert time.monotonic() < deadline, seen
            time.sleep(0.2)   # so that requests are answered meanwhile

    def look(self):
        """Return what is wrong, a tenth of an invented second later."""
        self.now += 0.1
        return self.rivals.look(self.now)

    def wait_for_graph(self, nodes):
        """Wait until the node sees this many nodes, itself and those it has asked included."""
        deadline = time.monotonic() + DEADLINE_SEC
        while len(self.node.get_node_names()) != nodes:
            assert time.monotonic() < deadline, self.node.get_node_names()
            time.sleep(0.02)

    def close(self):
        """End all."""
        self.closing.set()
        for thread in self.threads:
            thread.join(DEADLINE_SEC)
        for node in list(self.nodes):
            self.remove(node)


@pytest.fixture
def scene():
    """Return a Scene, closed after the test."""
    found = Scene()
    yield found
    found.close()


NAMED = ('named /detector: rename one (-r __node:=another), move it (-r __ns:=/another), or stop '
         'it')
MOVE = 'too: move one (-r __ns:=/another), or stop it'
GONE = 'I no other node has the name or the topics of this one any more'


def test_who_comes_later_is_named_until_it_is_gone(scene):
    scene.look()
    scene.now = START_SEC
    assert scene.look() == ''
    other = scene.add('detector', is_alive=False)
    scene.look_for(f'1 other node {NAMED}')
    another = scene.add('detector', is_alive=False)
    scene.look_for(f'2 other nodes {NAMED}')
    for node in (other, another):
        scene.remove(node)
    scene.look_for('')
    assert scene.lines == [f'W 1 other node {NAMED}', GONE]
    scene.add('other')
    scene.look_for(f'/other publishes on /words, {MOVE}')
    assert scene.lines[2:] == [f'W /other publishes on /words, {MOVE}']


def test_those_that_share_a_topic_are_named_with_it(scene):
    scene.look()
    scene.now = START_SEC
    for name, topic in (('a', 'words'), ('b', '/front/words'), ('c', 'words'), ('d', 'words')):
        scene.add(name, topic, is_alive=False, namespace='/rear')
    scene.wait_for_graph(5)
    for name, topic in (('a', '/words'), ('b', '/front/words'), ('c', '/words'), ('d', '/words')):
        scene.add(name, topic, is_alive=False)
    scene.look_for('/a, /b, /c, /d and 1 more publish on /front/words, /words, ' + MOVE)


def test_who_was_there_from_the_start_is_named_when_it_answers(scene):
    scene.add('detector')
    scene.add('other')
    scene.wait_for_graph(3)
    scene.look_for(f'1 other node {NAMED}; /other publishes on /words, {MOVE}')
    assert scene.now < LEASE_SEC
    assert not list(scene.node.clients)


def test_who_was_there_from_the_start_and_never_answers_is_not_named(scene):
    scene.add('detector', is_alive=False)
    scene.add('other', is_alive=False)
    scene.wait_for_graph(3)
    for _ in range(100):
        assert scene.look() == ''
        time.sleep(0.01)
    scene.now = LEASE_SEC
    scene.look_for(f'1 other node {NAMED}; /other publishes on /words, {MOVE}')


def test_where_nobody_may_be_asked_the_lease_decides(scene):
    def forbid(*_, **__):
        raise RCLError('no permission')
    scene.node.create_client = forbid
    scene.debug = scene.lines.append
    scene.add('detector')
    scene.wait_for_graph(2)
    for _ in range(10):
        assert scene.look() == ''
    assert scene.lines == ['asking whether /detector lives failed: no permission']
    scene.now = LEASE_SEC
    scene.look_for(f'1 other node {NAMED}')


def test_neither_the_node_itself_nor_others_elsewhere_are_rivals(scene):
    scene.add('detector', namespace='/rear')
    scene.add('detector_2', '/elsewhere/words')
    scene.wait_for_graph(3)
    assert scene.look() == ''
    assert not list(scene.node.clients)
