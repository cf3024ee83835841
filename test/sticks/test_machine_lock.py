# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The machine-wide lock, held by real processes."""

import fcntl
import os
from pathlib import Path
import subprocess
import sys
import time

from ncs_cluster_detector.sticks.machine_lock import MachineLock
import pytest

LIMIT_SEC = 20.0
HOLDER = """
import sys
from ncs_cluster_detector.sticks.machine_lock import MachineLock
with MachineLock(sys.argv[1:]):
    print('held', flush=True)
    sys.stdin.read()
"""


def is_held(folder):
    """Tell whether anyone holds the lock on a folder."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


@pytest.fixture
def start_holder(tmp_path):
    """Return a function that starts a process which takes the lock on a folder."""
    started = []

    def start():
        environment = {**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
        started.append(subprocess.Popen(
            [sys.executable, '-c', HOLDER, tmp_path], text=True, env=environment,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def waits_for_a_lock(process):
    """Tell whether the kernel lists a process as waiting for a lock."""
    locks = [line.split() for line in Path('/proc/locks').read_text().splitlines()]
    return any(words[1:3] == ['->', 'FLOCK'] and words[5] == str(process.pid) for words in locks)


def test_it_is_held_inside_the_block_only_and_leaves_nothing_behind(tmp_path):
    lock = MachineLock((tmp_path,))
    for _ in range(2):
        assert not is_held(tmp_path)
        with lock:
            assert is_held(tmp_path)
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_exception_inside_the_block_releases_it(tmp_path):
    with pytest.raises(KeyError):
        with MachineLock((tmp_path,)):
            raise KeyError
    assert not is_held(tmp_path)


def test_a_second_process_waits_for_the_first(tmp_path, start_holder):
    first = start_holder()
    assert first.stdout.readline() == 'held\n'
    assert is_held(tmp_path)
    second = start_holder()
    deadline = time.monotonic() + LIMIT_SEC
    while not waits_for_a_lock(second):
        assert second.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    first.stdin.close()
    assert second.stdout.readline() == 'held\n'
    assert first.wait(LIMIT_SEC) == 0
    first.stdin = None


def test_it_ends_with_a_process_that_is_killed(tmp_path, start_holder):
    holder = start_holder()
    assert holder.stdout.readline() == 'held\n'
    holder.kill()
    holder.wait(LIMIT_SEC)
    assert not is_held(tmp_path)
    with MachineLock((tmp_path,)):
        assert is_held(tmp_path)


def test_the_first_folder_that_exists_is_used(tmp_path):
    second, third = tmp_path / 'second', tmp_path / 'third'
    second.mkdir()
    third.mkdir()
    with MachineLock((tmp_path / 'first', second, third)):
        assert is_held(second)
        assert not is_held(third)
