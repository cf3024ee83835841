# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Finds the runs that go on in other terminals, by the detector node that each of them has."""

import contextlib
import os
from pathlib import Path
import sys
from typing import NamedTuple

from runner import environment as run_environment


class FoundRun(NamedTuple):
    """A detector node that runs: process id, start in clock ticks since boot, environment."""

    pid: int
    started_at: int
    environment: dict


class Failure(Exception):
    """What was asked for cannot be done; the text is one line."""


def find_runs(executable):
    """
    Return the FoundRun of each process of this user that runs a program, the newest first.

    :param executable: path of the program, a script that an interpreter runs.
    """
    found = []
    for process in Path('/proc').glob('[0-9]*'):
        # A process may end meanwhile, or be another user's: no concern of this one.
        with contextlib.suppress(OSError):
            if process.stat().st_uid != os.getuid():
                continue
            script = process.joinpath('cmdline').read_bytes().split(b'\0')[1:2]
            if not script or os.path.realpath(
                    process / 'cwd' / os.fsdecode(script[0])) != os.path.realpath(executable):
                continue
            # The name before the bracket may hold spaces; the start is field 22 of proc(5).
            started_at = process.joinpath('stat').read_text().rpartition(')')[2].split()[19]
            variables = os.fsdecode(process.joinpath('environ').read_bytes()).split('\0')
            found.append(FoundRun(int(process.name), int(started_at), dict(
                variable.split('=', 1) for variable in variables if '=' in variable)))
    return sorted(found, key=lambda run: (run.started_at, run.pid), reverse=True)


def choose_run(runs, pid):
    """
    Return the FoundRun to talk to; with several, say on stderr which one it is.

    :param runs: list of FoundRun, the newest first.
    :param pid: process id that was asked for, or None.
    :raises Failure: there is no such run.
    """
    if not runs:
        raise Failure('no run is going on; start `make run` in another terminal')
    others = ', '.join(str(run.pid) for run in runs[1:])
    if pid is not None:
        for run in runs:
            if run.pid == pid:
                return run
        raise Failure(f'--pid {pid}: not a detector node of this checkout; use one of '
                      f'{", ".join(str(run.pid) for run in runs)}')
    if others:
        print(f'param: several runs; this is the newest, detector node {runs[0].pid} (--pid '
              f'chooses another: {others})', file=sys.stderr)
    return runs[0]


def environment_of(run):
    """Return the environment in which to talk to a FoundRun: its domain, this machine only."""
    profiles = [run.environment[name] for name in run_environment.PROFILE_VARIABLES
                if name in run.environment]
    return run_environment.loopback_environment(
        os.environ, run.environment.get('ROS_DOMAIN_ID') or 0, profiles[0] if profiles else None)
