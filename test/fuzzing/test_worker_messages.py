# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What a broken child process may send: anything, in any order, cut or of any size."""

from contextlib import suppress
from dataclasses import replace
import math
import pickle
import socket
import struct
from types import SimpleNamespace

from fuzz_door import ANY_FLOAT
from fuzz_door import ANY_INT
from fuzz_door import ANY_TEXT
from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import spoilt
from fuzz_door import st
from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.networks.region import Region
from ncs_cluster_detector.networks.region import WHOLE
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.processes import child_process
from ncs_cluster_detector.processes.message_reader import MessageReader
from ncs_cluster_detector.processes.message_reader import MOST_BYTES
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.frame import EncodedFrame
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire import messages
from ncs_cluster_detector.wire.checks import check
import numpy as np
import pytest
from supervisor_bench import Log

ANYTHING = st.one_of(st.none(), ANY_FLOAT, ANY_INT, ANY_TEXT, st.booleans(), st.binary(max_size=8),
                     st.lists(ANY_INT, max_size=3), st.tuples(ANY_TEXT),
                     st.tuples(ANY_INT | st.integers(1, 65536), ANY_INT | ANY_FLOAT))
KINDS = (messages.EnumerationStarted, messages.DeviceList, messages.Step, messages.Reading,
         messages.Ready, messages.Result, messages.Unreadable, messages.Fault,
         messages.BusReport, messages.Stop)
GOOD = [
    messages.EnumerationStarted(), messages.DeviceList(('1.1-ma2450', '1.2-ma2450')),
    messages.DeviceList(()), *map(messages.Step, OpeningStep),
    messages.Reading(40.0, 0, 1.0), messages.Reading(None, 0, 1.0),
    messages.Ready(messages.Reading(40.0, 0, 1.0)), messages.Fault('it failed'),
    messages.Fault('in use', in_use=True), messages.Fault('dead', dead=True),
    messages.BusReport(cleaned=True),
    messages.BusReport(usable=False, problem='no library'),
    messages.BusReport(dead=(messages.DeadStick('1.1', 1.0),), cleaned=True),
    *(messages.Result(number, (Detection('car', 0.9, 0.1, 0.2, 0.3, 0.4),), 0, 0.05, 1.0)
      for number in range(4)),
    *(messages.Result(number, (Detection('car', 0.9, 0.1, 0.2, 0.3, 0.4),), 0, 0.05, 1.0, 0, 1e300,
                      size) for number in range(4) for size in ((4, 6), (65535, 1))),
    *(messages.Unreadable(number, 'it is damaged') for number in range(4))]

# What becomes of frames that were sent.
OUTCOMES = [message for message in GOOD
            if isinstance(message, (messages.Result, messages.Unreadable))]


@st.composite
def wrong_messages(draw):
    """Make a message of ours with anything in its fields, or anything else."""
    kind = draw(st.sampled_from(KINDS))
    message = object.__new__(kind)
    for name in kind.__dataclass_fields__:
        if draw(st.integers(0, 9)):   # else the field is missing
            object.__setattr__(message, name, draw(ANYTHING))
    return message


def framed(message):
    """Return a message as it stands in a pipe."""
    content = pickle.dumps(message)
    return struct.pack('!i', len(content)) + content


MESSAGES = st.sampled_from(GOOD) | wrong_messages() | ANYTHING
FRAMED = st.one_of(
    MESSAGES.map(framed),
    spoilt([pickle.dumps(message) for message in GOOD]).map(
        lambda content: struct.pack('!i', len(content)) + content),
    st.binary(max_size=60), st.sampled_from(
        [b'', struct.pack('!i', -1) + struct.pack('!Q', 2**60), struct.pack('!i', 2**31 - 1),
         struct.pack('!i', 0), struct.pack('!i', MOST_BYTES) + b'x', b'E: XLink failed\n']))


@door(200, chunks=st.lists(FRAMED, max_size=6), cut=st.integers(0, 200))
def test_any_bytes_are_messages_or_refused_without_waiting(chunks, cut):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        reader = MessageReader(ours)
        data = b''.join(chunks)
        for part in (data[:cut], data[cut:]):
            theirs.sendall(part)
            try:
                for message in reader.messages():
                    with suppress(ValueError):
                        check(message)
            except ValueError as error:
                assert_one_line(str(error))
                return


@door(300, message=MESSAGES)
def test_a_checked_message_has_only_possible_values(message):
    try:
        check(message)
    except ValueError as error:
        assert_one_line(str(error))
        return
    if isinstance(message, messages.Result):
        assert math.isfinite(message.finished_at) and message.unusable_boxes >= 0
        assert math.isfinite(message.on_stick_at)
        if message.picture_size is not None:
            height, width = message.picture_size
            assert 0 < height <= 65535 and 0 < width <= 65535
    if isinstance(message, messages.Unreadable):
        assert isinstance(message.text, str)
    if isinstance(message, messages.DeviceList):
        assert all(isinstance(name, str) for name in message.device_names)


@pytest.mark.parametrize('message', GOOD, ids=lambda message: type(message).__name__)
def test_a_good_message_is_taken(message):
    check(message)


