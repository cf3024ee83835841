# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The steps of the set-up: their errors, their children's environment, what they repair."""

import contextlib
from importlib import metadata
import os
from pathlib import Path
import shutil
import subprocess
import sys

from packaging.requirements import Requirement
import pytest
from watched_python import watched

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'standalone'))

from setup import steps  # noqa: E402, I100


PYTHONS = ('3.10', '3.11', '3.12', '3.13', '3.14')


def pinned(python):
    """Return the versions of requirements.txt by the package's name, for a Python."""
    lines = (ROOT / 'standalone' / 'requirements.txt').read_text().splitlines()
    found = {}
    for line in lines:
        if line and not line.startswith(('#', '--')):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate(
                    {'python_version': python}):
                assert requirement.name not in found, line
                (specifier,) = requirement.specifier
                assert specifier.operator == '==', line
                found[requirement.name] = specifier.version
    return found


@pytest.fixture
def env(tmp_path):
    """Return the environment of an empty checkout with a virtual environment begun."""
    environment = steps.Environment(tmp_path)
    environment.stamps.mkdir(parents=True)
    return environment


def test_an_interrupted_removal_is_still_ours(env, monkeypatch):
    """Else the next set-up would refuse what is left of the old environment."""
    (env.stamps / 'wheels.stamp').write_text('old')
    (env.venv / 'lib').mkdir()

    remove = shutil.rmtree

    def remove_and_interrupt(path):
        remove(path)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(steps.shutil, 'rmtree', remove_and_interrupt)
        with pytest.raises(KeyboardInterrupt):
            steps.make_venv(env)
    assert env.stamps.is_dir()
    steps.make_venv(env)
    assert env.python.exists()
    assert not env.stamp('wheels').exists()


def test_failed_command_is_one_line(env):
    """The line quotes the error, names the remedy and the log."""
    script = "print('Collecting x\\nERROR: no x here\\nmore'); raise SystemExit(3)"
    with pytest.raises(steps.SetupError) as info:
        steps.run(env, 'wheels', [sys.executable, '-c', script], '; look for x')
    assert str(info.value) == (
        'wheels ended with status 3: ERROR: no x here; look for x '
        '(more in .venv/.setup/wheels.log)')


@pytest.mark.parametrize('output, line', [
    ('', 'no output'),
    ('one\n\n two \n', 'two'),
    ('FAILED: error_handling.o\nx.c:1: error: no\nlast', 'x.c:1: error: no'),
    ('Traceback\nImportError: no module x', 'ImportError: no module x'),
])
def test_failure_line(output, line):
    """The first error, or else the last line."""
    assert steps.failure_line(output) == line


def test_children_do_not_see_another_ros(monkeypatch):
    """What a sourced ROS installation or a running .venv Python exports is dropped."""
    monkeypatch.setenv('PYTHONPATH', '/opt/ros/lib')
    monkeypatch.setenv('_ROS_WHEELS_BOOTSTRAP_COMPLETE', '1')
    monkeypatch.setenv('KEPT', 'yes')
    variables = steps.child_environment(PATH='/bin')
    assert variables['KEPT'] == 'yes'
    assert variables['PATH'] == '/bin'
    assert not {'PYTHONPATH', '_ROS_WHEELS_BOOTSTRAP_COMPLETE'} & set(variables)


def test_half_installed_package_is_installed_again(monkeypatch, env):
    """A package whose installation was cut short has no RECORD, and pip must not believe it."""
    packages = env.venv / 'lib' / 'python3.99' / 'site-packages'
    for name, file in (('whole', 'RECORD'), ('half', 'METADATA')):
        (packages / (name + '-1.dist-info')).mkdir(parents=True)
        (packages / (name + '-1.dist-info') / file).touch()
    env.requirements.parent.mkdir()
    env.requirements.write_text('numpy==1\nsetuptools==2\nwheel==3\n')
    calls = []
    monkeypatch.setattr(steps, 'pip', lambda *arguments: calls.append(arguments))
    steps.install_wheels(env)
    assert [path.name for path in packages.iterdir()] == ['whole-1.dist-info']
    assert calls == [(env, 'wheels', 'setuptools==2', 'wheel==3'),
                     (env, 'wheels', '-r', env.requirements)]


