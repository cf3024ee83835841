# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Conducts a soak: starts and ends the node, follows the plan, and keeps the books."""

from io import FileIO
from pathlib import Path
import signal
import time
from typing import NamedTuple

from ncs_cluster_detector.checking.bench import NodeEndedError
from ncs_cluster_detector.checking.bench import StoppedError
from runner.nodes import how_it_ended
from soaking import node
from soaking import pictures
from soaking import plan
from soaking.arguments import Options
from soaking.camera import Camera
from soaking.events import Events
from soaking.ledger import Ledger
from soaking.resources import ResourceWatch
from soaking.resources import Sample
from soaking.station import Station

SPIN_SEC = 0.02
SAMPLE_PERIOD_SEC = 1.0
SAY_PERIOD_SEC = 10.0
START_PATIENCE_SEC = 30.0
HEALED_PATIENCE_SEC = 30.0
# A frame at a stick that hangs is lost after 2 s, and the diagnostics tell of it a second later.
SETTLE_PATIENCE_SEC = 8.0
# States in which a stick waits for a person who unplugs it and plugs it in again.
GIVEN_UP = ('FATAL', 'DEAD')
UNPLUGGED_SEC = 2.5   # the sticks are listed once a second
JUST_SENT_SEC = 0.3
# Reports with equal counts, one a second, after which nothing changes any more.
CALM_REPORTS, CALM_REPORTS_AT_THE_END = 2, 4
# Frames are under way when the node gets the signal to end.
TRAFFIC_INTO_STOP_SEC = 0.5


class Restart(NamedTuple):
    """One restart: from the last image of the old life's page to the first of the new one's."""

    begin: float
    end: float
    stop_sec: float


