# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Trials of the XLink driver: a whole conversation with a stick, in which a fault may strike."""

from dataclasses import dataclass
import faulthandler
import os
import random
import sys
import threading
import time

from fake_usb.wire_faults import TO_HOST
from fake_usb.wire_faults import TO_STICK
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.usb_bus import UsbBus
from ncs_cluster_detector.sticks.xlink import device
from ncs_cluster_detector.sticks.xlink import monitors
from ncs_cluster_detector.sticks.xlink.firmware import Firmware
from ncs_cluster_detector.sticks.xlink.opening import open_device
import numpy as np

# What the driver promises, in seconds; a stick that fails while it is opened is reset and gets a
# second chance. The patience with one that pauses because of heat is longer; trials shorten it.
OPEN_SEC, CALL_SEC, RESULT_SEC = 8.0, 1.0, 3.0
PATIENCE = ((monitors, 'COMMAND_SEC', CALL_SEC), (device, 'INFERENCE_SEC', RESULT_SEC),
            (device, '_LOAD_SEC', RESULT_SEC))
SPARE_SEC = 4.0      # the machine may be busy
HANG_SEC = 40.0      # all deadlines of a conversation together are less
ON_BUS_SEC = 10.0
# A clean conversation has about so many events to the host and transfers to the stick.
EVENTS, TRANSFERS = 200, 300
TOLD_EVENTS = 36   # before the first result
GRAPH = b'INPUT 16x16'.ljust(2000, b'\0')
PLACES = 2
INFERENCES = 3


@dataclass(frozen=True)
class Fault:
    """A fault of the fake bus that strikes once."""

    side: str
    number: int
    what: str
    seed: int

    def __str__(self):
        """Return the control words."""
        return f'arm {self.side} {self.number} {self.what} {self.seed}'


def any_fault(chance):
    """Return a random Fault, at the beginning of the conversation as often as later."""
    side = chance.choice(('in', 'in', 'out'))
    most = EVENTS if side == 'in' else TRANSFERS
    return Fault(side, chance.randint(1, chance.choice((12, most))),
                 chance.choice(sorted(TO_HOST if side == 'in' else TO_STICK)),
                 chance.randrange(1 << 30))


def nonsense(chance):
    """Return a random Fault in what a stick tells of itself and of its graphs."""
    return Fault('in', chance.randint(1, TOLD_EVENTS),
                 chance.choice(('absurd', 'garbage-data', 'short-data', 'long-data')),
                 chance.randrange(1 << 30))


