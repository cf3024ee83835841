# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The words for the faults of a simulated stick: their meaning, arguments and effect."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import zip_longest
import math
from operator import attrgetter
from typing import Any

from ncs_cluster_detector.mvnc.api.enums import Status

# The calls of the vendor's API, in the order of a stick's life. ``option`` stands for options that
# are read from the stick; ``close`` also stands for destroying graphs and queues.
CALLS = ('enumerate', 'open', 'allocate', 'write', 'trigger', 'read', 'option', 'close')
STATUSES = tuple(status.name for status in Status if status is not Status.OK)
GARBAGE = ('nan', 'inf', 'counts', 'random')
MOST_SLOW = 1000.0
MOST_COOLING = 1000.0
MOST_SWALLOWED = 1 << 30
CELSIUS_RANGE = (-40.0, 200.0)
# What a broken sensor may report, also below absolute zero, and how coarse it may be.
TOLD_RANGE = (-1000.0, 1000.0)
MOST_COARSE = 50.0
MOST_NOISE_CELSIUS = 50.0
MOST_DIE_RISE_CELSIUS = 100.0
LONGEST_SEC = 3600.0
LONGEST_WARMING_SEC = 86400.0

# What can be done to a stick, and what it means.
FAULTS = {
    'unplug': 'pull it out of its port',
    'plug': 'put it into its port again, or a new one into a free port',
    'hang CALL|all': 'the call never returns, also when the fault is cleared later; with read '
                     'the stick delivers nothing more',
    'error CALL STATUS': 'the call fails with that status of the API; with enumerate the list '
                         'ends before the stick',
    'slow FACTOR': 'an inference takes FACTOR times as long',
    'fail-open': 'it does not come back when it is booted',
    'garbage [KIND]': 'results are nan, inf, huge box counts, or (without KIND) random bytes',
    'nan-temperature': 'its temperatures are not numbers',
    'tells-temperature CELSIUS': 'its sensor reports this, whatever the real temperature is',
    'stuck-temperature': 'from now on its sensor reports the temperature of this moment',
    'coarse-temperature STEP': 'its sensor reports only whole multiples of STEP degrees',
    'noisy-temperature CELSIUS': 'its sensor has noise with this standard deviation',
    'highest-temperature SECONDS': 'its sensor reports the highest reading of the last SECONDS',
    'lagging-temperature SECONDS': 'its sensor lags behind with this time constant',
    'lost-temperature SECONDS EVERY': 'its sensor reports no number for SECONDS of every EVERY '
                                      'seconds',
    'heat CELSIUS': 'it has this temperature; cleared, it cools from there',
    'cooling FACTOR': 'it gives off heat FACTOR times as well as others (2: a fan): with 0.5 it '
                      'ends twice as far above ambient, and takes twice as long to get there',
    'die RISE [SECONDS]': 'its die gets RISE degrees warmer than its case, with the time '
                          'constant SECONDS',
    'ambient CELSIUS [SECONDS]': 'its surroundings change to this temperature, at once or evenly '
                                 'within SECONDS; cleared, they are as before',
    'throttle CELSIUS': 'from this temperature it pauses after every inference, and from ten '
                        'degrees above much longer',
    'slow-boot SECONDS': "its boot takes this long; after 3.6 times boot_ms the vendor's library "
                         'gives up, or opens another stick instead',
    'mute': 'it answers nothing until a USB reset or unplug: calls never return, and left booted '
            'it hangs the first listing of every process',
    'nak': 'it is mute, and accepts no data',
    'swallow BYTES': 'it is mute until it has received BYTES more: the rest of an interrupted '
                     'tensor',
    'no-usb-reset': 'a USB reset has no effect',
    'no-access': 'the system lets nobody open it',
    'unheard': 'when it is unplugged, no waiting call is notified',
    'clear': 'end all its faults (an unplugged stick stays unplugged)',
}
NAMES = ', '.join(words.split()[0] for words in FAULTS)


def words_of(faults: Any) -> list[str]:
    """Return the faults of a :class:`StickFaults` as texts: words with their arguments."""
    words = [f'hang {call}' for call in CALLS if call in faults.hang]
    words += [f'error {call} {status}' for call, status in faults.errors]
    if faults.garbage:
        words.append(f'garbage {faults.garbage}')
    for word, (least, numbers) in _NUMBERS.items():
        values = [(attrgetter(name)(faults), _default(faults, name)) for name, _ in numbers]
        if any(value != default for value, default in values):
            while len(values) > least and values[-1][0] == values[-1][1]:
                values.pop()
            words.append(' '.join((word, *(f'{value:.10g}' for value, _ in values))))
    if faults.swallow:
        words.append(f'swallow {faults.swallow}')
    return words + [word for word, name in _FLAGS.items() if getattr(faults, name)]


def _choice(what: str, word: str, known: Sequence[str], *also: str) -> str:
    """Return a word if it is known; the refusal of any other lists ``known`` and ``also``."""
    if word not in known:
        raise ValueError(f"{what} '{word}': unknown; expected one of "
                         f'{", ".join((*known, *also))}')
    return word


