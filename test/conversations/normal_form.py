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
stick in their order on each stream, because the stick has several threads. Releases are in their
order on each stream, because a host may have a thread for what comes. Where a program has several
threads too, all requests of the host are compared stream by stream. What must come before what on
different streams is checked in ``stick_link``.

Event ids only tie answers to requests. An answer belongs to the operation of its request, a
release to that of its packet.
"""

import hashlib

from conversations.free_bytes import SET_IN_ANSWERS
from conversations.stick_link import BrokenProtocolError
from conversations.stick_link import DEVICE_MONITOR
from conversations.stick_link import END_SIZE
from conversations.stick_link import GRAPH_MONITOR
from conversations.stick_link import Link
from conversations.stick_link import other_than
import numpy as np

ACK = 1
MOST_HEX = 80                            # bytes of a packet that are shown
TOGETHER = 'together'                    # ends the name of an operation of several threads
# A stick sees nothing of a release; and one that boots or resets may be gone before it.
REQUESTS = ('claim', 'set_configuration', 'reset')
STATES = ('rom', 'booted', 'gone', 'absent')
# The stick opens these two at the same time: which one is number 0 is left to its threads.
MONITORS = (DEVICE_MONITOR, GRAPH_MONITOR)


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
        self._operation = {'name': name, 'usb': [], 'host': {}, 'stick': {}}
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
        operation = self._operation
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
            operation = link.release(sender, name, line['size'])
        elif kind == 'CLOSE_REQ' and sender == 'host':
            link.check_close(name)
        if kind in ('CREATE_REQ', 'PING_REQ', 'RESET_REQ'):
            words.append(f'stream={line["stream"]:#x}')
        if kind != 'CREATE_REQ' and line['name']:
            words.append(f'name={line["name"]!r}')
        entry = {'request': words, 'answer': None, 'stream': name, 'number': line['stream']}
        key = sender, kind, line['id']
        if key in link.waiting:
            raise BrokenProtocolError(f'two requests with this id wait for an answer: {line}')
        link.waiting[key] = entry
        order = name or '-'
        if sender == 'host' and not operation['name'].endswith(TOGETHER):
            order = f'releases {name}' if kind == 'READ_REL_REQ' else 'all'
        operation[sender].setdefault(order, []).append(entry)

    def _packet(self, sender, name, line):
        link, data = self._link, line['data']
        link.write(sender, name, line['size'], self._operation)
        if sender == 'stick':
            link.answered(name)
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
        if sender == 'host' and name in MONITORS:
            link.command(name, packet)
        if values[free].any() and not is_tensor(name, len(packet)):
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
        elif line['kind'] == 'WRITE_RESP' and sender == 'stick':
            link.acknowledged(entry['stream'], entry['request'][3])
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
             **{sender: {order: list(map(text, entries))
                         for order, entries in sorted(operation[sender].items())}
                for sender in ('host', 'stick')}}
            for operation in self.operations]}


def is_tensor(stream, size):
    """Tell whether a packet is a tensor, whose bytes between the rows may be the program's."""
    return stream.startswith('FIFO') and size != END_SIZE


def text(entry):
    """Return a request with its answer as a line."""
    answer = ' '.join(map(str, entry['answer'])) if entry['answer'] else 'no answer'
    return ' '.join(map(str, entry['request'])) + f' -> {answer}'


def normal_form(lines):
    """Return the normal form of the lines of a record, which has one stick."""
    return Conversation(lines).normal_form()
