# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The two programs on a stick that obey commands: one at a time each, with checked answers."""

from collections import deque
from collections.abc import Sequence
import struct
import threading

from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.xlink import commands
from ncs_cluster_detector.sticks.xlink.link import Link
from ncs_cluster_detector.sticks.xlink.protocol.streams import Stream

# The device monitor only looks something up.
_OPTION_SEC = 0.8
# The graph monitor may be busy with another graph, which may just be pausing because of heat; a
# stick at throttling level 2 pauses ten seconds after each inference.
COMMAND_SEC = 15.0
_SERVED = commands.NUMBER.pack(0)   # the status of a command without an error


class RefusedError(StickError):
    """A stick has refused a command; ``status`` is its number for the reason."""

    def __init__(self, text: str, status: int) -> None:
        """Take the text and the stick's number."""
        super().__init__(text)
        self.status = status


class DeviceMonitor:
    """Asks for options of the stick; safe to use from several threads."""

    def __init__(self, link: Link, stick: str) -> None:
        """Open its stream; StickLostError if the stick fails."""
        self._link = link
        self._stick = stick
        self._lock = threading.Lock()
        self.stream = link.open_stream(commands.DEVICE_MONITOR, commands.DEVICE_MONITOR_BYTES)

    def ask(self, option: int, form: struct.Struct) -> bytes:
        """
        Return the answer to a device command.

        :param form: of the answer.
        :raises StickLostError: the stick does not answer in time, or with another size.
        """
        with self._lock:
            self._link.write(self.stream, commands.device_command(option))
            answer = self._link.read(self.stream, _OPTION_SEC)
            self._link.release(self.stream)
        return checked(answer, form.size, f'device option {option}', self._stick)


class Command:
    """
    A command to the graph monitor.

    Its answer is a status, and before that a packet of ``size`` bytes, if that is not 0, which
    becomes its ``answer``. ``failure`` is why the stick refuses it, or None.
    """

    def __init__(self, data: bytes, what: str, size: int = 0, is_awaited: bool = True) -> None:
        """Begin without an answer; ``what`` it does is for texts."""
        self.data = data
        self.what = what
        self.size = size
        self.is_awaited = is_awaited
        self.answer: bytes | None = None
        self.failure: StickError | None = None
        self.is_done = False


class GraphMonitor:
    """
    Loads, runs and frees graphs and FIFOs; safe to use from several threads.

    It gets the next command when the one before is answered, as from the vendor's library.
    """

    def __init__(self, link: Link, stick: str) -> None:
        """Open its stream; StickLostError if the stick fails."""
        self._link = link
        self._stick = stick
        self._lock = threading.Lock()
        self._commands: deque[Command] = deque()   # the first one is with the stick
        self.stream = link.open_stream(commands.GRAPH_MONITOR, commands.GRAPH_MONITOR_BYTES)
        link.on_change(self.stream, self._on_change)

    def submit(self, command: Command) -> None:
        """
        Send a command when those before it are answered; do not wait for its answer.

        If nobody waits for it later, the link goes down when the stick refuses it.
        """
        with self._lock:
            self._commands.append(command)
            is_first = len(self._commands) == 1
        if is_first and command.is_awaited:
            self._link.write(self.stream, command.data)
        elif is_first:
            self._link.post(self.stream, command.data)

    def finish(self, command: Command) -> bytes:
        """
        Wait until a command is answered; return the packet before the status.

        :raises RefusedError: the stick refuses it.
        :raises StickLostError: the stick fails, or does not answer in time.
        """
        self._link.await_change(self.stream, lambda: command.is_done, COMMAND_SEC,
                                f'the answer to {command.what}')
        if command.failure is not None:
            raise command.failure
        return command.answer or b''

    def obey(self, data: bytes, what: str, size: int = 0) -> bytes:
        """Send a command and wait for its end; see :meth:`finish`."""
        command = Command(data, what, size)
        self.submit(command)
        return self.finish(command)

    def _on_change(self) -> None:
        """Take the answers that have come; in the reader's thread."""
        while self.stream.packets:
            self._take(self._link.take(self.stream))
        self._link.wake(self.stream)

    def _take(self, packet: bytes) -> None:
        with self._lock:
            if not self._commands:
                self._link.lose(f'an answer of {len(packet)} bytes to no command')
                return
            command = self._commands[0]
            is_status = len(packet) == commands.NUMBER.size
            if command.size and command.answer is None and (
                    len(packet) == command.size or not is_status):
                command.answer = packet
                return
            if command.size or packet != _SERVED:
                command.failure = self._failure_of(command, packet)
            command.is_done = True
            self._commands.popleft()
            following = self._commands[0] if self._commands else None
        if command.failure is not None and not command.is_awaited:
            self._link.lose(str(command.failure))
        elif following is not None:
            self._link.post(self.stream, following.data)

    def _failure_of(self, command: Command, status: bytes) -> StickError | None:
        text = f'{command.what} on stick {self._stick}: '
        expected = [(status, commands.NUMBER.size)]
        if command.answer is not None:
            expected.append((command.answer, command.size))
        for packet, size in expected:
            if len(packet) != size:
                return StickLostError(f'{text}an answer of {len(packet)} bytes, expected {size}; '
                                      'restart the stick')
        number = int.from_bytes(status, 'little')
        if number:
            return RefusedError(f'{text}status {number}, expected 0', number)
        if command.size and command.answer is None:
            return RefusedError(f'{text}status 0 and no answer, expected {command.size} bytes', 0)
        return None


def packets(link: Link, stream: Stream, count: int, within_sec: float) -> Sequence[bytes]:
    """Return the next packets of a stream, released when all are there, as the vendor does."""
    found = [link.read(stream, within_sec) for _ in range(count)]
    for _ in found:
        link.release(stream)
    return found


def checked(data: bytes, size: int, what: str, stick: str) -> bytes:
    """
    Return data of an expected size.

    :raises StickLostError: they have another.
    """
    if len(data) != size:
        raise StickLostError(f'{what} on stick {stick}: an answer of {len(data)} bytes, expected '
                             f'{size}; restart the stick')
    return data
