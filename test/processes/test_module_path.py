# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of the module path that child processes get."""

from pathlib import Path
import subprocess

import ncs_cluster_detector
from ncs_cluster_detector.processes.module_path import python_command

PACKAGE = Path(ncs_cluster_detector.__file__).resolve().parent


def test_a_child_finds_this_package_and_none_of_its_folders_by_a_bare_name(tmp_path):
    # Where the package is installed, another way leads to it too: so the path itself is asked.
    output = subprocess.run(
        python_command('import sys; print(*sys.path, sep="\\n")'), cwd=tmp_path, check=True,
        env={}, capture_output=True, text=True, timeout=60).stdout
    folders = [Path(line).resolve() for line in output.splitlines()]
    assert PACKAGE.parent in folders
    assert PACKAGE not in folders
