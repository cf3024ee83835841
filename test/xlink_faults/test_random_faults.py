# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Random faults at random events: the driver ends in time, leaves nothing behind, and starts again.

In the normal suite the same few trials are done in every run. With the environment variable
``STICK_FAULTS`` so many are done, with faults of their own, and a report is printed; a seed in
``STICK_FAULTS_SEED`` does the same ones again.
"""

import os
import random
import time

import pytest
from stick_trials import nonsense
from stick_trials import Trials

STICKS = 10
TRIALS = int(os.environ.get('STICK_FAULTS') or 0)
ROUNDS = -(-TRIALS // STICKS) if TRIALS else 2
SECONDS_A_ROUND = 60
SEED = int(os.environ.get('STICK_FAULTS_SEED') or (
    random.SystemRandom().getrandbits(32) if TRIALS else 1))


OPTIONS = [
    ('--stale', 'keep', '--overflow', 'drop', '--partial', 'timeout'),
    ('--stale', 'flush', '--overflow', 'resend', '--partial', 'swallow'),
    ('--stale', 'keep', '--overflow', 'resend', '--partial', 'swallow')]


def is_survived(fake_bus, usb_backend, firmware_file, options, **trials_options):
    """Do the trials, and print and check what came of them."""
    ports = ','.join(f'1.{number}' for number in range(1, STICKS + 1))
    began = time.monotonic()
    with fake_bus('--ports', ports, '--boot', '0.05', '--reset', '0.05', '--compute', '0.01',
                  *options) as bus:
        trials = Trials(bus, usb_backend, firmware_file, SEED, **trials_options)
        for _ in range(ROUNDS):
            trials.round()
    print(f'seed {SEED}: {trials.number} trials in {time.monotonic() - began:.0f} s, '
          f'{trials.struck} faults struck, {trials.errors} ended with a StickError, '
          f'results of another input with {trials.mismatched}')
    assert trials.struck > trials.number / 2
    assert not trials.failures, f'seed {SEED}:\n' + '\n'.join(trials.failures)
    return True


@pytest.mark.timeout(ROUNDS * SECONDS_A_ROUND + 60)
@pytest.mark.parametrize('options', OPTIONS, ids=lambda options: '-'.join(options[1::2]))
def test_the_driver_survives_random_faults(options, usb_backend, fake_bus, firmware_file,
                                           short_patience):
    assert is_survived(fake_bus, usb_backend, firmware_file, options)


@pytest.mark.timeout(ROUNDS * SECONDS_A_ROUND + 60)
def test_the_driver_survives_nonsense_about_sticks_and_graphs(usb_backend, fake_bus,
                                                              firmware_file, short_patience):
    assert is_survived(fake_bus, usb_backend, firmware_file, OPTIONS[0], make_fault=nonsense)
