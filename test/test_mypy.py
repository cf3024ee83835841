# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The types of the folders named in mypy.ini are right, by mypy's strict mode."""

from pathlib import Path
import subprocess
import sys

import pytest

pytest.importorskip('mypy')

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.linter
@pytest.mark.mypy
def test_mypy(tmp_path):
    """Check them in a process of their own, whose memory is given back."""
    checked = subprocess.run(
        [sys.executable, '-m', 'mypy', '--config-file', ROOT / 'mypy.ini',
         '--cache-dir', tmp_path / 'cache'], cwd=ROOT, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout + checked.stderr
