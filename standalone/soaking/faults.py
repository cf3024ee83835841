# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The faults of the double that a soak uses: with which arguments, and how each one ends."""

from collections.abc import Callable
from random import Random

from ncs_cluster_detector.simulation.faults import fault_words

# Statuses that the vendor's library returns when a stick is in trouble.
STATUSES = ('ERROR', 'TIMEOUT', 'DEVICE_NOT_FOUND', 'MYRIAD_ERROR')
# Faults that show only when the stick is opened: its worker is killed a moment later.
SHOWN_BY_A_START = ('slow-boot', 'fail-open', 'no-access', 'no-usb-reset')
# Faults that show only when the stick is unplugged.
SHOWN_BY_UNPLUGGING = ('unheard',)
# What ends a fault is no fault.
ENDINGS = ('clear', 'plug')


def _one_of(*choices: str) -> Callable[[Random], tuple[str, ...]]:
    return lambda random: (random.choice(choices),)


def _between(low: float, high: float) -> Callable[[Random], tuple[str, ...]]:
    return lambda random: (f'{random.uniform(low, high):.1f}',)


def _nothing(random: Random) -> tuple[str, ...]:
    return ()


# By the word: chooses its arguments.
ARGUMENTS: dict[str, Callable[[Random], tuple[str, ...]]] = {
    'unplug': _nothing,
    'hang': _one_of('all', *fault_words.CALLS),
    'error': lambda random: (random.choice(fault_words.CALLS), random.choice(STATUSES)),
    'slow': _between(1.5, 30.0),
    'fail-open': _nothing,
    'garbage': lambda random: (random.choice(fault_words.GARBAGE),),
    'nan-temperature': _nothing,
    'tells-temperature': _one_of('-300', '0', '45', '90', '500'),
    'stuck-temperature': _nothing,
    'coarse-temperature': _between(1.0, 10.0),
    'noisy-temperature': _between(0.5, 10.0),
    'highest-temperature': _between(1.0, 20.0),
    'lagging-temperature': _between(1.0, 20.0),
    'lost-temperature': lambda random: (f'{random.uniform(0.5, 3.0):.1f}', '4'),
    'heat': _between(30.0, 90.0),
    'cooling': _between(0.3, 3.0),
    'die': lambda random: (f'{random.uniform(2.0, 20.0):.1f}', '2'),
    'ambient': lambda random: (f'{random.uniform(10.0, 50.0):.1f}', '2'),
    'throttle': _between(30.0, 50.0),
    'slow-boot': _between(0.5, 4.0),
    'mute': _nothing,
    'nak': _nothing,
    'swallow': _one_of('1', '100000', '10000000'),
    'no-usb-reset': _nothing,
    'no-access': _nothing,
    'unheard': _nothing,
}


def missing_faults() -> set[str]:
    """Return the words of the double that a soak does not use; there must be none."""
    return {words.split()[0] for words in fault_words.FAULTS} - {*ARGUMENTS, *ENDINGS}
