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

What comes before the first tensor and after the last result is complete and in its order; of the
inferences each request is there once, in the order of their first. Temperatures are read when it
is time to, so they have a list of their own.
"""

from conversations.normal_form import normal_form

# The command that asks for temperatures, and the release of its answer.
READING = ('host WRITE_REQ deviceMonitor 12 1 data=01', 'host READ_REL_REQ deviceMonitor 104 1')


def node_form(lines):
    """
    Return the form of a record without marks.

    ``tensors`` are the digests of all inputs, whose order and number are left to chance.
    """
    form = normal_form(lines)
    (operation,) = form['operations']
    host, tensors = without_tensors(operation['host']['all'])
    readings = [line for line in host if line.startswith(READING)]
    host = [line for line in host if not line.startswith(READING)]
    stick = {}
    for stream, requests in operation['stick'].items():
        hidden, _ = without_tensors(requests)
        stick[stream] = list(dict.fromkeys(hidden))
    first = next(number for number, line in enumerate(host) if 'data=tensor' in line)
    results = [number for number, line in enumerate(host)
               if line.startswith('host READ_REL_REQ FIFO')]
    last = results[-1] + 1
    return {'states': form['states'], 'operations': [
        {'name': name, 'usb': usb, 'host': {'all': requests}, 'stick': answers}
        for name, usb, requests, answers in (
            ('begin', [line for line in operation['usb'] if 'ROM' in line or 'firmware' in line],
             host[:first], stick),
            ('inferences', [], list(dict.fromkeys(host[first:last])), {}),
            ('end', [], host[last:], {}),
            ('readings', [], list(dict.fromkeys(readings)), {}),
            ('tensors', [], sorted(tensors), {}))]}


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
