# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The control words: what happens to a stick, and what is wrong with it from now on."""

import json

from fake_usb.bus import Bus
from fake_usb.chip import later
from fake_usb.stick import Stick
from fake_usb.wire_faults import TO_HOST
from fake_usb.wire_faults import TO_STICK

POWER_CYCLE_SEC = 0.5
TAKEN_SEC = 2.0   # for a stick to take events that were sent before a mark
EVENTS = {
    'plug': 'give it power', 'unplug': 'take its power',
    'power-cycle': 'unplug it, mend it, and plug it in again after 0.5 s',
    'boot': 'be booted without any program, as one that was left behind',
    'dead': 'be booted, and answer nothing until unplugged or reset by USB',
    'arm': 'let FAULT strike once: "arm in|out NUMBER FAULT [SEED]", see below',
    'clear': 'mend all faults, or the one that is named'}
FAULTS = {
    'nak': 'no transfer gets through, each waits for its timeout',
    'mute': 'takes all transfers and sends nothing',
    'eproto': 'each transfer fails with an I/O error',
    'hang-compute': 'begins inferences and never ends one',
    'slow-boot': 'SECONDS from ROM to firmware',
    'no-boot-return': 'does not come back after it was booted',
    'no-reset-return': 'does not come back after a reset',
    'no-reset-response': 'resets without answering first',
    'slow': 'an inference takes FACTOR times as long',
    'temp': 'is CELSIUS hot', 'throttle': 'tells throttling level LEVEL',
    'tells': 'tells CELSIUS whatever it has', 'nan': 'tells no temperature',
    'garbage': 'answers inferences with nan',
    'access': 'may not be opened (no permission)',
    'no-usb-reset': 'a USB reset succeeds and changes nothing',
    'slow-usb-reset': 'a USB reset takes SECONDS',
    'hang-usb-reset': 'a USB reset takes SECONDS and fails, and the stick is off the bus'}
WORDS = '\n'.join([
    'control words: a line "PORT WORD [NUMBER]" to ctl.sock, where PORT may be "all"; also',
    '"list" and "json", and "record TEXT", which writes a mark to the file of --record',
    *(f'  {word:18} {what}' for table in (EVENTS, FAULTS) for word, what in table.items()),
    'to arm at the NUMBER-th event to the host (in), from now:',
    *(f'  {word:18} {what}' for word, what in TO_HOST.items()),
    'to arm at the NUMBER-th transfer to the stick (out), from now:',
    *(f'  {word:18} {what}' for word, what in TO_STICK.items())])


class Control:
    """Obeys the control words."""

    def __init__(self, bus: Bus) -> None:
        """Control a bus."""
        self._bus = bus

    def obey(self, line: str) -> str:
        """Return the answer to a line."""
        words = line.split()
        if not words or words[0] == 'list':
            return '\n'.join(' '.join(f'{key}={value}' for key, value in facts.items())
                             for facts in self._facts())
        if words[0] == 'json':
            return json.dumps(self._facts())
        if words[0] == 'record':
            return self._mark(' '.join(words[1:]))
        port, word, *arguments = words
        if word not in EVENTS and word not in FAULTS:
            return f'error: no word {word!r}'
        sticks = (list(self._bus.sticks.values()) if port == 'all' else
                  [self._bus.stick_at(port)] if word == 'plug' or port in self._bus.sticks else [])
        for stick in sticks:
            with stick.changed:
                self._do(stick, word, arguments)
                stick.chip.log('CONTROL', word, *arguments)
                stick.changed.notify_all()
        return 'ok' if sticks else f'error: no port {port!r}'

    def _mark(self, text: str) -> str:
        """Write a mark behind all that hosts have sent before."""
        if self._bus.recorder is None:
            return 'error: record: the server was started without --record'
        for stick in list(self._bus.sticks.values()):
            with stick.changed:
                if stick.firmware and not stick.changed.wait_for(
                        lambda stick=stick: not stick.firmware or not stick.firmware.received,
                        TAKEN_SEC):
                    return f'error: record: stick {stick.port} has not taken all'
        self._bus.recorder.mark(text)
        return 'ok'

    def _do(self, stick: Stick, word: str, arguments: list[str]) -> None:
        faults = stick.chip.faults
        if word == 'plug':
            stick.plug()
        elif word == 'unplug':
            stick.unplug()
        elif word == 'power-cycle':
            stick.unplug()
            faults.clear()
            stick.chip.wire_faults.disarm()
            later(POWER_CYCLE_SEC, stick.plug)
        elif word in ('boot', 'dead'):
            stick.boot()
            if word == 'dead' and stick.firmware:
                stick.firmware.forget()
                faults['dead'] = 1.0
        elif word == 'arm':
            stick.chip.wire_faults.arm(*arguments)
        elif word == 'clear':
            if not arguments:
                stick.chip.wire_faults.disarm()
            for fault in arguments or list(faults):
                faults.pop(fault, None)
        else:
            faults[word] = float(arguments[0]) if arguments else 1.0

    def _facts(self) -> list[dict[str, object]]:
        return [self._facts_of(stick) for stick in list(self._bus.sticks.values())]

    def _facts_of(self, stick: Stick) -> dict[str, object]:
        with stick.changed:
            facts = {
                'port': stick.port, 'state': stick.state, 'address': stick.address,
                'holder': stick.holder.pid if stick.holder else None, 'boots': stick.boots,
                'resets': stick.resets, 'usb_resets': stick.usb_resets,
                'inferences': stick.chip.inferences,
                'celsius': round(stick.chip.temperature(), 1), 'faults': dict(stick.chip.faults),
                'wire_fault': stick.chip.wire_faults.report}
            firmware = stick.firmware
            if firmware:
                facts['unread'] = len(firmware.received), len(firmware.to_host)
                facts['jobs'] = len(firmware.jobs)
                facts['streams'] = [
                    (stream.name.decode(), stream.number, stream.local_fill, stream.remote_fill)
                    for stream in firmware.streams.values()]
            return facts
