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

"""The words for what can be wrong with a simulated stick, and what they mean."""

from dataclasses import dataclass
from dataclasses import replace
import math

from ncs_cluster_detector.simulation.fault_arguments import between
from ncs_cluster_detector.simulation.fault_arguments import choice
from ncs_cluster_detector.simulation.fault_arguments import factor
from ncs_cluster_detector.simulation.fault_arguments import number
from ncs_cluster_detector.simulation.mvnc_enums import Status

# The calls of the vendor's API, in the order of a stick's life. ``option`` stands for options
# that are asked from the stick, ``close`` also for what releases graphs and queues.
CALLS = ('enumerate', 'open', 'allocate', 'write', 'trigger', 'read', 'option', 'close')
STATUSES = tuple(status.name for status in Status if status is not Status.OK)
GARBAGE = ('nan', 'inf', 'counts', 'random')
MOST_SLOW = 1000.0
MOST_COOLING = 1000.0
MOST_SLOW_BOOT_SEC = 3600.0
MOST_SWALLOWED = 1 << 30
CELSIUS_RANGE = (-40.0, 200.0)
# What a sensor that is broken may tell, below what is cold at all too, and how coarse it may be.
TOLD_RANGE = (-1000.0, 1000.0)
MOST_COARSE = 50.0

# What can be done to a stick, and what it means.
FAULTS = {
    'unplug': 'pull it out of its port',
    'plug': 'put it into its port again, or a new one into a free port',
    'hang CALL|all': 'the call never returns, also when the fault is cleared later; with read '
                     'the stick delivers nothing more',
    'error CALL STATUS': 'the call fails with that status of the API; with enumerate the list '
                         'ends before the stick',
    'slow FACTOR': 'an inference takes so many times as long',
    'fail-open': 'it does not come back when it is booted',
    'garbage [KIND]': 'results are nan, inf, huge box counts, or (without KIND) random bytes',
    'nan-temperature': 'its temperatures are not numbers',
    'tells-temperature CELSIUS': 'its sensor tells this, whatever the stick has',
    'stuck-temperature': 'from now on its sensor tells what the stick has at this moment',
    'coarse-temperature STEP': 'its sensor tells whole multiples of so many degrees only',
    'heat CELSIUS': 'it has this temperature; cleared, it cools from there',
    'cooling FACTOR': 'it gives off heat so many times as well as others: with 0.5 it ends twice '
                      'as far above ambient, and takes twice as long to get there',
    'slow-boot SECONDS': "its boot takes so long; after 3.6 times boot_ms the vendor's library "
                         'gives up waiting, or takes another stick for it',
    'mute': 'it answers nothing until a USB reset or unplug: calls never return, and left booted '
            'it hangs the first listing of every process',
    'nak': 'it is mute, and takes nothing that is sent to it',
    'swallow BYTES': 'it is mute until it has taken so many bytes more: the rest of a tensor that '
                     'broke off',
    'no-usb-reset': 'a USB reset changes nothing',
    'no-access': 'the system permits nobody to open it',
    'unheard': 'when it is unplugged none of the calls that wait is told',
    'clear': 'end all its faults (an unplugged stick stays unplugged)',
}


