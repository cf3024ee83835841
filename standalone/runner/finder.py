# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the runs in other terminals, by the detector node that each of them has."""

from collections.abc import Sequence
import contextlib
import os
from pathlib import Path
import sys
from typing import NamedTuple

from ncs_cluster_detector.checking.environment import loopback_environment
from ncs_cluster_detector.ros.environment import PROFILE_VARIABLES
import psutil


class FoundRun(NamedTuple):
    """A detector node that runs: process id, start in seconds since 1970, environment."""

    pid: int
    started_at: float
    environment: dict[str, str]


class Failure(Exception):
    """A request cannot be fulfilled; the text is one line."""


def find_runs(executable: Path) -> list[FoundRun]:
    """Return the FoundRun of each of this user's processes that run a script, newest first."""
    found = []
    for process in psutil.process_iter():
        # A process may have ended, or belong to another user: then it is skipped.
        with contextlib.suppress(psutil.Error):
            if process.uids().effective != os.getuid():
                continue
            script = process.cmdline()[1:2]
            if script and os.path.realpath(os.path.join(
                    process.cwd(), script[0])) == os.path.realpath(executable):
                found.append(FoundRun(process.pid, process.create_time(), process.environ()))
    return sorted(found, key=lambda run: (run.started_at, run.pid), reverse=True)


def choose_run(runs: Sequence[FoundRun], pid: int | None) -> FoundRun:
    """
    Return the FoundRun to talk to; with several, say on stderr which one it is.

    :param runs: the newest first.
    :param pid: what was asked for, or None.
    :raises Failure: there is no such run.
    """
    if not runs:
        raise Failure('no run is going on; start `make run` in another terminal')
    by_pid = {run.pid: run for run in runs}
    if pid is None:
        pid, *others = by_pid
        if others:
            print(f'param: several runs; this is the newest, detector node {pid} (--pid chooses '
                  f'another: {", ".join(map(str, others))})', file=sys.stderr)
    if pid not in by_pid:
        raise Failure(f'--pid {pid}: not a detector node of this checkout; use one of '
                      f'{", ".join(map(str, by_pid))}')
    return by_pid[pid]


def environment_of(run: FoundRun) -> dict[str, str]:
    """Return the environment for talking to a FoundRun: its domain, this machine only."""
    profiles = [run.environment[name] for name in PROFILE_VARIABLES if name in run.environment]
    return loopback_environment(
        os.environ, run.environment.get('ROS_DOMAIN_ID') or 0, profiles[0] if profiles else None)
