# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a soak does and when, from a seed; pure, times are seconds of traffic."""

from collections.abc import Callable
from random import Random
import signal
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.parameters.detector_parameters import PARAMETERS
from soaking import faults

STICKS = 5
PORTS = tuple(f'1.{number + 1}' for number in range(STICKS))
# The others stay healthy, so that there is always a stick that can infer.
MOST_IN_TROUBLE = 2
RECOVERY_SEC = 4.0
# A life of the node begins with all kinds of images and a look at its pictures: buffers, threads
# and connections are made when they are first needed, and that is no growth.
PRELUDE_STEP_SEC, PRELUDE_TOPICS = 0.15, ('annotated_image', 'annotated_image/compressed')
# By then the bus cleaner has ended, which is there for 5 s after a start.
CALM_AFTER_PRELUDE_SEC = 3.5
HEALED_SEC = 7.0
CALM_SEC = 3.0       # before a restart, and at the end
LONGEST_STEP_SEC, SHORTEST_STEP_SEC = 3.0, 0.4
# Below: one restart; from then on three. The node's last life is the longest one: the growth of
# its memory is seen best in a long time.
LONG_SEC = 480.0
FIRST_RESTARTS_SHARE = 0.4
TOPICS = ('annotated_image', 'annotated_image/compressed', 'detections', '/diagnostics',
          'detector/stick_0/temperature')
# While it is false no image is taken, and none is counted.
LEFT_OUT = {'enabled'}
# Values of every other live parameter that leave at least one stick to infer.
VALUES: dict[str, tuple[Any, ...]] = {
    'cluster_size': (1, 2, 3, 0),
    'cluster_switch_cycle_ms': (0, 500, 3000, 10000),
    'switch_temperature': (50.0, 55.0, 60.0, 65.0),
    'resume_margin': (0.0, 2.0, 5.0),
    'critical_margin': (3.0, 5.0, 10.0),
    'min_dwell_ms': (0, 500, 2000),
    'rotation_policy': ('coolest', 'round_robin'),
    'score_threshold': (0.0, 0.5, 0.95),
    'class_thresholds': ([''], ['car:0.5'], ['car:0.5', 'person:0.95']),
    'class_filter': ([''], ['car'], ['person', 'cat']),
    'camera_weights': ([''], [0.0], [5.0]),
    'camera_max_fps': ([''], [0.0], [25.0]),
    'camera_regions': ([''], ['0,0,1,1'], ['0.1,0.1,0.8,0.8']),
    'max_frame_age_ms': (0, 150, 300, 500),
    'depth_timeout_ms': (0, 200, 5000),
    'reserve_below': (1, 2, 64),   # without a reserve
}
# Two of the five sticks at a time; live parameters have these values between their changes.
CHOSEN: dict[str, Any] = {'cluster_size': 2, 'cluster_switch_cycle_ms': 3000}
NORMAL: dict[str, Any] = {
    spec.name: CHOSEN.get(spec.name, spec.default or ['']) for spec in PARAMETERS
    if spec.live and spec.name not in LEFT_OUT}
REFUSED = (('cluster_size', -1), ('switch_temperature', 19.0), ('score_threshold', 1.5),
           ('rotation_policy', 'coldest'), ('max_frame_age_ms', -5), ('min_dwell_ms', 0.5),
           ('class_filter', ['unicorn']), ('simulated.sticks', 3))
SIGNALS = (signal.SIGKILL, signal.SIGSEGV, signal.SIGSTOP, signal.SIGTERM)
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
FAULT, HEAL, KILL, SET, REFUSE, SHOW, CAMERA, LISTEN, LEAVE, SWITCH, RESTART, TAKE_STOCK = (
    'fault', 'heal', 'kill', 'set', 'refuse', 'show', 'camera', 'listen', 'leave', 'switch',
    'restart', 'take stock')


class Event(NamedTuple):
    """
    One event: when, in seconds of traffic, of which kind, on what, and with which value.

    ``on`` is the port of a fault, its end or a kill, the name of a parameter, a topic, or the kind
    of the images; ``value`` the words of a fault, a signal or the value of a parameter.
    """

    at_sec: float
    kind: str
    on: str = ''
    value: Any = None


def restart_times(seconds: float) -> list[float]:
    """Return when the node is started again."""
    count = 1 if seconds < LONG_SEC else 3
    return [FIRST_RESTARTS_SHARE * seconds * (number + 1) / count for number in range(count)]


