# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Faults that strike once, at the N-th event to the host or the N-th transfer to the stick."""

from dataclasses import dataclass
import random
import struct
from typing import Callable

from fake_usb.events import HEADER
from fake_usb.events import Kind
from fake_usb.protocol import Status

ABSURD = (0, 1, 2, 7, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff, 0x7fc00000, 0xff800000,
          0xdeaddead, 65536, 1 << 30)   # two are no number and minus infinity as floats
LONGEST_EXTRA = 1500                    # bytes that come unasked for
LATE_SEC = (0.05, 0.3, 0.8, 2.0, 4.0)
FIELDS = ('id', 'kind', 'name', 'stream', 'size', 'flags')   # of a header
TO_HOST = {
    **{f'wrong-{field}': f'an event with another {field}' for field in FIELDS},
    'absurd': 'data with some 32 bit words that make no sense',
    'garbage': 'random bytes in place of a header',
    'garbage-data': 'random bytes in place of data',
    'short-data': 'fewer data than announced', 'long-data': 'more data than announced',
    'missing': 'an event that does not come', 'doubled': 'an event that comes twice',
    'late': 'an event that comes after others, up to 4 s later',
    'stray': 'an event that nobody expects, before the right one',
    'split': 'an event and its data in small transfers', 'joined': 'both in one transfer',
    'empty': 'a transfer of no bytes before the event',
    'cut': 'a transfer that ends early, the rest is lost',
    'silent': 'a transfer that ends early, and nothing after it until a reset',
    'stall': 'a transfer ends with PIPE', 'io': 'a transfer ends with an I/O error',
    'overflow': 'a transfer ends with OVERFLOW',
    'unplug': 'the stick is pulled', 'replug': 'it is pulled, and back after 0.3 s',
    'restart': 'it falls back into its ROM'}
TO_STICK = {
    'missing': 'the stick loses what it took', 'garbage': 'it gets other bytes',
    'cut': 'a part goes over within the timeout', 'short': 'a part goes over, without an error',
    'slow': 'the transfer takes up to 4 s',
    'deaf': 'no transfer gets through any more until a reset',
    'mute': 'all transfers do, and nothing comes back until a reset',
    **{fault: TO_HOST[fault] for fault in ('stall', 'io', 'unplug', 'replug', 'restart')}}
STATUS = {'stall': Status.PIPE, 'io': Status.IO, 'overflow': Status.OVERFLOW}


@dataclass(frozen=True)
class Ending:
    """Stands between the messages to the host: a transfer that comes so far ends here."""

    status: Status
    happens: str = ''   # an event of the stick, such as unplug


@dataclass(frozen=True)
class Taking:
    """How a transfer to the stick ends that a fault has struck."""

    status: Status
    sent: int           # what the host is told
    data: bytes         # what the stick gets
    seconds: float = 0.0
    happens: str = ''