@dataclass(frozen=True)
class StickFaults:
    """
    What is wrong with a stick.

    ``hang`` is a set of calls, ``errors`` a tuple of pairs (call, name of a status), ``garbage``
    one of :data:`GARBAGE` or an empty text, ``told_celsius`` what the sensor tells or None,
    ``coarse`` the step of what it tells, ``celsius`` a temperature or None, and ``cooling`` how
    many times as well as others it gives off heat. ``mute``, ``nak`` and ``swallow`` (in bytes)
    are states of what runs on the stick; unlike all others they end when its power does.
    """

    hang: frozenset = frozenset()
    errors: tuple = ()
    slow: float = 1.0
    fail_open: bool = False
    garbage: str = ''
    nan_temperature: bool = False
    told_celsius: float = None
    coarse: float = 0.0
    celsius: float = None
    cooling: float = 1.0
    slow_boot_sec: float = 0.0
    mute: bool = False
    nak: bool = False
    swallow: int = 0
    no_usb_reset: bool = False
    no_access: bool = False
    unheard: bool = False

    @property
    def silent(self):
        """Tell whether the stick answers nothing once it has booted."""
        return self.mute or self.nak or bool(self.swallow)

    def hangs(self, call):
        """Tell whether a call never returns."""
        # Of a silent stick all calls wait for an answer, without a deadline: what is written
        # (XLink.c:1157), a result that was read gives its place back (:1261), what is destroyed
        # (:1072), and the reset of a stick that is closed (:1301). Listing and booting ask nothing
        # of what runs on the stick.
        return call in self.hang or (self.silent and call not in ('enumerate', 'open'))

    def after_power_off(self):
        """Return the faults that are left when what ran on the stick is gone."""
        return replace(self, mute=False, nak=False, swallow=0)

    def status_of(self, call):
        """Return the status with which a call fails, or None."""
        name = dict(self.errors).get(call)
        return None if name is None else Status[name]

    def told(self, celsius):
        """Return what the sensor tells of a temperature in degrees Celsius."""
        if self.nan_temperature:
            return math.nan
        if self.told_celsius is not None:
            return self.told_celsius
        return round(celsius / self.coarse) * self.coarse if self.coarse else celsius

    def with_fault(self, name, *arguments):
        """
        Return these faults and one more, in the words of :data:`FAULTS`.

        :raises ValueError: the text names the word and what is expected instead.
        """
        if name not in _CHANGES:
            raise ValueError(f"fault '{name}': unknown; expected one of "
                             f'{", ".join(word.split()[0] for word in FAULTS)}')
        change, least, most = _CHANGES[name]
        if not least <= len(arguments) <= most:
            (usage,) = (usage for usage in FAULTS if usage.split()[0] == name)
            raise ValueError(f"'{' '.join((name, *arguments))}': expected {usage}")
        return change(self, *arguments)

    def __str__(self):
        """Return the faults in words, as :func:`parse_faults` reads them."""
        words = [f'hang {call}' for call in CALLS if call in self.hang]
        words += [f'error {call} {status}' for call, status in self.errors]
        if self.slow != 1.0:
            words.append(f'slow {self.slow:.10g}')
        if self.garbage:
            words.append(f'garbage {self.garbage}')
        if self.told_celsius is not None:
            words.append(f'tells-temperature {self.told_celsius:.10g}')
        if self.coarse:
            words.append(f'coarse-temperature {self.coarse:.10g}')
        if self.celsius is not None:
            words.append(f'heat {self.celsius:.10g}')
        if self.cooling != 1.0:
            words.append(f'cooling {self.cooling:.10g}')
        if self.slow_boot_sec:
            words.append(f'slow-boot {self.slow_boot_sec:.10g}')
        if self.swallow:
            words.append(f'swallow {self.swallow}')
        words += [word for word, name in _FLAGS.items() if getattr(self, name)]
        return ', '.join(words)


def parse_faults(text):
    """Return the faults that :class:`StickFaults` gave as text."""
    faults = StickFaults()
    for words in filter(None, text.split(', ')):
        faults = faults.with_fault(*words.split())
    return faults


def _hang(faults, call):
    calls = CALLS if call == 'all' else (choice('call', call, CALLS, 'all'),)
    return replace(faults, hang=faults.hang.union(calls))


def _error(faults, call, status):
    choice('call', call, CALLS)
    choice('status', status, STATUSES)
    return replace(faults, errors=tuple({**dict(faults.errors), call: status}.items()))


def _slow(faults, word):
    return replace(faults, slow=factor('factor', word, MOST_SLOW))


def _cooling(faults, word):
    return replace(faults, cooling=factor('factor', word, MOST_COOLING))


def _garbage(faults, kind='random'):
    return replace(faults, garbage=choice('kind of garbage', kind, GARBAGE))


def _heat(faults, word):
    return replace(faults, celsius=between(
        'temperature', word, CELSIUS_RANGE, 'degrees Celsius'))


def _tells(faults, word):
    return replace(faults, told_celsius=between(
        'temperature', word, TOLD_RANGE, 'degrees Celsius'))


def _coarse(faults, word):
    return replace(faults, coarse=factor('step', word, MOST_COARSE))


def _slow_boot(faults, word):
    return replace(faults, slow_boot_sec=between(
        'time', word, (0.0, MOST_SLOW_BOOT_SEC), 'seconds'))


def _swallow(faults, size):
    value = number('size', size)
    if value != int(value) or not 0 <= value <= MOST_SWALLOWED:
        raise ValueError(f'size {size}: expected 0 to {MOST_SWALLOWED} whole bytes')
    return replace(faults, swallow=int(value))


def _set_flag(name):
    return lambda faults: replace(faults, **{name: True})


# Words without arguments, and what they set.
_FLAGS = {word: word.replace('-', '_') for word in (
    'fail-open', 'nan-temperature', 'mute', 'nak', 'no-usb-reset', 'no-access', 'unheard')}
# Word, the change that it makes, and the least and greatest number of its arguments.
_CHANGES = {
    'hang': (_hang, 1, 1),
    'error': (_error, 2, 2),
    'slow': (_slow, 1, 1),
    'garbage': (_garbage, 0, 1),
    'tells-temperature': (_tells, 1, 1),
    'coarse-temperature': (_coarse, 1, 1),
    'heat': (_heat, 1, 1),
    'cooling': (_cooling, 1, 1),
    'slow-boot': (_slow_boot, 1, 1),
    'swallow': (_swallow, 1, 1),
    **{word: (_set_flag(name), 0, 0) for word, name in _FLAGS.items()},
    'clear': (lambda faults: StickFaults(), 0, 0),
}
