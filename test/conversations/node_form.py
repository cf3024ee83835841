# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The form of a node's conversation with a stick, whatever number of inferences it lasts.

What the host asks before the first tensor and after the last trigger is complete and in its order.
Of the inferences and of the readings of the temperature each request is there once, and of all
other streams too. What must come before what is checked in ``stick_link``.
"""

from conversations.normal_form import normal_form

READING = 'host WRITE_REQ deviceMonitor 12 1 data=01'
INFERENCE = 'host WRITE_REQ graphMonitor 76 1 data=0000000002'   # a trigger


def node_form(lines):
    """
    Return the form of a record without marks.

    ``tensors`` are the digests of all inputs, whose order and number are left to chance.
    """
    form = normal_form(lines)
    (operation,) = form['operations']
    host, tensors = without_tensors(operation['host']['all'])
    requests = [line for line in host if not line.startswith(READING)]
    inferences = [number for number, line in enumerate(requests) if line.startswith(INFERENCE)
                  or 'data=tensor' in line]
    first, last = inferences[0], inferences[-1] + 1
    others = {**{f'stick {stream}': lines for stream, lines in operation['stick'].items()},
              **{order: lines for order, lines in operation['host'].items() if order != 'all'}}
    return {'states': form['states'], 'operations': [
        {'name': name, 'usb': usb, 'host': {'all': lines}, 'stick': {}}
        for name, usb, lines in (
            ('begin', [line for line in operation['usb'] if 'ROM' in line or 'firmware' in line],
             requests[:first]),
            ('inferences', [], sorted(set(requests[first:last]))),
            ('end', [], requests[last:]),
            ('readings', [], sorted({line for line in host if line.startswith(READING)})),
            ('tensors', [], sorted(tensors)),
            *((name, [], list(dict.fromkeys(without_tensors(lines)[0])))
              for name, lines in sorted(others.items())))]}


def without_tensors(requests):
    """Return requests with the data of tensors and results left out, and the digests of those."""
    hidden, digests = [], set()
    for line in requests:
        words = line.split()
        data = next((word for word in words if word.startswith('data=')), '')
        if words[1] == 'WRITE_REQ' and words[2].startswith('FIFO') and '.' not in data:
            digests.add(data)
            line = line.replace(data, 'data=tensor')
        hidden.append(line)
    return hidden, digests