class WireFaults:
    """The fault that is armed at a stick's wire, if any; used with the stick's lock held."""

    def __init__(self, later: Callable[[float, Callable[[], None]], None]) -> None:
        """Start without a fault; ``later`` calls a function after seconds."""
        self.report = ''             # what is armed, or was last, and where it struck
        self.spells: set[str] = set()   # lasting faults that a reset ends
        self._later = later
        self._side = self._fault = ''
        self._left = 0
        self._chance = random.Random()

    def arm(self, side: str, number: str, fault: str, seed: str = '0') -> None:
        """
        Arm a fault.

        :param side: ``in`` counts events to the host, ``out`` transfers to the stick.
        :param number: where it strikes, from 1, counted from now.
        :param seed: what is random in it.
        :raises ValueError: there is no such side or fault.
        """
        if fault not in {'in': TO_HOST, 'out': TO_STICK}.get(side, {}):
            raise ValueError(f'{side} {fault}')
        self._left = int(number)
        self._side, self._fault = side, fault
        self._chance = random.Random(int(seed))
        self.report = f'armed: {side} {number} {fault} {seed}'

    def disarm(self) -> None:
        """Let nothing strike any more."""
        self._side = self.report = ''
        self.spells.clear()

    def end_spells(self, faults: dict[str, float]) -> None:
        """Mend what lasts until a reset; a stick that is dead for another reason, too."""
        for fault in ('dead', *self.spells):
            faults.pop(fault, None)
        self.spells.clear()

    def to_host(self, header: bytes, data: bytes | None, faults: dict[str, float],
                queue: Callable[[list[bytes | Ending]], None]) -> None:
        """Queue what comes of an event: the messages that are transferred to the host."""
        if 'silent' in self.spells:
            return
        whole: list[bytes | Ending] = [header] if data is None else [header, data]
        if not self._strikes('in', data is not None):
            queue(whole)
            return
        kind = HEADER.unpack(header)[1]
        self.report = f'struck: {self._fault} at {Kind(kind).name} of {header[24:32].hex()}'
        chance = self._chance
        if self._fault == 'late':
            self._later(chance.choice(LATE_SEC), lambda: queue(whole))
        elif self._fault == 'silent':
            self._lasts('dead', faults)
            self.spells.add('silent')   # what the stick's programs are about to send is lost, too
            queue(self._shortened(whole))
        else:
            queue(self._struck(whole))

    def to_stick(self, data: bytes, faults: dict[str, float]) -> Taking | None:
        """Return how a transfer ends, or None if nothing is wrong with it."""
        if not self._strikes('out', True):
            return None
        self.report = f'struck: {self._fault} at {data[:8].hex()}, {len(data)} bytes'
        chance, fault = self._chance, self._fault
        part = chance.randrange(len(data)) if data else 0
        if fault in ('deaf', 'mute'):
            self._lasts('nak' if fault == 'deaf' else 'mute', faults)
            return None
        if fault == 'garbage':
            spoilt = bytearray(data)
            for _ in range(chance.randint(1, 8)):
                spoilt[chance.randrange(min(len(data), 200))] = chance.randrange(256)
            return Taking(Status.SUCCESS, len(data), bytes(spoilt))
        if fault == 'slow':
            return Taking(Status.SUCCESS, len(data), data, chance.choice(LATE_SEC))
        if fault == 'missing':
            return Taking(Status.SUCCESS, len(data), b'')
        if fault in ('cut', 'short'):
            return Taking(Status.TIMEOUT if fault == 'cut' else Status.SUCCESS, part,
                          data[:part])
        if fault in STATUS:
            return Taking(STATUS[fault], 0, b'')
        return Taking(Status.NO_DEVICE, part, data[:part], happens=fault)

    def _strikes(self, side: str, has_data: bool) -> bool:
        if self._side != side:
            return False
        self._left -= 1
        if self._left > 0 or (not has_data and self._fault in (
                'absurd', 'garbage-data', 'short-data', 'long-data')):
            return False
        self._side = ''
        return True

    def _lasts(self, spell: str, faults: dict[str, float]) -> None:
        self.spells.add(spell)
        faults[spell] = 1.0

    def _struck(self, whole: list[bytes | Ending]) -> list[bytes | Ending]:
        fault, chance = self._fault, self._chance
        header, data = whole[0], whole[1] if len(whole) > 1 else b''
        assert isinstance(header, bytes) and isinstance(data, bytes)
        if fault.startswith('wrong-'):
            return [self._wrong(header, fault.removeprefix('wrong-')), *whole[1:]]
        if fault in STATUS:   # in place of the event, or between it and its data
            at = chance.randint(0, len(whole) - 1)
            return [*whole[:at], Ending(STATUS[fault]), *whole[at + chance.randint(0, 1):]]
        if fault in ('unplug', 'replug', 'restart'):
            return [*self._shortened(whole), Ending(Status.NO_DEVICE, fault)]
        if fault == 'cut':
            return self._shortened(whole)
        return {
            'absurd': lambda: [header, self._absurd(data)],
            'garbage': lambda: [chance.randbytes(chance.choice((1, 35, 36, 37, 72, 600))),
                                *whole[1:]],
            'garbage-data': lambda: [header, chance.randbytes(len(data))],
            'short-data': lambda: [header, data[:chance.randrange(max(len(data), 1))]],
            'long-data': lambda: [header, data + chance.randbytes(
                chance.randint(1, LONGEST_EXTRA))],
            'missing': lambda: [], 'doubled': lambda: whole * 2,
            'stray': lambda: [self._stray(), *whole],
            'split': lambda: [piece for message in (header, data)
                              for piece in pieces(message, chance.randint(1, 20))],
            'joined': lambda: [header + data],
            'empty': lambda: [Ending(Status.SUCCESS), *whole]}[fault]()

    def _shortened(self, whole: list[bytes | Ending]) -> list[bytes | Ending]:
        """Return the messages up to some byte."""
        at = self._chance.randrange(len(whole))
        message = whole[at]
        assert isinstance(message, bytes)
        return [*whole[:at], message[:self._chance.randrange(max(len(message), 1))]]

    def _wrong(self, header: bytes, field: str) -> bytes:
        """Return a header with another value in one field."""
        values: list[int | bytes] = list(HEADER.unpack(header))
        at = FIELDS.index(field)
        before, after = values[at], values[at]
        while after == before:
            if isinstance(before, bytes):
                after = self._chance.choice((b'', b'\xff' * 16, b'x' * 16, b'graphMonitor'))
            else:
                after = self._chance.choice((
                    *ABSURD, before + 1, before - 1, 2 * before, *range(16),
                    self._chance.getrandbits(32)))
                after &= 0xffffffff
                after -= (after >> 31 << 32) if at < 2 else 0   # these two have a sign
        values[at] = after
        return HEADER.pack(*values)

    def _absurd(self, data: bytes) -> bytes:
        """Return data with some words that make no sense."""
        spoilt = bytearray(data)
        for _ in range(self._chance.randint(1, 3)):
            if len(data) >= 4:
                struct.pack_into('<I', spoilt, 4 * self._chance.randrange(len(data) // 4),
                                 self._chance.choice(ABSURD))
        return bytes(spoilt)

    def _stray(self) -> bytes:
        """Return an event that nobody expects."""
        chance = self._chance
        return HEADER.pack(
            chance.choice((0, 1, 11, 0x1001, 0x7fffffff, -1)), chance.randrange(len(Kind)),
            chance.choice((b'', b'deviceMonitor', b'new')), chance.randrange(8),
            chance.choice((0, 4, 100, 4096)), chance.randrange(4))


def pieces(message: bytes, size: int) -> list[bytes]:
    """Return a message in pieces of a size."""
    return [message[at:at + size] for at in range(0, len(message), size)]
