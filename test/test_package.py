# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What setup.py and package.xml say, against the files that are there and against each other."""

import ast
import os
from pathlib import Path
import re
import runpy
import sys
from xml.etree import ElementTree

import pytest
import setuptools
import yaml

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = 'ncs_cluster_detector'


@pytest.fixture(scope='module')
def setup():
    """Return the arguments that setup.py calls setuptools.setup with."""
    arguments = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, 'setup', arguments.update)
        patch.chdir(ROOT)
        # Keyword arguments only, as dict.update takes them.
        runpy.run_path(str(ROOT / 'setup.py'))
    return arguments


@pytest.fixture(scope='module')
def manifest():
    """Return the root element of package.xml."""
    return ElementTree.parse(ROOT / 'package.xml').getroot()


def text(manifest, tag):
    """Return the text of the only element with a tag."""
    (element,) = manifest.findall(tag)
    return element.text


def test_every_package_ships_and_nothing_else(setup):
    found = {folder.relative_to(ROOT).as_posix().replace('/', '.')
             for folder in map(Path, (path for path, _, _ in os.walk(ROOT / PACKAGE)))
             if any(folder.glob('*.py'))}
    assert found
    assert set(setup['packages']) == found
    assert len(setup['packages']) == len(found)


def test_every_folder_with_modules_is_a_package():
    for folder, _, files in os.walk(ROOT / PACKAGE):
        if any(name.endswith('.py') for name in files):
            assert '__init__.py' in files, folder


@pytest.mark.parametrize('folder', ['launch', 'config'])
def test_every_launch_and_config_file_ships(setup, folder):
    there = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob('*')
                   if path.is_file() and '__pycache__' not in path.parts)
    assert there
    shipped = dict(setup['data_files'])[f'share/{PACKAGE}/{folder}']
    assert sorted(shipped) == there


def test_every_data_file_among_the_modules_ships(setup):
    there = {path.relative_to(ROOT / PACKAGE).as_posix() for path in (ROOT / PACKAGE).rglob('*')
             if path.is_file() and '__pycache__' not in path.parts and path.suffix != '.py'}
    assert set(setup['package_data'][PACKAGE]) == there
    assert 'py.typed' in there   # without it, type checkers ignore the types (PEP 561)


def test_the_ament_index_finds_the_package(setup):
    files = dict(setup['data_files'])
    assert files['share/ament_index/resource_index/packages'] == [f'resource/{PACKAGE}']
    assert (ROOT / 'resource' / PACKAGE).stat().st_size == 0
    assert files[f'share/{PACKAGE}'] == ['package.xml']


def test_no_path_leads_out_of_the_install_space(setup):
    for folder, files in setup['data_files']:
        assert not os.path.isabs(folder)
        assert '..' not in Path(folder).parts
        assert not any(os.path.isabs(file) for file in files)


def test_executables(setup):
    entries = dict(entry.split(' = ') for entry in setup['entry_points']['console_scripts'])
    assert entries == {
        'thermal_plan': f'{PACKAGE}.executables:thermal_plan',
        'check_sticks': f'{PACKAGE}.executables:check_sticks',
        'stick_server': f'{PACKAGE}.executables:stick_server',
        **{f'{name}_node': f'{PACKAGE}.executables:{name}_node'
           for name in ('camera', 'detector')}}
    scripts = (ROOT / 'setup.cfg').read_text()
    assert f'install_scripts=$base/lib/{PACKAGE}' in scripts   # where ros2 run looks for them


def test_setup_and_manifest_agree(setup, manifest):
    assert manifest.tag == 'package'
    assert manifest.get('format') == '3'
    assert text(manifest, 'name') == setup['name'] == PACKAGE
    for tag in ('version', 'description', 'license', 'maintainer', 'author'):
        assert text(manifest, tag) == setup[tag], tag
    assert manifest.find('maintainer').get('email') == setup['maintainer_email']
    assert text(manifest.find('export'), 'build_type') == 'ament_python'


def test_the_changelog_knows_the_version(manifest):
    released = re.findall(r'^(\d+\.\d+\.\d+) \(\d{4}-\d\d-\d\d\)$',
                          (ROOT / 'CHANGELOG.rst').read_text(), re.MULTILINE)
    assert released[0] == text(manifest, 'version')


def test_rosdoc2_finds_the_pages(manifest):
    name = text(manifest.find('export'), 'rosdoc2')
    _, settings = yaml.safe_load_all((ROOT / name).read_text())
    (builder,) = settings['builders']
    folder = ROOT / builder['sphinx']['user_doc_dir']
    assert (folder / 'conf.py').is_file()


def test_no_dependency_is_named_twice(manifest):
    names = [(element.tag, element.text) for element in manifest if element.tag.endswith('depend')]
    assert len(names) == len(set(names))


# Of the imported modules: the rosdep keys of those with another name, and those without any.
KEYS = {'PIL': 'python3-pil', 'cv2': 'python3-opencv', 'matplotlib': 'python3-matplotlib',
        'numpy': 'python3-numpy', 'psutil': 'python3-psutil', 'usb': 'python3-usb',
        'yaml': 'python3-yaml'}
WITHOUT_KEY = {'mvnc', 'rosbags'}


def test_what_the_package_imports_is_what_it_depends_on(manifest):
    files = [*(ROOT / PACKAGE).rglob('*.py'), *(ROOT / 'launch').glob('*.py')]
    trees = [node for file in files for node in ast.walk(ast.parse(file.read_text()))]
    imported = {alias.name for node in trees if isinstance(node, ast.Import)
                for alias in node.names}
    imported |= {node.module for node in trees if isinstance(node, ast.ImportFrom)}
    tops = {name.partition('.')[0] for name in imported} - {PACKAGE, *sys.stdlib_module_names}
    assert WITHOUT_KEY <= tops
    # ros2 launch is what runs the launch files, and no module imports it.
    assert {element.text for element in manifest.findall('exec_depend')} == {'ros2launch'} | {
        KEYS.get(name, name) for name in tops - WITHOUT_KEY}
