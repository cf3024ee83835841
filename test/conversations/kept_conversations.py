# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Keeps normal forms as small files, and tells where two of them differ.

A kept file is JSON: ``lines`` has each line once, all others are numbers of lines.
"""

import json
from pathlib import Path

RECORDED = Path(__file__).with_name('recorded')
MOST_DIFFERENCES = 10


def kept_file(name):
    """Return the path of a kept conversation."""
    return RECORDED / f'{name}.json'


def keep(path, form, told):
    """Write a normal form, and what the program told, to a file."""
    lines = {}

    def number(line):
        return lines.setdefault(line, len(lines))
    operations = [{
        **operation, 'usb': list(map(number, operation['usb'])),
        **{sender: {stream: list(map(number, requests))
                    for stream, requests in operation[sender].items()}
           for sender in ('host', 'stick')}} for operation in form['operations']]
    told = list(map(number, told))
    parts = [f'{json.dumps(name)}: [\n {rows}]' for name, rows in (
        ('lines', ',\n '.join(map(json.dumps, lines))),
        ('operations', ',\n '.join(json.dumps(one, separators=(',', ':')) for one in operations)))]
    parts += [f'{json.dumps(name)}: {json.dumps(value, separators=(",", ":"))}'
              for name, value in (('states', form['states']), ('told', told))]
    path.write_text('{' + ',\n'.join(parts) + '}\n')


def kept(path):
    """Return the normal form in a file, and what the program told."""
    content = json.loads(path.read_text())
    lines = content['lines']

    def text(numbers):
        return [lines[number] for number in numbers]
    operations = [{
        **operation, 'usb': text(operation['usb']),
        **{sender: {stream: text(requests) for stream, requests in operation[sender].items()}
           for sender in ('host', 'stick')}} for operation in content['operations']]
    return {'states': content['states'], 'operations': operations}, text(content['told'])


def differences(kept_form, form):
    """Return what differs in two normal forms as lines of text, the first of each list."""
    found = list(first_difference('states of the stick', kept_form['states'], form['states']))
    names = [[operation['name'] for operation in one['operations']] for one in (kept_form, form)]
    found += first_difference('operations', *names)
    for before, after in zip(kept_form['operations'], form['operations']):
        name = before['name']
        found += first_difference(f'{name}: USB', before['usb'], after['usb'])
        for sender in ('host', 'stick'):
            for stream in sorted({*before[sender], *after[sender]}):
                found += first_difference(f'{name}: {sender}, {stream}',
                                          before[sender].get(stream, []),
                                          after[sender].get(stream, []))
    return found[:MOST_DIFFERENCES]


def first_difference(where, before, after):
    """Yield at most one line: where two lists begin to differ."""
    nothing = '(nothing)'
    for number in range(max(len(before), len(after))):
        lines = [one[number] if number < len(one) else nothing for one in (before, after)]
        if lines[0] != lines[1]:
            yield f'{where}, number {number}: kept {lines[0]}, seen {lines[1]}'
            return