class Conversation:
    """Opens a stick, loads graphs, infers, asks all that can be asked, and closes it."""

    def __init__(self, backend, port, firmware, graphs=1, graph=GRAPH, in_background=True,
                 known_ports=()):
        """Use pyusb's backend in this process; ``firmware`` is a file."""
        self.usb = UsbBus(backend)
        self.name = f'{port}-ma2450'
        self.wrong = []          # what must never happen
        self.mismatched = 0      # results of another colour than their input
        self.error = None        # the StickError with which it has ended
        self.open_sec = None
        self.slack_sec = SPARE_SEC
        self._firmware = Firmware(str(firmware))
        self._graphs = graphs
        self._graph = graph
        self._in_background = in_background
        self._other_ports = [known for known in known_ports if known != port]

    def hold(self):
        """Talk to the stick until the end, or until an error of the stick."""
        stick = self._call('open', OPEN_SEC, lambda: open_device(
            self.usb, self.name, self._firmware, self._other_ports,
            in_background=self._in_background))
        if stick is None:
            return self
        try:
            self._use(stick)
        except _EndedError:
            pass
        finally:
            self._call('close', CALL_SEC, stick.close)
        return self

    def _use(self, stick):
        assert stick.name == self.name
        self._must('thermal', stick.thermal)
        self._must('memory', stick.memory_used)
        loaded = []
        for number in range(self._graphs):
            graph = self._must('allocate', lambda number=number: stick.allocate_graph(
                number, self._graph), OPEN_SEC)
            fifo_in = self._must('fifo in', lambda: stick.allocate_fifo(
                2 * number, graph.input, PLACES, False))
            fifo_out = self._must('fifo out', lambda: stick.allocate_fifo(
                2 * number + 1, graph.output, PLACES, True))
            loaded.append((graph, fifo_in, fifo_out))
        for step in range(INFERENCES):
            self._infer(stick, loaded, step)
            self._must('thermal', stick.thermal)
        self._work(stick, loaded)
        for graph, fifo_in, fifo_out in loaded:
            self._must('times', lambda: stick.graph_option(graph, 0, 4 * graph.stages))
            self._must('free in', lambda: stick.destroy_fifo(fifo_in))
            self._must('free out', lambda: stick.destroy_fifo(fifo_out))
            self._must('free graph', lambda: stick.destroy_graph(graph))

    def _infer(self, stick, loaded, step):
        """Send two inputs to each graph, and read the results."""
        colours = [(step + place) / 8 for place in range(PLACES)]
        for graph, fifo_in, fifo_out in loaded:
            for colour in colours:
                self._send(stick, graph, fifo_in, fifo_out, colour)
        for _, _, fifo_out in loaded:
            for colour in colours:
                self._receive(stick, fifo_out, colour)

    def _work(self, stick, loaded):
        """Infer as a worker does: one thread sends, one receives, one reads temperatures."""
        is_over = threading.Event()

        def send():
            for step in range(INFERENCES * PLACES):
                for network in loaded:
                    tensor = tensor_of(network[0], step / 8)
                    self._must('infer', lambda: stick.infer(*network, tensor), RESULT_SEC)

        def receive():
            for step in range(INFERENCES * PLACES):
                for _, _, fifo_out in loaded:
                    self._receive(stick, fifo_out, step / 8)

        def watch():
            while not is_over.wait(0.01):
                self._must('thermal', stick.thermal)

        threads = [threading.Thread(target=self._guarded, args=(work,), daemon=True)
                   for work in (send, receive, watch)]
        for thread in threads:
            thread.start()
        for thread in threads[:2]:
            thread.join()
        is_over.set()
        threads[2].join()
        if self.error or self.wrong:
            raise _EndedError

    def _guarded(self, work):
        try:
            work()
        except _EndedError:
            pass   # it is noted why

    def _send(self, stick, graph, fifo_in, fifo_out, colour):
        tensor = tensor_of(graph, colour)
        self._must('write', lambda: stick.write_fifo(fifo_in, tensor), RESULT_SEC)
        self._must('trigger', lambda: stick.trigger(graph, fifo_in, fifo_out))

    def _receive(self, stick, fifo_out, colour):
        output = self._must('read', lambda: stick.read_fifo(fifo_out), RESULT_SEC)
        box = np.frombuffer(output, np.float16)[7:14].astype(float)
        if abs(box[3] * 4 - 1 - colour) > 0.01:
            self.mismatched += 1

    def _must(self, what, call, most_sec=CALL_SEC):
        """Return what a call returns; end the conversation if it fails."""
        result = self._call(what, most_sec, call)
        if self.error or self.wrong:
            raise _EndedError
        return result

    def _call(self, what, most_sec, call):
        """Return what a call returns, or None if it fails; take note of what is wrong with it."""
        began = time.monotonic()
        result = None
        try:
            result = call()
        except StickError as error:
            self.error = self.error or error
            text = str(error)
            if self.name.partition('-')[0] not in text or len(text.splitlines()) != 1:
                self.wrong.append(f'{what}: does not name the stick in one line: {text!r}')
        except Exception as error:
            self.wrong.append(f'{what}: {error!r}')
            faulthandler.dump_traceback(all_threads=False)
        took = time.monotonic() - began
        if what == 'open':
            self.open_sec = took
        if took > most_sec + self.slack_sec:
            self.wrong.append(f'{what}: took {took:.2f} s, promised {most_sec:g} s')
        return result


