# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The Python files keep the ROS 2 code style, by ament_flake8 with its own configuration."""

import gc
from pathlib import Path

import ament_flake8
from ament_flake8.main import main_with_errors
import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.flake8
@pytest.mark.linter
def test_flake8(monkeypatch, tmp_path, capsys):
    """Check the whole tree in this process: the tests around have threads, so no forks."""
    # The same checks of docstrings as in test_pep257, by the same library.
    monkeypatch.setattr('flake8_docstrings.pep257Checker.run', lambda self: iter(()))
    ament_config = Path(ament_flake8.__file__).parent / 'configuration' / 'ament_flake8.ini'
    config = tmp_path / 'flake8.ini'
    config.write_text(ament_config.read_text() + '\njobs = 1\n')
    monkeypatch.chdir(ROOT)
    # Syntax trees have no end of objects, and are thrown away file by file.
    gc.disable()
    try:
        status, errors = main_with_errors(
            ['--config', str(config), '--exclude', 'build', 'install', 'log', 'out'])
    finally:
        gc.enable()
    capsys.readouterr()
    assert status == 0, '\n'.join(errors)
