# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Which sticks are known, by number and USB port, and whose worker is due."""

from collections import Counter
import re

from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.workers.stick_record import StickRecord


class StickRegister:
    """
    The records of all sticks.

    A stick gets the next number when it is listed for the first time, in the order of the USB
    ports, and keeps it: number n stays the same port when the stick is restarted or replugged. One
    that another program has open gets its number when it becomes free. A dead one has a number as
    well, so that it is told of, but takes no room from one that works: should its room be taken
    when it answers again, it is spare.
    """

    def __init__(self, max_sticks, logger):
        """Start with no known stick; ``max_sticks`` 0 means all, for the logger see Supervisor."""
        self.records = []
        self.strangers = ()    # names of further sticks that would be used, were they not in use
        self._max_sticks = max_sticks
        self._logger = logger
        self._said = None

    def listed(self, device_names, now, dead):
        """
        Take in a list of the device names of all sticks of the machine.

        :param dead: dictionary of DeadStick by USB port.
        """
        names = {port_of(name): name for name in sorted(device_names, key=_natural)}
        known = {record.port for record in self.records}
        further = {port: name for port, name in names.items() if port not in known}
        free = [name for name in further.values() if not is_in_use(name)][:self._room()]
        free += [name for port, name in further.items() if is_in_use(name) and port in dead]
        for name in sorted(free, key=_natural):
            self.records.append(StickRecord(len(self.records), name, now))
        for record in self.records:
            is_news = record.seen(names, now, dead)
            record.is_spare |= record.is_dead()
            if record.is_spare and not record.is_dead() and self._has_room():
                record.is_spare = False
            if is_news:
                self._logger.error(
                    f'stick {record.number} ({record.device_name}): it has booted and does not '
                    'answer on USB, so it is left out; unplug it and plug it in again (until then '
                    'it is reset by USB again and again, and used if that helps)')
        self.strangers = tuple(name for port, name in further.items()
                               if is_in_use(name) and port not in dead and self._has_room())
        self._say_once(_complaint(device_names, bool(self.records))
                       or self._complaint_of_room(names))

    def due(self, now):
        """
        Return the record whose worker is due, or None; of several the one that failed least.

        One exception: the vendor's library waits longer for a stick that is slow to boot while
        another one is there that has not booted (see BOOT_SEC). So one that was not back in time
        has its second try before the last of the others.
        """
        # One that hangs while it is opened waits behind those that just have to be opened.
        due = sorted(self._due(now), key=lambda record: (
            record.holds_up(), record.failures, record.start_at, record.number))
        if sum(not record.failures for record in due) == 1:
            due = [record for record in due if record.slow == record.failures == 1] + due
        return due[0] if due else None

    def waiting(self, now):
        """Return the records that wait for their turn, those apart that hold up the others."""
        return [record for record in self._due(now) if not record.holds_up()]

    def has_slow(self, but):
        """Tell whether one but this record was not back from its boot in time, and not since."""
        return any(record.slow for record in self.records if record is not but)

    def _due(self, now):
        return [record for record in self._queued() if record.start_at <= now]

    def next_due(self, after=float('-inf')):
        """Return when the next worker is due (of those due later than ``after``), or infinite."""
        return min((record.start_at for record in self._queued() if record.start_at > after),
                   default=float('inf'))

    def _queued(self):
        return [record for record in self.records
                if not record.is_spare and record.waits_until() is not None]

    def expects_sticks(self):
        """Tell whether a stick can be plugged in that would be used."""
        return self._has_room() or any(record.waits() for record in self.records)

    def revived(self, port, by_reset, now):
        """Take note that the dead stick at a port has left the bus, by a reset or by a hand."""
        for record in self.records:
            if record.port == port and by_reset:
                self._logger.warning(f'stick {record.number} ({record.device_name}): a reset by '
                                     'USB has helped, it is started again')
            elif record.port == port:
                record.replugged(now)

    def ports_but(self, record):
        """Return the USB ports of all known sticks but one."""
        return tuple(other.port for other in self.records if other is not record)

    def _has_room(self):
        return self._room() is None or self._room() > 0

    def _room(self):
        """Return how many further sticks would be used; None for any number."""
        used = sum(not record.is_spare for record in self.records)
        return max(self._max_sticks - used, 0) if self._max_sticks else None

    def _complaint_of_room(self, names):
        """Return why a stick that was plugged in is not used although one is missing, or None."""
        missing = [record for record in self.records if record.is_absent()]
        spare = {port for port, name in names.items() if not is_in_use(name)}
        spare -= {record.port for record in self.records}
        if not missing or not spare or self._has_room():
            return None
        return (f'stick {missing[0].number} is missing at port {missing[0].port}, and what is at '
                f'port {min(spare)} is not used (max_sticks={self._max_sticks}, known by their '
                'ports); plug it into its own port, or start the node again')

    def _say_once(self, complaint):
        if complaint and complaint != self._said:
            self._logger.warning(complaint)
        self._said = complaint


def _complaint(device_names, any_known):
    """Return what is wrong with a list of sticks, or None."""
    twice = [name for name, count in Counter(map(port_of, device_names)).items() if count > 1]
    if twice:
        return (f'several sticks are called {", ".join(twice)}, at different root hubs, and '
                'cannot be told apart: none of them is used; plug all sticks into one hub')
    if device_names and not any_known:
        return (f'no free stick found, {len(device_names)} in use by other programs '
                f'({", ".join(device_names)}); waiting for one')
    if not device_names:
        return ('no stick found; waiting for one: is it plugged in (lsusb shows 03e7), is its '
                'udev rule installed, is the hub powered?')
    return None


def _natural(device_name):
    """Return a sorting key by which port 1.10 follows port 1.9."""
    return [int(part) for part in re.findall(r'\d+', port_of(device_name))], device_name
