# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A program that is killed at any moment leaves a stick that the next one can use at once."""

import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import time

from ncs_cluster_detector.sticks.stick import StickNotFoundError
import pytest
from stick_trials import Conversation
from stick_trials import hold_together
from stick_trials import ON_BUS_SEC

PROGRAMS = Path(__file__).with_name('talking_programs.py')
ROOT = Path(__file__).resolve().parents[2]
PORTS = [f'1.{number}' for number in range(1, 7)]
ROUNDS = int(os.environ.get('STICK_KILLS') or 1)
SEED = random.SystemRandom().getrandbits(32)
LONGEST_SEC = 1.2    # a conversation with a graph of 3 MB is shorter


@pytest.fixture
def programs(libusb_folder, firmware_file):
    """Return a function that starts ``talking_programs.py`` on a bus; they are ended."""
    started = []

    def start(bus):
        environment = {**os.environ, **bus.environment, 'LD_LIBRARY_PATH': str(libusb_folder),
                       'PYTHONPATH': str(ROOT)}
        started.append(subprocess.Popen(
            [sys.executable, str(PROGRAMS), str(firmware_file)], env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert started[0].stdout.readline() == 'ready\n'
        return started[0]
    yield start
    for program in started:
        program.kill()
        program.communicate()


def start_on(programs, port):
    """Start a program on a stick; return its pid."""
    programs.stdin.write(f'{port}\n')
    programs.stdin.flush()
    return int(programs.stdout.readline())


class NextProgram(Conversation):
    """Waits until the stick is on the bus, if the killed program has just reset or booted it."""

    def hold(self):
        """Begin to talk when the stick is listed."""
        give_up_at = time.monotonic() + ON_BUS_SEC
        while True:
            self.error = None
            super().hold()
            if not isinstance(self.error, StickNotFoundError) or time.monotonic() > give_up_at:
                return self


@pytest.mark.timeout(60 + 30 * ROUNDS)
@pytest.mark.parametrize('stale', ['keep', 'flush'])
@pytest.mark.parametrize('partial, overflow', [('timeout', 'drop'), ('swallow', 'resend')])
def test_the_next_program_has_the_stick(stale, partial, overflow, programs, usb_backend,
                                        fake_bus, firmware_file):
    chance = random.Random(SEED)
    with fake_bus('--ports', ','.join(PORTS), '--boot', '0.05', '--reset', '0.05', '--compute',
                  '0.02', '--stale', stale, '--partial', partial, '--overflow', overflow) as bus:
        talking = programs(bus)
        opened = []
        for _ in range(ROUNDS):
            pids = {port: start_on(talking, port) for port in PORTS}
            try:
                for port in PORTS:
                    time.sleep(chance.uniform(0, 2 * LONGEST_SEC / len(PORTS)))
                    os.kill(pids.pop(port), signal.SIGKILL)
            finally:
                for pid in pids.values():
                    os.kill(pid, signal.SIGKILL)
            bus.wait_for(lambda sticks: all(stick.holder is None for stick in sticks.values()))
            states = {port: stick.state for port, stick in bus.sticks().items()}
            held = [NextProgram(usb_backend, port, firmware_file) for port in PORTS]
            assert not hold_together(held)
            for one in held:
                assert not one.wrong and not one.error and not one.mismatched, (
                    SEED, states, one.name, one.wrong, one.error, one.mismatched)
            opened += [one.open_sec for one in held]
    print(f'{len(opened)} killed, opened after {sorted(opened)[len(opened) // 2]:.2f} s, '
          f'at most {max(opened):.2f} s')
