# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Every Python and launch file starts with the copyright notice and the licence."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ('build', 'install', 'log', 'out')
HEADER_LINES = 8
COPYRIGHT = 'Copyright 2026 ncs_cluster_detector contributors'
# The notice of this file, taken from the file itself, after a look at its first line.
HEADER = ''.join(Path(__file__).read_text().splitlines(keepends=True)[:HEADER_LINES])


def source_files():
    """Return the Python and launch files of the checkout, without generated and hidden folders."""
    found = []
    for path in ROOT.rglob('*'):
        folders = path.relative_to(ROOT).parts[:-1]
        if any(name.startswith('.') for name in folders) or folders[:1] in [
                (name,) for name in GENERATED]:
            continue
        if path.suffix == '.py' or '.launch.' in path.name:
            found.append(path)
    return found


@pytest.mark.copyright
@pytest.mark.linter
def test_every_source_file_has_the_header():
    """Python files begin with the exact header, other launch files name its holder."""
    assert HEADER.startswith('# ' + COPYRIGHT + '\n')
    assert HEADER.endswith('# the License.\n')
    files = source_files()
    assert len(files) > 10
    wrong = [
        str(path.relative_to(ROOT)) for path in files
        if not (path.read_text().startswith(HEADER) if path.suffix == '.py'
                else COPYRIGHT in path.read_text())]
    assert not wrong


@pytest.mark.copyright
@pytest.mark.linter
def test_ament_copyright(monkeypatch):
    """Run the real check where ROS is installed."""
    main = pytest.importorskip(
        'ament_copyright.main', reason='ament_copyright is not on PyPI, only in ROS').main
    monkeypatch.chdir(ROOT)
    assert main(['.']) == 0