def _factor(what: str, word: str, most: float) -> float:
    """Return a number above 0 and up to ``most``."""
    value = _number(what, word)
    if not 0 < value <= most:
        raise ValueError(f'{what} {word}: expected more than 0, {most:g} at most')
    return value


def _between(what: str, word: str, limits: tuple[float, float], unit: str) -> float:
    """Return a number within limits (least, most)."""
    value = _number(what, word)
    low, high = limits
    if not low <= value <= high:
        raise ValueError(f'{what} {word}: expected {low:g} to {high:g} {unit}')
    return value


def _number(what: str, word: str) -> float:
    """Return a finite number."""
    try:
        value = float(word)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"{what} '{word}': expected a number")
    return value


def _hang(faults, call):
    calls = CALLS if call == 'all' else (_choice('call', call, CALLS, 'all'),)
    return replace(faults, hang=faults.hang.union(calls))


def _error(faults, call, status):
    _choice('call', call, CALLS)
    _choice('status', status, STATUSES)
    return replace(faults, errors=tuple({**dict(faults.errors), call: status}.items()))


def _garbage(faults, kind='random'):
    return replace(faults, garbage=_choice('kind of garbage', kind, GARBAGE))


def _swallow(faults, size):
    value = _number('size', size)
    if value != int(value) or not 0 <= value <= MOST_SWALLOWED:
        raise ValueError(f'size {size}: expected 0 to {MOST_SWALLOWED} whole bytes')
    return replace(faults, swallow=int(value))


def _set_numbers(numbers, faults, *words):
    """Return the faults with attributes set to the given numbers, else to their defaults."""
    for (name, read), word in zip_longest(numbers, words):
        faults = _with(faults, name, _default(faults, name) if word is None else read(word))
    return faults


def _set_losses(numbers, faults, lost, every):
    faults = _set_numbers(numbers, faults, lost, every)
    if faults.sensor.lost_sec > faults.sensor.lost_every_sec:
        raise ValueError(f'lost {lost} of every {every} seconds: expected no more than {every}')
    return faults


def _with(record, name, value):
    first, _, rest = name.partition('.')
    return replace(record, **{
        first: _with(getattr(record, first), rest, value) if rest else value})


def _default(faults, name):
    return attrgetter(name)(type(faults)())


_celsius = partial(_between, 'temperature', limits=CELSIUS_RANGE, unit='degrees Celsius')
_seconds = partial(_between, 'time', limits=(0.0, LONGEST_SEC), unit='seconds')
# Words with numbers: how many are needed, and for each the attribute and how to read it.
_NUMBERS = {
    'slow': (1, (('slow', partial(_factor, 'factor', most=MOST_SLOW)),)),
    'tells-temperature': (1, (('told_celsius', partial(
        _between, 'temperature', limits=TOLD_RANGE, unit='degrees Celsius')),)),
    'coarse-temperature': (1, (('sensor.step_celsius', partial(
        _factor, 'step', most=MOST_COARSE)),)),
    'noisy-temperature': (1, (('sensor.noise_celsius', partial(
        _between, 'deviation', limits=(0.0, MOST_NOISE_CELSIUS), unit='degrees Celsius')),)),
    'highest-temperature': (1, (('sensor.highest_of_sec', _seconds),)),
    'lagging-temperature': (1, (('sensor.lag_sec', _seconds),)),
    'lost-temperature': (2, (('sensor.lost_sec', _seconds),
                             ('sensor.lost_every_sec', partial(
                                 _factor, 'time', most=LONGEST_SEC)))),
    'heat': (1, (('celsius', _celsius),)),
    'cooling': (1, (('cooling', partial(_factor, 'factor', most=MOST_COOLING)),)),
    'die': (1, (('die_rise_celsius', partial(
        _between, 'rise', limits=(0.0, MOST_DIE_RISE_CELSIUS), unit='degrees Celsius')),
        ('die_time_constant_sec', partial(_factor, 'time constant', most=LONGEST_SEC)))),
    'ambient': (1, (('ambient_celsius', _celsius), ('ambient_within_sec', partial(
        _between, 'time', limits=(0.0, LONGEST_WARMING_SEC), unit='seconds')))),
    'throttle': (1, (('throttle_celsius', _celsius),)),
    'slow-boot': (1, (('slow_boot_sec', _seconds),)),
}
# Words without arguments, and the attribute that each sets.
_FLAGS = {word: word.replace('-', '_') for word in (
    'fail-open', 'nan-temperature', 'mute', 'nak', 'no-usb-reset', 'no-access', 'unheard')}
# For each word: the function that changes the faults, and the least and most arguments.
CHANGES = {
    'hang': (_hang, 1, 1),
    'error': (_error, 2, 2),
    'garbage': (_garbage, 0, 1),
    'swallow': (_swallow, 1, 1),
    **{word: (partial(_set_losses if word == 'lost-temperature' else _set_numbers, numbers),
              least, len(numbers)) for word, (least, numbers) in _NUMBERS.items()},
    **{word: (partial(replace, **{name: True}), 0, 0) for word, name in _FLAGS.items()},
    'clear': (lambda faults: type(faults)(), 0, 0),
}