class Bench:
    """A supervisor in invented time, whose child processes send made-up bytes."""

    def __init__(self, monkeypatch, starts_together=False):
        self.starts_together = starts_together
        driver = SimpleNamespace(starts_together=starts_together, preload=())
        self.log = Log()
        self.children = {}
        self.started = 0
        self.frames = 0
        self.now = 100.0
        self.published = []
        monkeypatch.setattr(child_process.fork_server.server, 'start', self.start)
        monkeypatch.setattr(child_process.os, 'kill', lambda pid, _: self.end(pid))
        self.unreadable = []
        regions = (0.25, 0.25, 0.5, 0.5), WHOLE
        self.supervisor = Supervisor(
            SupervisorOptions(messages.WorkerConfig(driver, (), ()), cameras=2),
            Settings(camera_regions=regions),
            lambda frame, detections: self.published.append((frame, detections)), self.log,
            lambda frame, why: self.unreadable.append((frame, why)))
        self.regions = [Region(*region) for region in regions]

    def start(self, _, arguments):
        """Remember the process's end of its pipe; it never runs."""
        status, ended = child_process.os.pipe()
        self.started += 1
        pid = 2**30 + self.started   # no process has such a number
        # Its end of the pipe is closed by the supervisor after the start.
        self.children[pid] = child_process.os.dup(arguments[2].fileno()), ended
        return pid, status

    def end(self, pid):
        theirs, ended = self.children.pop(pid, (None, None))
        if theirs is not None:
            child_process.os.close(theirs)
            child_process.os.write(ended, child_process.fork_server.NUMBER.pack(-9))
            child_process.os.close(ended)

    def send(self, which, data):
        """Let one of the processes send bytes."""
        if self.children:
            theirs, _ = sorted(self.children.items())[which % len(self.children)][1]
            child_process.os.write(theirs, data)

    def start_stick(self):
        """Let all processes do as good ones do until the first stick is ready."""
        cleans = (1, messages.BusReport(cleaned=True))
        for which, message in (
                (0, messages.EnumerationStarted()), *[cleans] * (not self.starts_together),
                (0, messages.DeviceList(('1.1-ma2450',))),
                (self.starts_together, messages.Ready(messages.Reading(40.0, 0, self.now)))):
            self.send(which, framed(message))
            self.step(0.01)
        assert StickState.RUNNING in [
            stick.status.state for stick in self.supervisor.snapshot.sticks]

    def step(self, seconds):
        self.now += seconds
        self.supervisor.step(self.now)

    def offer(self, camera, kind):
        self.frames += 1
        content = np.zeros((4, 4, 3) if kind is Frame else 7, np.uint8)
        self.supervisor.offer(kind(
            self.frames, content, None, self.now, camera, self.regions[camera]))

    def answer(self, outcome, back):
        """Let the first process answer to one of the newest frames."""
        self.step(0.01)
        self.send(0, framed(replace(outcome, sequence=self.frames - back)))
        self.step(0.01)

    def check(self):
        """Check what has come of the frames."""
        for camera in range(2):
            sequences = [frame.sequence for frame, _ in self.published if frame.camera == camera]
            assert sequences == sorted(set(sequences))
        for frame, detections in self.published:
            assert min(frame.size) > 0
            for found in detections:
                assert all(map(math.isfinite, found[1:]))
        for _, why in self.unreadable:
            assert isinstance(why, str)

    def close(self):
        for pid in list(self.children):
            self.end(pid)
        self.supervisor._pool.stop()


ACTIONS = st.lists(st.one_of(
    st.tuples(st.just('send'), st.integers(0, 9), st.one_of(
        st.sampled_from(GOOD), st.sampled_from(GOOD), st.sampled_from(OUTCOMES), MESSAGES).map(
            framed) | FRAMED),
    st.tuples(st.just('answer'), st.sampled_from(OUTCOMES), st.integers(0, 2)),
    st.tuples(st.just('step'), st.sampled_from([0.0, 0.01, 0.5, 3.0, 30.0])),
    st.tuples(st.just('offer'), st.integers(0, 1), st.sampled_from([Frame, EncodedFrame])),
    st.tuples(st.just('end'), st.integers(0, 9))), max_size=40)


@door(60, actions=ACTIONS, is_ready=st.booleans(), starts_together=st.booleans())
def test_the_supervisor_survives_whatever_its_processes_send(
        actions, is_ready, starts_together):
    with pytest.MonkeyPatch.context() as monkeypatch:
        bench = Bench(monkeypatch, starts_together)
        try:
            bench.step(0.0)
            if is_ready:
                bench.start_stick()
            for what, *arguments in actions:
                if what == 'end' and bench.children:
                    bench.end(sorted(bench.children)[arguments[0] % len(bench.children)])
                elif what != 'end':
                    getattr(bench, what)(*arguments)
            # Whoever does not answer is replaced again and again.
            started = bench.started
            for _ in range(40):
                bench.step(10.0)
            assert bench.started > started
            assert all(isinstance(stick.status.state, StickState)
                       for stick in bench.supervisor.snapshot.sticks)
            bench.check()
            for _, line in bench.log.lines:
                assert_one_line(line)
        finally:
            bench.close()
