# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Prepares a process at its start: its streams, module path, signals and pipes."""

import contextlib
import functools
import gc
import os
import signal
import sys
import threading

from ncs_cluster_detector.processes.module_path import environment_without_current_folder
from ncs_cluster_detector.processes.module_path import leave_current_folder

# True for mypy only: nothing is loaded for types before the module path is safe.
MYPY = False
if MYPY:
    from collections.abc import Callable
    from collections.abc import Iterator


def settle() -> None:
    """Open closed standard streams, leave a deleted folder, and import nothing from the folder."""
    open_standard_streams()
    try:
        os.getcwd()
    except FileNotFoundError:   # it was deleted, so no path can be relative to it
        os.chdir('/')
    leave_current_folder()
    kept = environment_without_current_folder(os.environ)   # for the processes that it starts
    if 'PYTHONPATH' in kept:
        os.environ['PYTHONPATH'] = kept['PYTHONPATH']
    else:
        os.environ.pop('PYTHONPATH', None)
    # Nothing here multiplies large matrices; the threads for it only make the start longer.
    os.environ.setdefault('OPENBLAS_NUM_THREADS', '1')


@contextlib.contextmanager
def loading_modules() -> 'Iterator[None]':
    """Look for no garbage while modules are loaded, nor later among what they keep for good."""
    # A fifth of a node's start would go into that.
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def open_standard_streams() -> None:
    """
    Connect closed standard streams to the null device.

    Otherwise the next opened file or socket takes the number of one, and gets what libraries
    print.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)   # it takes the lowest free number, which is this one
            os.set_inheritable(descriptor, True)
    # Python's own streams are None if they were closed at its start.
    for name, descriptor, mode in (('stdin', 0, 'r'), ('stdout', 1, 'w'), ('stderr', 2, 'w')):
        if getattr(sys, name) is None:
            setattr(sys, name, open(descriptor, mode, closefd=False))


def stop_signals() -> tuple[signal.Signals, ...]:
    """Return the signals that ask this process to stop; not SIGHUP under nohup."""
    hang_up = () if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else (signal.SIGHUP,)
    return (signal.SIGINT, signal.SIGTERM, *hang_up)


@contextlib.contextmanager
def interruptible() -> 'Iterator[None]':
    """
    Let a signal to stop raise KeyboardInterrupt meanwhile: a long wait must not hold up the end.

    Only the main thread of a process gets signals; elsewhere this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt
    before = {number: signal.signal(number, interrupt) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def as_command(main: 'Callable[..., int]') -> 'Callable[..., int]':
    """Make a command from a function that returns an exit code."""
    @functools.wraps(main)
    def run(*args, **kwargs):
        settle()
        return ends_with_its_reader(main)(*args, **kwargs)
    return run


def ends_with_its_reader(main: 'Callable[..., int]') -> 'Callable[..., int]':
    """
    Let a function end the process silently when nobody reads its output any more (``| head``).

    It ends by SIGPIPE, as other programs do; Python ignores that signal.
    """
    @functools.wraps(main)
    def run(*args, **kwargs):
        try:
            try:
                return main(*args, **kwargs)
            finally:
                for stream in filter(None, (sys.stdout, sys.stderr)):
                    stream.flush()
        except BrokenPipeError:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGPIPE})
            signal.raise_signal(signal.SIGPIPE)
    return run