class Conduct:
    """A soak and its results so far: each list grows, so a stopped one has what was done."""

    def __init__(self, options: Options, log: FileIO, temporary: Path,
                 asked_to_stop: list[str]) -> None:
        """Join the ROS domain; the names of signals are added to ``asked_to_stop``."""
        self.options = options
        self.ledger = Ledger()
        self.samples: list[Sample] = []
        self.calm: dict[int, Sample] = {}   # before the first trouble of each life
        self.healed: Sample | None = None   # at the end, when all is healthy again
        self.restarts: list[Restart] = []
        self.complaints: list[str] = []
        self.files_left: list[str] = []
        self.ended = 'at its end'
        self._asked_to_stop = asked_to_stop
        self.began = time.time()
        self._outside_sec = 0.0   # time without a page
        self._said_at = 0.0
        self._resources = ResourceWatch()
        self.node = node.SoakedNode(log, self.clock, temporary)
        self.station = Station(self.ledger, self.clock, self.began)
        self.camera = Camera(self.station.node, self.ledger, self.clock)
        self.events = Events(self.node, self.station, self.camera, self.clock)

    def clock(self) -> float:
        """Return the seconds since the beginning."""
        return time.time() - self.began

    def run(self) -> None:
        """Soak; what goes wrong is in ``complaints``, ``ledger`` and ``ended``."""
        seconds = self.options.minutes * 60
        try:
            self._begin_life()
            self._outside_sec = self.clock()
            for event in plan.make_plan(seconds, self.options.seed, pictures.KINDS):
                self._follow_until(event.at_sec)
                if event.kind == plan.RESTART:
                    self._restart(event.value)
                    continue
                if event.kind == plan.TAKE_STOCK:
                    self.calm[self.node.life] = self.samples[-1]
                else:
                    self.events.do(event)
            self._follow_until(seconds)
            self._heal()
            self._end_page(CALM_REPORTS_AT_THE_END)
            self.node.stop(signal.SIGINT)
        except StoppedError as error:
            self.ended = f'stopped by {error}'
        except NodeEndedError as error:
            self.ended = str(error)
            self.complaints.append(str(error))

    def close(self) -> None:
        """End all that runs; may be called at any time."""
        self.camera.close()
        self.ledger.abandon_page()
        if self.node.process is not None:
            self.node.stop(signal.SIGINT)
        self.station.close()
        self.events.end_of_life()
        self.complaints += self.node.complaints + self.station.complaints
        self.files_left = self.node.files_left()

    def _begin_life(self):
        """Start the node, and wait until images reach it and all counts stand still."""
        self.station.begin_life()
        self.node.start()
        began = self.clock()
        self._start(lambda: self.station.is_connected() and self.camera.has_reader()
                    and self._running(began) == plan.STICKS and self.node.find_bus(),
                    'all sticks run, and its topics are known')
        # The node may know the camera later than the camera knows the node.
        self.camera.show(pictures.NORMAL)
        self.camera.resume()
        self._start(lambda: self.station.detections and self.station.detections[-1] > began,
                    'an image is detected')
        self._settle(CALM_REPORTS)
        self.ledger.begin_page(self.station.counts[-1][1])
        self.camera.resume()

    def _restart(self, number):
        begin = self.clock()
        self._end_page(CALM_REPORTS)
        self.camera.resume()
        self._pause(TRAFFIC_INTO_STOP_SEC)
        self.station.leave_all()
        stop_sec = self.node.stop(number)
        self.events.end_of_life()
        self.camera.pause()
        self._begin_life()
        self._outside_sec += self.clock() - begin
        self.restarts.append(Restart(begin, self.clock(), stop_sec))

    def _end_page(self, calm_reports):
        self._settle(calm_reports)
        page = self.ledger.end_page(self.station.counts[-1][1])
        for fault in page.faults():
            self._say(fault)

    def _heal(self):
        """Let all be as it was before the first event, and look at what the node takes then."""
        self.station.leave_all()
        given_up = [stick.port for stick in self.station.reports[-1].sticks
                    if stick.state in GIVEN_UP]
        if self.events.unplug(given_up):
            self._pause(UNPLUGGED_SEC)
        self.events.heal_all()
        self.camera.show(pictures.NORMAL)
        self.station.set_parameters(plan.NORMAL)
        since = self.clock()
        if not self._wait(lambda: self._running(since) == plan.STICKS, HEALED_PATIENCE_SEC):
            self.complaints.append(f'{HEALED_PATIENCE_SEC:g} s after all faults had ended, '
                                   f'{self._running(since)} of {plan.STICKS} sticks run')
        self._pause(plan.HEALED_SEC)
        self.healed = self.samples[-1]

    def _settle(self, calm_reports):
        """Pause the traffic until all counts stand still."""
        self.camera.pause()
        paused_at = self.clock() + JUST_SENT_SEC

        def is_calm():
            last = self.station.counts[-calm_reports:]
            if len(last) < calm_reports or last[0][0] < paused_at:
                return False
            return (all(counts == last[0][1] for _, counts in last)
                    and self.station.detections[-1] < last[0][0]
                    and (not self.ledger.has_page or self.ledger.is_balanced(last[0][1])))

        self._wait(is_calm, SETTLE_PATIENCE_SEC)

    def _running(self, since):
        """Return how many sticks run by the newest report after a time."""
        reports = self.station.reports[-1:]
        return sum(stick.state == 'RUNNING' for report in reports for stick in report.sticks
                   if report.time_sec > since)

    def _follow_until(self, plan_sec):
        self._wait(lambda: self.clock() - self._outside_sec >= plan_sec, float('inf'))

    def _pause(self, seconds):
        self._wait(lambda: False, seconds)

    def _start(self, condition, what):
        """Wait for what belongs to a start; without it there is nothing to soak."""
        if not self._wait(condition, START_PATIENCE_SEC):
            raise NodeEndedError(f'life {self.node.life} of the node: not within '
                                 f'{START_PATIENCE_SEC:g} s: {what}')

    def _wait(self, condition, patience_sec):
        """Keep all going until a condition is true, for a limited time; return its value."""
        deadline = self.clock() + patience_sec
        while not (value := condition()) and self.clock() < deadline:
            self.station.spin(SPIN_SEC)
            self.station.check_answers()
            self.camera.look_after_changes()
            self._look()
            if self._asked_to_stop:
                raise StoppedError(self._asked_to_stop[0])
        return value

    def _look(self):
        now = self.clock()
        if self.samples and now < self.samples[-1].time_sec + SAMPLE_PERIOD_SEC:
            return
        process = self.node.process
        if process is None:
            return
        if process.exit_code() is not None:
            raise NodeEndedError(f'life {self.node.life} of the node: it ended by itself '
                                 f'{how_it_ended(process.exit_code())}: {process.last_words()}')
        page = self.ledger.pages[-1] if self.ledger.pages else None
        sample = self._resources.sample(
            self.node.pid, now, self.node.life, page.detected if page else 0)
        if sample is not None:
            self.samples.append(sample)
        if now >= self._said_at + SAY_PERIOD_SEC:
            self._said_at = now
            self.node.note_files()
            self._say_progress()

    def _say_progress(self):
        totals = self.ledger.totals()
        celsius = [stick.celsius for report in self.station.reports[-1:]
                   for stick in report.sticks if stick.celsius is not None]
        self._say(f"{totals['sent']} images sent, {totals['detected']} detected, "
                  f'{self._running(0.0)} of {plan.STICKS} sticks run, hottest '
                  f'{max(celsius, default=float("nan")):.1f} C, node '
                  f'{self.samples[-1].rss / 1e6:.1f} MB')

    def _say(self, text):
        print(f'{self.clock():7.1f} s  {text}', flush=True)