def tensor_of(graph, colour):
    """Return an input of a graph that has a value everywhere."""
    return np.full(graph.input.size // 2, colour, np.float16).tobytes()


class _EndedError(Exception):
    """The stick or the driver has failed."""


def hold_together(conversations):
    """Hold conversations at the same time; return those that hang."""
    threads = [threading.Thread(target=one.hold, daemon=True, name=one.name)
               for one in conversations]
    for thread in threads:
        thread.start()
    until = time.monotonic() + HANG_SEC
    for thread in threads:
        thread.join(max(until - time.monotonic(), 0.0))
    hanging = [thread.name for thread in threads if thread.is_alive()]
    if hanging:
        faulthandler.dump_traceback(file=sys.stderr)
    return hanging


def shorten_patience(patch):
    """Let a pytest.MonkeyPatch shorten the patience of the driver."""
    for module, name, seconds in PATIENCE:
        assert getattr(module, name) >= seconds
        patch.setattr(module, name, seconds)


def own():
    """Return how many descriptors and threads this process has."""
    return len(os.listdir('/proc/self/fd')), threading.active_count()


def settles(before):
    """Tell whether this process has soon no more descriptors and threads than before."""
    give_up_at = time.monotonic() + CALL_SEC
    while own() != before and time.monotonic() < give_up_at:
        time.sleep(0.01)   # a thread that ends
    return own() == before


class Trials:
    """Rounds of trials on all sticks of a bus at the same time; a fault on each."""

    def __init__(self, bus, backend, firmware, seed, make_fault=any_fault):
        """Use a FakeBus, whose sticks nobody else uses; ``make_fault`` returns a Fault."""
        self._make_fault = make_fault
        self.failures = []
        self.struck = self.number = self.errors = 0
        self.mismatched = []   # the faults with which results were of another input
        self._bus = bus
        self._ports = sorted(bus.sticks())
        self._chance = random.Random(seed)
        self._make = lambda port: Conversation(
            backend, port, firmware, graphs=self._chance.choice((1, 1, 2)),
            in_background=self._chance.random() < 0.5, known_ports=self._ports)
        self._before = None

    def round(self):  # noqa: A003 - what it does
        """Hold a conversation with a fault on each stick, and one without; check all."""
        faults = {port: self._make_fault(self._chance) for port in self._ports}
        if self._before is None:
            self._check_clean(self._hold(), {})
            self._before = own()
        self._await_sticks()
        self._bus.tell(*(f'{port} {fault}' for port, fault in faults.items()))
        held = self._hold()
        facts = self._bus.sticks()
        told = {port: f'{faults[port]}, {facts[port].wire_fault}' for port in self._ports}
        for one, port in zip(held, self._ports):
            self.number += 1
            self.struck += facts[port].wire_fault.startswith('struck')
            if one.mismatched:
                self.mismatched.append(told[port])
            self.errors += one.error is not None
            self._note(one.wrong, f'with {told[port]}, error {one.error}')
            if facts[port].wire_fault.startswith('armed'):
                self._note([f'{one.error}'] if one.error else [], f'{told[port]} did not strike')
                self._bus.tell(f'{port} clear')
            if faults[port].what == 'unplug':
                self._bus.tell(f'{port} plug')
        self._check_left(told)
        self._await_sticks()
        self._check_clean(self._hold(), told)
        self._check_left(told)

    def _await_sticks(self):
        self._bus.wait_for(lambda sticks: all(stick.state in ('rom', 'booted')
                                              for stick in sticks.values()), ON_BUS_SEC)

    def _hold(self):
        held = [self._make(port) for port in self._ports]
        hanging = hold_together(held)
        self._note([f'hangs: {name}' for name in hanging], '')
        return held

    def _check_clean(self, held, told):
        """Check conversations without a fault."""
        for one, port in zip(held, self._ports):
            wrong = list(one.wrong)
            if one.error:
                wrong.append(f'the next start: {one.error}')
            if one.mismatched:
                wrong.append(f'the next start: {one.mismatched} results mismatched')
            self._note(wrong, f'after {told.get(port, "nothing")}')

    def _check_left(self, told):
        """Check that nothing is left of conversations that are over."""
        try:   # the server notices within a moment that a handle was closed
            self._bus.wait_for(lambda sticks: all(stick.holder is None
                                                  for stick in sticks.values()), CALL_SEC)
        except AssertionError as error:
            self._note([f'claimed {error}'], told)
        if not settles(self._before):
            self._note([f'descriptors, threads: {own()}, before {self._before}, '
                        f'{[thread.name for thread in threading.enumerate()]}'], told)

    def _note(self, wrong, why):
        self.failures += [f'{one} | {why}' for one in wrong]
