# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The far ends of the protocol: what workers and the bus cleaner say, and what they are told."""

from frame_ledger import NO_PICTURE
from invented_processes import InventedProcess
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.supervision.starting.bus_cleaner import IDLE_SEC
from ncs_cluster_detector.wire import messages

READING_PERIOD_SEC = 1.0
STEPS = tuple(OpeningStep)
SIZE = 30, 40   # (height, width) of every encoded picture


class End(InventedProcess):
    """
    The far end of one process.

    It ``hangs`` while it does nothing by itself. ``is_given_up`` tells that the supervisor listens
    to it no more, ``is_broken`` that it has said what could not follow.
    """

    def __init__(self, pid, world):
        super().__init__(pid)
        self.world = world
        self.hangs = self.is_given_up = self.is_broken = False
        self.was_over = self.was_mute = False
        self._kills_before = 0

    def begin_step(self):
        """Remember how it is before the supervisor looks."""
        self.was_over, self.was_mute = self.is_over, self.is_mute
        self._kills_before = self.kills

    def was_killed_now(self):
        """Tell whether it got a SIGKILL in this step."""
        return self.kills > self._kills_before


class CleanerEnd(End):
    """
    The bus cleaner.

    ``holds`` are the dead sticks that it has claimed, as far as the supervisor knows.
    """

    is_cleaning = False
    holds = ()
    _idle_since = float('inf')

    def act(self):
        """Do what is due."""
        if self.is_cleaning:
            self.report(cleaned=True)

    def report(self, **facts):
        """Say what is on the bus."""
        self.is_cleaning &= not facts.get('cleaned', False)
        self.say(messages.BusReport(dead=self.world.dead_sticks(), **facts))

    def say_out_of_turn(self):
        """Say that a cleaning is over which nobody asked for."""
        self.is_broken |= not (self.is_cleaning or self.is_mute or self.kills)
        self.report(cleaned=True)

    def end_step(self, shown_pids):
        """Do what it was told."""
        assert not self.is_broken or self.is_over or self.kills, 'a broken cleaner goes on'
        asked = any(isinstance(word, messages.Clean) for word in self.take_in())
        self._check_its_time(asked)
        self.is_cleaning |= asked
        self.said.clear()
        return []

    def _check_its_time(self, asked):
        """Check that it is ended when nobody needs it, not before and not much later."""
        assert not asked or not self.kills, 'a request was sent to one that is ending'
        for word in self.said:
            if not isinstance(word, messages.BusReport):   # it is ended for that
                self.is_broken = self.is_mute = self.was_mute = True   # nothing else is heard
                break
            self.holds, self._idle_since = word.dead, self.world.now
        if self.is_broken or self.was_mute or self.was_over or asked or self.is_cleaning:
            return
        if self.was_killed_now():
            assert not self.holds, 'the claim of a dead stick was given up'
            assert self.world.now >= self._idle_since + IDLE_SEC, 'one was ended too early'
        assert self.kills or self.holds or self.world.now < self._idle_since + IDLE_SEC, (
            'a cleaner stays that nobody needs')

    def supervisors_descriptors(self):
        """Return the least and the most descriptors that the supervisor may have for it."""
        return 3, 3


