# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Run a program that was written for the vendor's SDK, with another module in its place."""

from collections.abc import Mapping
from collections.abc import Sequence
import os
from pathlib import Path
import sys
from typing import NoReturn


def check_script(path: str) -> None:
    """Raise ValueError if there is no such program."""
    if not os.path.exists(path):
        raise ValueError(f'{path}: no such file; expected a Python program')


def run_script(path: str, arguments: Sequence[str], modules: Path,
               environment: Mapping[str, str]) -> NoReturn:
    """
    Replace this process by a program, so exit code, signals and child processes work as usual.

    :param modules: folder where it and its processes find the package ``mvnc``.
    :param environment: the program's, but for that folder.
    """
    folders = filter(None, [str(modules), environment.get('PYTHONPATH')])
    os.execve(sys.executable, [sys.executable, path, *arguments],
              {**environment, 'PYTHONPATH': os.pathsep.join(folders)})
