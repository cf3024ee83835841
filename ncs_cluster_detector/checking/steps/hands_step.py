# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The step that needs a person: a stick is pulled out and plugged in again."""

from ncs_cluster_detector.checking.bench import Bench
from ncs_cluster_detector.checking.facts.usb_tree import is_on_bus
from ncs_cluster_detector.checking.verdicts import gap_limit

HANDS_SEC = 90.0
BACK_SEC = 40.0
AFTER_SEC = 1.0
# How long a stick may be out before the node first reports it.
UNNOTICED_SEC = 4.0


def hands_step(bench: Bench) -> None:
    """Ask for a stick to be pulled out and plugged in again, and measure how the node reacts."""
    figures = bench.begin('unplug')
    why = ('asked for by --no-hands' if not bench.options.with_hands else
           'there is no terminal to ask at' if not bench.terminal.can_ask else None)
    if why is not None:
        bench.skip('unplug and replug', why)
        return
    sticks = bench.running()
    bench.publish_for(len(sticks))
    bench.pause(AFTER_SEC)
    asked = sticks[-1]
    bench.terminal.enter_pressed()   # drop what was typed before
    bench.terminal.say(f'>> Pull out the stick at port {asked.port} now (ENTER to skip)')
    began = bench.clock()
    unplugged = _Watch(bench, began, {stick.number: stick for stick in sticks})
    if not bench.wait(unplugged.look, HANDS_SEC) or unplugged.skipped:
        bench.skip('unplug and replug', 'ENTER was pressed' if unplugged.skipped else
                   f'no stick was ABSENT within {HANDS_SEC:g} s')
        return
    stick = unplugged.stick
    figures.update(stick=stick.number, device_name=stick.device_name)
    bench.terminal.say(f'   stick {stick.number} at port {stick.port} is gone')
    lost_at = unplugged.lost_at()
    bench.pause(AFTER_SEC)
    figures['absent_sec'] = round(unplugged.absent_at - lost_at, 3)
    bench.judge('it is ABSENT after', figures['absent_sec'], 'absent_after_unplug_sec')
    figures['gap_sec'] = round(bench.history.longest_gap(
        max(lost_at - UNNOTICED_SEC, began), bench.clock())[0], 3)
    bench.judge('longest gap in detections', figures['gap_sec'], gap_limit(len(sticks)))
    _replug(bench, figures, stick)


def _replug(bench, figures, stick):
    bench.terminal.enter_pressed()
    bench.terminal.say(f'>> Plug it in again at port {stick.port} (ENTER to skip)')
    asked_at, pressed = bench.clock(), []

    def is_there():
        if bench.terminal.enter_pressed():
            pressed.append(True)
        now = bench.history.stick(stick.number, asked_at)
        return pressed or is_on_bus(stick.port) or now is not None and now.state != 'ABSENT'

    if not bench.wait(is_there, HANDS_SEC) or pressed:
        bench.skip('it runs again', 'ENTER was pressed' if pressed else
                   f'no stick was seen at port {stick.port} within {HANDS_SEC:g} s')
        return
    there_at = bench.clock()
    figures['plug_seen_by'] = 'diagnostics' if is_on_bus(stick.port) is None else 'usb'
    bench.terminal.say('   it is there')
    ready_at = bench.wait_for_running(stick.number, asked_at, BACK_SEC)
    # A stick that boots fast may run before the next diagnostics say that it is there.
    figures['back_sec'] = None if ready_at is None else round(max(ready_at - there_at, 0.0), 3)
    since = 'it was seen on USB' if figures['plug_seen_by'] == 'usb' else 'the node saw it'
    bench.judge(f'it runs again, since {since}', figures['back_sec'], 'back_after_plug_sec')


class _Watch:
    """Watches for a stick that is pulled out: the requested one, or another."""

    def __init__(self, bench, began, sticks):
        self._bench, self._began, self._sticks = bench, began, sticks
        self.skipped = False
        self.stick = self.absent_at = None

    def look(self):
        """Return whether a stick is ABSENT, or ENTER was pressed."""
        if self._bench.terminal.enter_pressed():
            self.skipped = True
            return True
        for report in self._bench.history.reports_between(self._began)[-1:]:
            for stick in report.sticks:
                if stick.state == 'ABSENT' and stick.number in self._sticks:
                    self.stick, self.absent_at = self._sticks[stick.number], report.time_sec
                    return True
        return False

    def lost_at(self):
        """Return when the node's log or diagnostics first said that the stick is lost."""
        in_log = [time_sec for time_sec, line in self._bench.node.lines[:]
                  if time_sec >= self._began and f'stick {self.stick.number} (' in line]
        in_diagnostics = [
            report.time_sec for report in self._bench.history.reports_between(self._began)
            for stick in report.sticks
            if stick.number == self.stick.number and stick.state != 'RUNNING']
        return min(in_log + in_diagnostics)
