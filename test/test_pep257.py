# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The docstrings keep PEP 257 as ROS 2 reads it, by ament_pep257."""

import logging
from pathlib import Path

from ament_pep257.main import main
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.linter
@pytest.mark.pep257
def test_pep257(monkeypatch, capsys, caplog):
    """Check the whole tree; a failure shows the complaints, not the list of files."""
    caplog.set_level(logging.WARNING, logger='pydocstyle.utils')
    monkeypatch.chdir(ROOT)
    status = main(['--exclude', 'build', 'install', 'log', 'out'])
    complaints = capsys.readouterr().err
    assert status == 0, complaints
