# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Starts the command ``check_sticks`` for a test."""

import os
import signal
import subprocess
import sys

import pytest


@pytest.fixture
def start():
    """Return a function that starts the command; what is left of it is ended after the test."""
    started = []

    def start_command(*arguments, environment=None):
        started.append(subprocess.Popen(
            [sys.executable, '-m', 'ncs_cluster_detector.checking.check_sticks', *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, env={**os.environ, **(environment or {})}))
        return started[-1]

    yield start_command
    for command in started:
        if command.poll() is None:
            os.killpg(command.pid, signal.SIGKILL)
        command.communicate()