class WorkerEnd(End):
    """
    A worker.

    ``opened`` is the name of the stick that it was told to open. ``holds`` has the frames that it
    has not answered, ``outstanding`` those of which the supervisor has no answer.
    """

    def __init__(self, pid, world, slots):
        super().__init__(pid, world)
        self.opened = None
        self.step = OpeningStep.WAITING   # that it has said
        self.is_ready = False             # and the supervisor knows it
        self.stands_by = self.must_list = self.is_asked_to_stop = False
        self.has_begun = self.has_failed = False
        self.holds, self.outstanding = {}, {}
        self.celsius, self.level = 35.0, 0
        self._read_at = float('-inf')
        self._slots = slots
        # What the supervisor knows of it.
        self.heard = None, 0   # its last temperature and throttling level
        self._has_had_turn = self._owes_list = self._may_be_heard_later = False
        self._heard_step = OpeningStep.WAITING

    @property
    def is_starting(self):
        """Tell whether it is on its way to a stick."""
        return not (self.is_over or self.kills or self.is_given_up or self.stands_by
                    or self.is_ready)

    def act(self):
        """Do what a worker does next."""
        if self.has_failed:
            self.end(1)
        elif self.is_asked_to_stop:
            while self.holds:
                self.answer()
            self.end(0)
        elif not self.has_begun:
            self.has_begun = True
            self.say(messages.EnumerationStarted())
        elif self.must_list:
            self.list_sticks()
        elif self.opened and self.step is not OpeningStep.READY:
            self.open_further()
        elif self.opened:
            if self.world.now >= self._read_at + READING_PERIOD_SEC:
                self.read()
            if self.holds:
                self.answer()

    def list_sticks(self, names=None):
        """Say which sticks there are."""
        self.must_list = False
        self.say(messages.DeviceList(self.world.names() if names is None else names))

    def say_out_of_turn(self, word):
        """Say what it may not say now."""
        self.has_begun |= isinstance(word, messages.EnumerationStarted)
        self.say(word)

    def open_further(self):
        """Take the next step of opening the stick."""
        if not self.world.can_open(self.opened, self):
            self.fail(in_use=self.step is OpeningStep.WAITING)
            return
        if self.world.starts_together and self.opens_dead():
            self.fail(dead=True)
            return
        self.step = STEPS[STEPS.index(self.step) + 1]
        if self.step is OpeningStep.READY:
            self._read_at = self.world.now
            self.say(messages.Ready(self._reading()))
        else:
            self.say(messages.Step(self.step))

    def opens_dead(self):
        """Tell whether its stick has booted and does not answer."""
        return port_of(self.opened) in self.world.dead

    def read(self, age_sec=0.0):
        """Say how hot the stick is."""
        self._read_at = self.world.now
        self.say(self._reading(age_sec))

    def answer(self, index=0, sequence=None, unreadable=False):
        """Say what is in one of its frames, or in one that it need not hold."""
        if sequence is None:
            sequence = list(self.holds)[index % len(self.holds)]
        order = self.holds.pop(sequence, None)
        if unreadable:
            self.say(messages.Unreadable(sequence, 'it is no picture'))
            return
        size = SIZE if isinstance(order, messages.InferEncoded) else None
        found = Detection('person', 0.5 + self.pid % 100 / 200, 0.1, 0.1, 0.2, 0.3)
        self.say(messages.Result(
            sequence, (found,), 0, 1 / 16, self.world.now, on_stick_at=self.world.now - 1 / 32,
            picture_size=size))

    def fail(self, **facts):
        """Say why it gives up."""
        self.has_failed = True
        self.say(messages.Fault('an invented failure', **facts))

    def end_step(self, shown_pids):
        """Do what it was told; return the frames that it got."""
        told = self.take_in()
        is_stopped = any(isinstance(word, messages.Stop) for word in told)
        for index, word in enumerate(self.said, start=1):
            if self.is_given_up:
                break
            if isinstance(word, bytes) or self._cannot_follow(word):
                self.is_broken = True
                self.is_mute = self.was_mute = True   # nothing else is heard
                break
            self._was_heard(word)
            if isinstance(word, messages.DeviceList) and self.opened is None:
                # What it has said before it got a stick to open is heard as about that stick.
                told = self._obey(told)
                if self.opened is None:   # further words are heard some time later, or never
                    self._may_be_heard_later |= index < len(self.said)
                    break
        self._note_end(is_stopped, shown_pids)
        assert not self.is_broken or self.is_over or self.kills, 'a broken worker goes on'
        self.said.clear()
        told = self._obey(told)
        frames = messages.Infer, messages.InferEncoded
        assert all(isinstance(word, frames) for word in told), told
        assert not told or self.is_ready and not self.is_given_up, (
            'a frame was sent to a worker that is not at work')
        for word in told:
            self._take(word)
        return told

    def _cannot_follow(self, word):
        """Tell whether the supervisor has heard what makes no sense."""
        if isinstance(word, messages.EnumerationStarted):
            return self.opened is None and self._has_had_turn
        if isinstance(word, messages.DeviceList):
            return self.opened is None and not self._owes_list
        if self.opened is None:
            return False
        if isinstance(word, messages.Step):
            return STEPS.index(word.step) <= STEPS.index(self._heard_step)
        if isinstance(word, messages.Ready):   # the last step, which comes once, under any name
            return self._heard_step is OpeningStep.READY
        return not self.is_ready and isinstance(word, messages.Reading)

    def _was_heard(self, word):
        if isinstance(word, messages.EnumerationStarted):
            self._has_had_turn = True
        elif isinstance(word, messages.DeviceList):
            self._owes_list = False
        elif isinstance(word, messages.Step) and self.opened:
            self._heard_step = word.step
        elif (isinstance(word, (messages.Result, messages.Unreadable))
              and word.sequence in self.outstanding):
            del self.outstanding[word.sequence]
            detections = word.detections if isinstance(word, messages.Result) else NO_PICTURE
            self.world.ledger_of(word.sequence).answer(
                word.sequence, self, detections, self.world.now)
        elif isinstance(word, messages.Reading) and self.opened:
            self.heard = word.celsius, word.throttle_level
        elif isinstance(word, messages.Ready) and self.opened:
            self.heard = word.reading.celsius, word.reading.throttle_level
            self._heard_step = OpeningStep.READY
            self.is_ready = self.world.has_been_ready = True
        elif isinstance(word, messages.Fault) and self.opened:
            self._give_up()

    def _note_end(self, is_stopped, shown_pids):
        killed = self.was_killed_now()
        if self.was_mute:   # killed for that first; given up when it has ended, or is late
            killed = killed and self.opened is not None and self.pid not in shown_pids
        if self.was_over or killed or is_stopped:
            self._give_up()

    def _give_up(self):
        self.is_given_up = True
        self.outstanding.clear()
        for ledger in self.world.ledgers:
            ledger.give_up(self)

    def _obey(self, told):
        """Follow the orders that concern no frame; return the others."""
        frames = []
        for word in told:
            if isinstance(word, messages.Open):
                assert self.opened is None and not self.stands_by
                assert all(other.opened != word.device_name for other in self.world.workers), (
                    'two processes have one stick')
                self.opened = word.device_name
            elif isinstance(word, messages.ListSticks):
                assert self.opened is None and (not self._owes_list or self._may_be_heard_later)
                self.must_list = self._owes_list = True
            elif isinstance(word, messages.StandBy):
                self.stands_by = True
            elif isinstance(word, messages.Stop):
                self.is_asked_to_stop = True
            else:
                frames.append(word)
        return frames

    def _take(self, order):
        assert all(order.slot != other.slot for other in self.outstanding.values()), (
            'a slot was used twice')
        self.outstanding[order.sequence] = self.holds[order.sequence] = order
        assert len(self.outstanding) <= self.world.inflight, 'a worker got too many frames'
        if isinstance(order, messages.InferEncoded):
            image = self._slots.encoded(order.slot, order.size)
        else:
            image = self._slots.image(order.slot, order.height, order.width)
        assert (image == order.sequence % 251).all(), 'a slot holds another frame'

    def _reading(self, age_sec=0.0):
        return messages.Reading(self.celsius, self.level, self.world.now - age_sec)

    def descriptors(self):
        """Return the least and the most descriptors that it has."""
        if self._connection.closed:
            return 0, 0
        least, most = super().descriptors()
        return least + self.world.inflight, most + 2 * self.world.inflight   # mapped or not

    def supervisors_descriptors(self):
        """Return the least and the most descriptors that the supervisor may have for it."""
        return 3 + self.world.inflight, 3 + 2 * self.world.inflight

    def close(self):
        """Free also the memory of the frames."""
        super().close()
        for slot in self._slots._slots:
            slot.close()
