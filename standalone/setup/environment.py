# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Sets up .venv, a ROS 2 environment on a machine that has no ROS.

Every step leaves a stamp with a hash of its inputs, so an interrupted set-up goes on at the step
that broke, and a changed input repeats only what depends on it. Standard library only.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import inspect
import os
from pathlib import Path
import platform
import shutil
import sys
import sysconfig
import time
from typing import Collection
from typing import Iterator
from typing import Sequence

from setup.steps import Environment
from setup.steps import SetupError
from setup.steps import Step
from setup.steps import STEPS

OLDEST_PYTHON = (3, 10)
NEWEST_PYTHON = (3, 14)


def require_python() -> None:
    """Raise SetupError, with the remedy, if this Python cannot make the environment."""
    version = sys.version_info[:2]
    if not OLDEST_PYTHON <= version <= NEWEST_PYTHON:
        raise SetupError(
            'Python 3.10 to 3.14 is needed, {} is {}.{}: install one of them and name it, as in '
            '`make setup PYTHON=python3.12`'.format(sys.executable, *version))
    machine = '{} {}'.format(platform.system(), platform.machine())
    if machine != 'Linux x86_64':
        raise SetupError('ROS 2 comes as wheels for Linux x86_64 only, this is {}: install ROS 2 '
                         'itself and build with colcon'.format(machine))
    if importlib.util.find_spec('ensurepip') is None:
        raise SetupError('{} has no ensurepip to make a virtual environment with: install '
                         'python3-venv'.format(sys.executable))


def require_compiler() -> None:
    """Raise SetupError, with the remedy, if vision_msgs cannot be compiled here."""
    for variable, names, remedy in (
            ('CXX', ('c++', 'g++', 'clang++'), 'a C++ compiler (Debian: g++)'),
            ('CC', ('cc', 'gcc', 'clang'), 'a C compiler (Debian: gcc)')):
        names = os.environ.get(variable, '').split()[:1] or names
        if not any(map(shutil.which, names)):
            raise SetupError('vision_msgs cannot be built, there is no {}: install {}'.format(
                ' or '.join(names), remedy))
    header = Path(sysconfig.get_paths()['include']) / 'Python.h'
    if not header.exists():
        raise SetupError('vision_msgs cannot be built, there is no {}: install '
                         'python3-dev'.format(header))


def require_machine(env: Environment, names: Collection[str]) -> None:
    """Raise SetupError, with the remedy, if this machine lacks what the named steps need."""
    if env.venv.exists() and not env.stamps.exists():
        raise SetupError('{} was not made by this set-up: move it away or remove it'.format(
            env.venv))
    if 'venv' in names:
        require_python()
    if 'vision_msgs' in names:
        require_compiler()


def digests(env: Environment, steps: Sequence[Step]) -> 'dict[str, str]':
    """Return by name the hash of each step: its code, its inputs and the steps before it."""
    found = {}
    for step in steps:
        parts = [inspect.getsource(step.action).encode(), step.inputs(env)]
        parts += [found[name].encode() for name in step.after]
        found[step.name] = hashlib.sha256(b'\0'.join(parts)).hexdigest()
    return found


def pending(env: Environment, steps: Sequence[Step]) -> 'list[str]':
    """Return the names of the steps that must run: no product, no stamp, or another hash."""
    found = digests(env, steps)
    names = []
    for step in steps:
        stamp = env.stamp(step.name)
        if not (set(step.after).isdisjoint(names) and step.product(env).exists() and
                stamp.exists() and stamp.read_text() == found[step.name]):
            names.append(step.name)
    return names


def perform(env: Environment, steps: Sequence[Step], names: Collection[str]) -> None:
    """Run the named steps, and say what each does and how long it took."""
    found = digests(env, steps)
    for stale in [env.ready, *map(env.stamp, names)]:
        if stale.exists():
            stale.unlink()
    begin = time.monotonic()
    print('Setting up {}: 1 to 3 minutes and 1 GB of disk at first use.'.format(env.venv.name))
    for number, step in enumerate(steps, 1):
        if step.name not in names:
            continue
        print('[{}/{}] {} ... '.format(number, len(steps), step.title), end='', flush=True)
        started = time.monotonic()
        try:
            step.action(env)
        except BaseException:
            print('broke off after {:.1f} s'.format(time.monotonic() - started), flush=True)
            raise
        env.stamp(step.name).write_text(found[step.name])
        print('{:.1f} s'.format(time.monotonic() - started), flush=True)
    print('{} is ready after {:.1f} s.'.format(env.venv.name, time.monotonic() - begin))


@contextlib.contextmanager
def only_one(env: Environment) -> Iterator[None]:
    """Let only one set-up work on this checkout at a time; wait for another one."""
    descriptor = os.open(str(env.requirements.parent), os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print('Another set-up of this checkout is running: waiting for it.', flush=True)
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(root: Path = Path(__file__).resolve().parents[2], steps: Sequence[Step] = STEPS) -> int:
    """Set up the environment of the checkout `root` and return the exit status."""
    env = Environment(root)
    try:
        with only_one(env):
            names = pending(env, steps)
            require_machine(env, names)
            if names:
                perform(env, steps, names)
            env.ready.write_text(str(env.root))
    except SetupError as error:
        print('set-up failed: {}'.format(error), file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('set-up interrupted: `make setup` goes on with this step', file=sys.stderr)
        return 130
    return 0
