# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The normal form of a recorded conversation: what must be equal, and nothing that is left to chance.

It has, for each operation that the program marked, what was asked of the USB device, and the XLink
requests with their answers, each as a line of text: those of the host in their order, those of the
stick in their order on each stream, because the stick has several threads. Where the program has
several threads too, the host's requests are compared stream by stream.

Event ids only tie answers to requests. An answer belongs to the operation of its request.
"""

import hashlib

from conversations.free_bytes import FreeBytes
from conversations.free_bytes import SET_IN_ANSWERS
import numpy as np

ACK = 1
MOST_PACKETS = 64                        # that one side may have unreleased on a stream
MOST_HEX = 80                            # bytes of a packet that are shown
TOGETHER = 'together'                    # ends the name of an operation of several threads
# A stick sees nothing of a release; and one that boots or resets may be gone before it.
REQUESTS = ('claim', 'set_configuration', 'reset')
STATES = ('rom', 'booted', 'gone', 'absent')
# The stick opens these two at the same time: which one is number 0 is left to its threads.
MONITORS = ('deviceMonitor', 'graphMonitor')


class BrokenProtocolError(Exception):
    """A conversation breaks a rule that every conversation keeps."""


class Side:
    """What one side has written to a stream and the other side has not released yet."""

    def __init__(self, room):
        """Begin with an empty stream with room for so many bytes."""
        self.room = room
        self.packets = []


class Link:
    """One boot of a stick: the streams, and the requests that wait for their answers."""

    def __init__(self):
        """Begin with a stick that has just booted."""
        self.names = {}     # of the streams by their numbers
        self.sides = {}     # by sender and name
        self.waiting = {}   # by sender, kind and id
        self.free = FreeBytes()

    def stream(self, event):
        """Return the name of the stream of an event."""
        try:
            return self.names[event['stream']]
        except KeyError:
            raise BrokenProtocolError(f'no stream of this number is open: {event}') from None

    def open(self, sender, name, number, room):   # noqa: A003
        """Take note that a side has opened a stream."""
        if (self.names.setdefault(number, name) != name
                or list(self.names.values()).count(name) > 1):
            raise BrokenProtocolError(f'stream {number} {name} does not fit {self.names}')
        self.sides[sender, name] = Side(room)

    def close(self, sender, name):
        """Take note that a side has closed a stream; it is gone when both have."""
        if (sender, name) not in self.sides:
            raise BrokenProtocolError(f'{sender} closes {name}, which it has not opened')
        if self.sides.pop((sender, name)).packets:
            raise BrokenProtocolError(f'{sender} closes {name} before all of it was released')
        if not any(other == name for _, other in self.sides):
            self.names = {number: other for number, other in self.names.items() if other != name}

    def write(self, sender, name, size):
        """Take note of a packet, for which there must be room."""
        side = self.sides.get((sender, name))
        if side is None:
            raise BrokenProtocolError(f'{sender} writes to {name}, which it has not opened')
        side.packets.append(size)
        if sum(side.packets) > side.room or len(side.packets) > MOST_PACKETS:
            raise BrokenProtocolError(f'{sender} writes more to {name} than there is room')

    def release(self, sender, name, size):
        """Take note that the reader of a stream has released its oldest packet."""
        side = self.sides.get((other_than(sender), name))
        if side is None or not side.packets or side.packets.pop(0) != size:
            raise BrokenProtocolError(f'{sender} releases {size} bytes of {name}: not there')


def other_than(sender):
    """Return the other side."""
    return 'stick' if sender == 'host' else 'host'


class Conversation:
    """Reads a record and builds its normal form."""

    def __init__(self, lines):
        """Read the lines of a record, which has one stick."""
        self.states = []
        self.operations = []
        self.leftovers = []   # packets whose free bytes are not 0
        self._link = Link()
        self._begin('before')
        for line in lines:
            self._take(line)

    def _begin(self, name):
        self._operation = {'name': name, 'usb': [], 'host': [], 'stick': {}}
        self.operations.append(self._operation)

    def _take(self, line):
        if 'mark' in line:
            self._begin(line['mark'])
        elif 'kind' in line:
            if line['kind'].endswith('_REQ'):
                self._request(line)
            else:
                self._answer(line)
        elif 'usb' in line:
            self._usb(line)
        elif 'rom' in line:
            self._operation['usb'].append(f'transfer of {line["rom"]} bytes to the ROM')
        else:
            length, digest = line['firmware']
            self._operation['usb'].append(f'firmware of {length} bytes {digest[:16]}')

    def _usb(self, line):
        if line['usb'] in STATES:
            self.states.append(line['usb'])
            if line['usb'] == 'booted':
                self._link = Link()
        elif line['usb'] in REQUESTS:
            self._operation['usb'].append(f'{line["usb"]} {line["status"]}')

    def _request(self, line):
        sender, kind, link = line['sender'], line['kind'], self._link
        if kind == 'CREATE_REQ':
            name = line['name']
        elif kind in ('PING_REQ', 'RESET_REQ'):
            name = ''
        else:
            name = link.stream(line)
        words = [sender, kind, name or '-', line['size'], line['flags']]
        if kind == 'WRITE_REQ':
            words.append(self._packet(sender, name, line))
        elif kind == 'READ_REL_REQ':
            link.release(sender, name, line['size'])
        if kind in ('CREATE_REQ', 'PING_REQ', 'RESET_REQ'):
            words.append(f'stream={line["stream"]:#x}')
        if kind != 'CREATE_REQ' and line['name']:
            words.append(f'name={line["name"]!r}')
        entry = {'request': words, 'answer': None, 'stream': name, 'number': line['stream']}
        key = sender, kind, line['id']
        if key in link.waiting:
            raise BrokenProtocolError(f'two requests with this id wait for an answer: {line}')
        link.waiting[key] = entry
        if sender == 'host':
            self._operation['host'].append(entry)
        else:
            self._operation['stick'].setdefault(name or '-', []).append(entry)

    def _packet(self, sender, name, line):
        link, data = self._link, line['data']
        link.write(sender, name, line['size'])
        if not isinstance(data, str):
            if data[0] != line['size'] or link.free.has_gaps(name, line['size']):
                raise BrokenProtocolError(f'data that cannot be compared: {line}')
            return f'data={data[1][:16]}'
        packet = bytes.fromhex(data)
        if len(packet) != line['size']:
            raise BrokenProtocolError(f'not as much data as the size says: {line}')
        link.free.learn(sender, name, packet)
        free = link.free.of(sender, name, packet)
        values = np.frombuffer(packet, np.uint8)
        if values[free].any():
            self.leftovers.append(line)
        kept = values[~free].tobytes()
        if len(kept) > MOST_HEX:
            return f'data={hashlib.sha256(kept).hexdigest()[:16]}'
        return 'data=' + ''.join('..' if is_free else f'{byte:02x}'
                                 for byte, is_free in zip(packet, free))

    def _answer(self, line):
        sender, link = line['sender'], self._link
        kind = line['kind'].removesuffix('_RESP') + '_REQ'
        entry = link.waiting.pop((other_than(sender), kind, line['id']), None)
        if entry is None:
            raise BrokenProtocolError(f'an answer without a request: {line}')
        fields = SET_IN_ANSWERS[line['kind']] if sender == 'host' else ('name', 'stream', 'size')
        if line['kind'] == 'CREATE_RESP':
            link.open(other_than(sender), line['name'], line['stream'], line['size'])
        elif line['kind'] == 'CLOSE_RESP' and line['flags'] == ACK:
            link.close(other_than(sender), entry['stream'])
        words = [line['kind'], f'flags={line["flags"]}']
        for field in fields:
            value = line[field]
            if field == 'stream' and line['kind'] == 'CREATE_RESP':
                value = 'any' if line['name'] in MONITORS else value
            elif field == 'stream' and value == entry['number']:
                value = entry['stream'] or value
            words.append(f'{field}={value}')
        entry['answer'] = words

    def normal_form(self):
        """Return it, made of lists, dictionaries and lines of text."""
        return {'states': self.states, 'operations': [
            {'name': operation['name'], 'usb': operation['usb'],
             'host': by_stream(operation['host']) if operation['name'].endswith(TOGETHER)
             else {'all': list(map(text, operation['host']))},
             'stick': {name: list(map(text, entries))
                       for name, entries in sorted(operation['stick'].items())}}
            for operation in self.operations]}


def by_stream(entries):
    """Return the lines of requests by their streams."""
    lines = {}
    for entry in entries:
        lines.setdefault(entry['stream'], []).append(text(entry))
    return dict(sorted(lines.items()))


def text(entry):
    """Return a request with its answer as a line."""
    answer = ' '.join(map(str, entry['answer'])) if entry['answer'] else 'no answer'
    return ' '.join(map(str, entry['request'])) + f' -> {answer}'


def normal_form(lines):
    """Return the normal form of the lines of a record, which has one stick."""
    return Conversation(lines).normal_form()