@pytest.fixture
def mark(env, monkeypatch):
    """Return the file that a person's own numpy.py in the checkout, the current folder, writes."""
    mark = env.venv / 'mark'
    (env.root / 'numpy.py').write_text('open({!r}, "w").close()\nexit(77)\n'.format(str(mark)))
    monkeypatch.chdir(env.root)
    env.python.parent.mkdir()
    env.python.symlink_to(sys.executable)
    return mark


def test_imports_are_checked_without_the_modules_of_a_person(env, mark):
    """Whether they can be imported depends on the environment, which is an empty one here."""
    with contextlib.suppress(steps.SetupError):
        steps.check_imports(env)
    assert not mark.exists()


def test_cmake_files_point_at_this_python(env, mark):
    """The include folders of the machine that built the wheels are replaced."""
    folder = env.venv / 'share' / 'x_msgs' / 'cmake'
    folder.mkdir(parents=True)
    exported = folder / 'export_x__rosidl_generator_pyExport.cmake'
    exported.write_text('A "/opt/python/cp39-cp39/include/python3.9;/opt/python/cp39-cp39/lib/'
                        'python3.9/site-packages/numpy/_core/include;${_IMPORT_PREFIX}/include"')
    steps.repair_cmake_files(env)
    folders = exported.read_text()[3:-1].split(';')
    assert (Path(folders[0]) / 'Python.h').exists()
    assert (Path(folders[1]) / 'numpy' / 'arrayobject.h').exists()
    assert folders[2] == '${_IMPORT_PREFIX}/include'
    assert not mark.exists()


@pytest.mark.skipif(not (ROOT / '.venv' / '.ready').exists(), reason='no standalone environment')
def test_share_folder_is_found_with_and_without_another_prefix():
    """Nodes find their configuration through the package index, whoever starts them."""
    script = ('from ament_index_python.packages import get_package_share_directory as find\n'
              "print(find('ncs_cluster_detector'))")
    for prefix in ('', '/opt/ros/other'):
        found = subprocess.run(
            [ROOT / '.venv' / 'bin' / 'python', '-c', script], check=True, text=True,
            stdout=subprocess.PIPE, env={**os.environ, 'AMENT_PREFIX_PATH': prefix}).stdout
        assert (Path(found.strip()) / 'package.xml').samefile(ROOT / 'package.xml')
        assert (Path(found.strip()) / 'launch').samefile(ROOT / 'launch')


@pytest.mark.parametrize('python', PYTHONS)
def test_every_package_has_one_version(python):
    """Whichever Python it is; OpenVINO is there, and on a robot it is a choice."""
    assert {'numpy', 'openvino', 'openvino-telemetry'} <= set(pinned(python))
    package = (ROOT / 'package.xml').read_text()
    assert 'depend>openvino' not in package


def test_a_package_is_found_in_its_section():
    sections = (ROOT / 'standalone' / 'requirements.txt').read_text().split('\n\n')
    for section in sections:
        pins = [line for line in section.splitlines() if not line.startswith(('#', '--'))]
        assert pins == sorted(pins)
    (own,) = [section for section in sections if section.startswith('# Run time\n')]
    (others,) = [section for section in sections if section.startswith('# Needed by the pack')]
    assert '\nopenvino==' in own and '\nopenvino-telemetry==' in others


@pytest.mark.parametrize('python', PYTHONS)
def test_openvino_takes_the_versions_that_it_gets(python):
    """Its own limits, such as that of numpy, hold for the versions for each Python."""
    versions = pinned(python)
    installed = ''
    with contextlib.suppress(metadata.PackageNotFoundError):
        installed = metadata.version('openvino')
    if installed != versions['openvino']:
        pytest.skip('needs the OpenVINO of the standalone environment')
    needed = [Requirement(line) for line in metadata.requires('openvino')]
    assert {'numpy', 'openvino-telemetry'} <= {requirement.name for requirement in needed}
    for requirement in needed:
        if requirement.marker is None:
            assert requirement.specifier.contains(versions[requirement.name]), requirement


@pytest.mark.skipif(not (ROOT / '.venv' / '.ready').exists(), reason='no standalone environment')
def test_what_is_imported_as_a_check_tells_nobody(tmp_path):
    """Among it is OpenVINO, which would send an event and write to the home."""
    assert 'import_openvino' in steps.IMPORT_CHECK
    found = watched(tmp_path, steps.IMPORT_CHECK)
    assert (found.asked, [name for name in found.files if 'intel' in name.lower()]) == ('', [])