def make_plan(seconds: float, seed: int, pictures: tuple[str, ...]) -> list[Event]:
    """
    Return the events of a soak in the order of time; the same seed gives the same events.

    :param seconds: of traffic; restarts come on top.
    :param pictures: the kinds of images to show, the normal one first.
    """
    random = Random(seed)
    restarts = restart_times(seconds)
    borders = [0.0, *restarts, seconds]
    plan = _Plan(random, pictures)
    step_sec = min(max(seconds / plan.deck_size, SHORTEST_STEP_SEC), LONGEST_STEP_SEC)
    for begin, end in zip(borders, borders[1:]):
        plan.fill(plan.add_prelude(begin), end - CALM_SEC, step_sec)
    plan.events += [Event(at_sec, RESTART, value=STOP_SIGNALS[number % 2])
                    for number, at_sec in enumerate(restarts)]
    return sorted(plan.events, key=lambda event: event.at_sec)


class _Plan:
    """Deals events from a deck, which is shuffled again when it is empty."""

    def __init__(self, random: Random, pictures: tuple[str, ...]) -> None:
        self.events: list[Event] = []
        self._random = random
        self._pictures = pictures
        self._deck: list[tuple[Callable[..., None], Any]] = []
        self._in_trouble: dict[str, float] = {}   # port -> until when
        self.deck_size = len(self._new_deck())

    def add_prelude(self, begin_sec: float) -> float:
        """Add the events with which a life of the node begins; return when it is over."""
        for topic in PRELUDE_TOPICS:
            self._add(begin_sec, LISTEN, topic)
        shown = [*self._pictures, self._pictures[0]]
        for number, kind in enumerate(shown):
            self._add(begin_sec + number * PRELUDE_STEP_SEC, SHOW, kind)
        now = begin_sec + len(shown) * PRELUDE_STEP_SEC
        for topic in PRELUDE_TOPICS:
            self._add(now, LEAVE, topic)
        now += CALM_AFTER_PRELUDE_SEC
        self._add(now, TAKE_STOCK)
        return now

    def fill(self, begin_sec: float, end_sec: float, step_sec: float) -> None:
        """Add the events of one life of the node; what they begin ends with it."""
        self._in_trouble.clear()
        now = begin_sec
        while now < end_sec:
            if not self._deck:
                self._deck = self._new_deck()
                self._random.shuffle(self._deck)
            deal, card = self._deck.pop()
            deal(now, end_sec, card)
            now += self._random.uniform(0.6, 1.4) * step_sec

    def _new_deck(self):
        return [*((self._trouble, word) for word in faults.ARGUMENTS),
                *((self._kill, number) for number in SIGNALS),
                *((self._set, name) for name in VALUES),
                *((self._refuse, pair) for pair in REFUSED),
                *((self._show, kind) for kind in self._pictures),
                *((self._listen, topic) for topic in TOPICS),
                *((self._camera, None) for _ in range(2)),
                *((self._switch, None) for _ in range(3))]

    def _add(self, at_sec, kind, on='', value=None):
        self.events.append(Event(round(at_sec, 3), kind, on, value))

    def _free_port(self, now, until):
        """Return a port without trouble, or None when enough others are in trouble."""
        busy = {port for port, end in self._in_trouble.items() if end > now}
        if len(busy) >= MOST_IN_TROUBLE:
            return None
        port = self._random.choice([port for port in PORTS if port not in busy])
        self._in_trouble[port] = until + RECOVERY_SEC
        return port

    def _trouble(self, now, end_sec, word):
        until = min(now + self._random.uniform(2.0, 8.0), end_sec)
        port = self._free_port(now, until)
        if port is None:
            self._deck.insert(0, (self._trouble, word))   # later
            return
        self._add(now, FAULT, port, (word, *faults.ARGUMENTS[word](self._random)))
        if word in faults.SHOWN_BY_A_START:
            self._add(now + 0.2, KILL, port, signal.SIGKILL)
        if word in faults.SHOWN_BY_UNPLUGGING:
            self._add(now + 0.2, FAULT, port, ('unplug',))
        self._add(until, HEAL, port)

    def _kill(self, now, _, number):
        port = self._free_port(now, now)
        if port is None:
            self._deck.insert(0, (self._kill, number))
            return
        self._add(now, KILL, port, number)

    def _set(self, now, end_sec, name):
        self._add(now, SET, name, self._random.choice(VALUES[name]))
        self._add(min(now + self._random.uniform(2.0, 15.0), end_sec), SET, name, NORMAL[name])

    def _refuse(self, now, _, pair):
        self._add(now, REFUSE, *pair)

    def _show(self, now, _, kind):
        self._add(now, SHOW, kind)

    def _listen(self, now, end_sec, topic):
        self._add(now, LISTEN, topic)
        self._add(min(now + self._random.uniform(1.0, 10.0), end_sec), LEAVE, topic)

    def _camera(self, now, _, __):
        self._add(now, CAMERA, value=round(self._random.uniform(0.2, 2.0), 2))

    def _switch(self, now, _, __):
        self._add(now, SWITCH)
