# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The two programs on a stick that obey commands: one at a time each, with checked answers."""

from collections.abc import Sequence
import struct
import threading

from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.xlink import commands
from ncs_cluster_detector.sticks.xlink.link import Link
from ncs_cluster_detector.sticks.xlink.streams import Stream

# The device monitor only looks something up.
_OPTION_SEC = 0.8
# The graph monitor may be busy with another graph, which may just be pausing because of heat; a
# stick at throttling level 2 pauses ten seconds after each inference.
COMMAND_SEC = 15.0


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
            self._link.write(self.stream, commands.device_command(option), wait=False)
            answer = self._link.read(self.stream, _OPTION_SEC)
            self._link.release(self.stream)
        return checked(answer, form.size, f'device option {option}', self._stick)


class GraphMonitor:
    """Loads, runs and frees graphs and FIFOs; safe to use from several threads."""

    def __init__(self, link: Link, stick: str) -> None:
        """Open its stream; StickLostError if the stick fails."""
        self._link = link
        self._stick = stick
        self.lock = threading.RLock()   # from a command to its answer
        self.stream = link.open_stream(commands.GRAPH_MONITOR, commands.GRAPH_MONITOR_BYTES)

    def send(self, command: bytes) -> None:
        """Send a command, with the lock held; StickLostError if the stick fails."""
        self._link.write(self.stream, command)

    def answer(self, size: int, what: str) -> bytes:
        """Return a packet of the answer, with the lock held; StickLostError as :meth:`check`."""
        data = self._link.read(self.stream, COMMAND_SEC)
        self._link.release(self.stream)
        return checked(data, size, what, self._stick)

    def check(self, what: str) -> None:
        """
        Wait for the end of a command, with the lock held.

        :raises RefusedError: the stick tells an error.
        :raises StickLostError: it does not answer in time, or not with a number.
        """
        status, = commands.NUMBER.unpack(self.answer(commands.NUMBER.size, what))
        if status:
            raise RefusedError(f'{what} on stick {self._stick}: status {status}, expected 0',
                               status)

    def obey(self, command: bytes, what: str) -> None:
        """Send a command and wait for its end; raises as :meth:`check`."""
        with self.lock:
            self._link.write(self.stream, command, wait=False)
            self.check(what)


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
