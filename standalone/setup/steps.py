# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The steps that make .venv: virtual environment, wheels, vision_msgs, the package, a check."""

import os
from pathlib import Path
import platform
import re
import shutil
import subprocess
import sys
from typing import Callable
from typing import Iterable
from typing import NamedTuple

PACKAGE = 'ncs_cluster_detector'
# Variables of another ROS installation, an active environment or make, which our children must not
# get.
FOREIGN_VARIABLES = (
    'AMENT_PREFIX_PATH', 'CMAKE_PREFIX_PATH', 'DESTDIR', 'LD_LIBRARY_PATH', 'MAKEFLAGS',
    'PIP_PREFIX', 'PIP_TARGET', 'PIP_USER', 'PYTHONHOME', 'PYTHONPATH',
    '_ROS_WHEELS_BOOTSTRAP_COMPLETE')
# Run at every start of .venv's Python, so that nodes find the package's share folder.
PREFIX_PTH = (
    "import os, sys; os.environ['AMENT_PREFIX_PATH'] = os.pathsep.join(dict.fromkeys("
    "[sys.prefix, *filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep))]))\n")
# OpenVINO by a function of ours, which keeps it from telling its vendor that it was imported.
IMPORT_CHECK = (
    'import cv2, matplotlib, numpy, psutil, rclpy, sensor_msgs.msg, vision_msgs.msg, '
    'yaml, ' + PACKAGE + '\n'
    'from ' + PACKAGE + '.sticks.openvino.runtime import import_openvino\n'
    'import_openvino()\n')


class SetupError(Exception):
    """An expected failure; its text is one line that says what to do."""


class Environment:
    """The folder that is set up, and the files it is made from, below the checkout `root`."""

    def __init__(self, root: 'str | os.PathLike[str]') -> None:
        self.root = Path(root)
        self.venv = self.root / '.venv'
        self.ready = self.venv / '.ready'
        self.stamps = self.venv / '.setup'
        self.pip_cache = self.stamps / 'pip-cache'   # downloads, until all are installed
        self.networks = self.venv / 'networks'   # trained ones, each fetched at its first use
        self.python = self.venv / 'bin' / 'python'
        self.requirements = self.root / 'standalone' / 'requirements.txt'
        self.vision_msgs = self.root / 'standalone' / 'vision_msgs'

    def stamp(self, name: str) -> Path:
        """Return the file that holds the hash of a finished step."""
        return self.stamps / (name + '.stamp')

    def site_packages(self) -> Path:
        """Return the folder of the installed Python packages."""
        return next(self.venv.glob('lib/python3.*/site-packages'))


class Step(NamedTuple):
    """One step: what it prints, does, reads and makes, and which steps it builds on."""

    name: str
    title: str
    action: Callable[[Environment], None]
    inputs: Callable[[Environment], bytes]
    product: Callable[[Environment], Path]
    after: 'tuple[str, ...]' = ()


def child_environment(**extra: str) -> 'dict[str, str]':
    """Return the environment variables of a child process, without those of another ROS."""
    kept = {k: v for k, v in os.environ.items() if k not in FOREIGN_VARIABLES}
    return {**kept, **extra}


def run(env: Environment, name: str, command: Iterable[object], remedy: str = '',
        **variables: str) -> None:
    """
    Run a command of the named step; its output goes to a log, and a failure quotes from it.

    It does not run in the checkout: there, `python -m`, `python -c` and CMake's questions to
    Python would take a file such as numpy.py for the real module.
    """
    log = env.stamps / (name + '.log')
    with log.open('wb') as sink:
        status = subprocess.run(
            [str(part) for part in command], stdin=subprocess.DEVNULL, stdout=sink,
            stderr=subprocess.STDOUT, cwd=str(env.stamps),
            env=child_environment(**variables)).returncode
    if status:
        raise SetupError('{} ended with status {}: {}{} (more in {})'.format(
            name, status, failure_line(log.read_text(errors='replace')), remedy,
            log.relative_to(env.root)))


def failure_line(output: str) -> str:
    """Return the line of a command's output that says most about its failure."""
    lines = [line.strip() for line in output.split('\n') if line.strip()] or ['no output']
    errors = [line for line in lines if re.search(r'\berror\b[: ]', line, re.IGNORECASE)]
    return (errors or lines[-1:])[0][:300]


def run_pip(env: Environment, name: str, command: str, remedy: str, *arguments: object) -> None:
    """Run a command of the environment's pip, as a part of the named step."""
    run(env, name, [env.python, '-m', 'pip', command, '--quiet', '--disable-pip-version-check',
                    '--no-input', '--no-build-isolation',
                    # Within the checkout, like all that is written; an interrupted run uses it.
                    '--cache-dir', env.pip_cache, *arguments], remedy)


def pip(env: Environment, name: str, *arguments: object) -> None:
    """Install packages by the new environment's pip."""
    run_pip(env, name, 'install', '; check the network, then `make setup` again', *arguments)


def make_venv(env: Environment) -> None:
    """Create the virtual environment anew; the log and stamp folder marks it as ours."""
    env.stamps.mkdir(parents=True, exist_ok=True)
    # That folder stays: the rest of an interrupted removal must be known as ours, too.
    for folder in (env.venv, env.stamps):
        for path in set(folder.iterdir()) - {env.stamps}:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(str(path))
            else:
                path.unlink()
    # The base interpreter, because an active environment may be the one that was just removed.
    base = getattr(sys, '_base_executable', None) or sys.executable
    run(env, 'venv', [base, '-m', 'venv', env.venv])


def install_wheels(env: Environment) -> None:
    """Install the pinned packages; those that an interrupted run has finished are kept."""
    for info in env.site_packages().glob('*.dist-info'):
        if not (info / 'RECORD').exists():  # pip writes it last
            shutil.rmtree(str(info))
    # First what builds the few source archives among them.
    pins = env.requirements.read_text().split('\n')
    pip(env, 'wheels', *(pin for pin in pins if pin.startswith(('setuptools==', 'wheel=='))))
    pip(env, 'wheels', '-r', env.requirements)
    shutil.rmtree(str(env.pip_cache), ignore_errors=True)


def repair_cmake_files(env: Environment) -> None:
    """Point the wheels' CMake files at this Python, not at the one they were built with."""
    found = subprocess.run(
        [str(env.python), '-c', 'import numpy, sysconfig\n'
         "print(sysconfig.get_paths()['include'])\nprint(numpy.get_include())"],
        stdout=subprocess.PIPE, cwd=str(env.stamps), env=child_environment(), check=True)
    python_include, numpy_include = found.stdout.decode().split('\n')[:2]
    for path in env.venv.glob('share/*/cmake/*rosidl_generator_pyExport.cmake'):
        text = path.read_text()
        new = re.sub(r'/opt/python/[^;"]*/numpy/_core/include', numpy_include, text)
        new = re.sub(r'/opt/python/[^;"]*/include/python3\.\d+', python_include, new)
        if new != text:
            path.write_text(new)


def build_vision_msgs(env: Environment) -> None:
    """Build and install the vision_msgs interfaces with CMake and Ninja from the environment."""
    repair_cmake_files(env)
    build = env.stamps / 'vision_msgs-build'
    shutil.rmtree(str(build), ignore_errors=True)
    libraries = [env.venv / 'lib', *env.site_packages().glob('ros_*.libs')]
    variables = {
        'AMENT_PREFIX_PATH': str(env.venv), 'CMAKE_PREFIX_PATH': str(env.venv),
        'LD_LIBRARY_PATH': os.pathsep.join(str(path) for path in libraries),
        'PATH': str(env.venv / 'bin') + os.pathsep + os.environ.get('PATH', os.defpath),
        # LD_LIBRARY_PATH is set already: the many Python processes need not start twice.
        '_ROS_WHEELS_BOOTSTRAP_COMPLETE': '1'}
    cmake = env.venv / 'bin' / 'cmake'
    for arguments in (
            ['-S', env.vision_msgs, '-B', build, '-G', 'Ninja', '-DBUILD_TESTING=OFF',
             '-DCMAKE_INSTALL_PREFIX={}'.format(env.venv), '-DCMAKE_INSTALL_LIBDIR=lib',
             '-DPython3_EXECUTABLE={}'.format(env.python)],
            ['--build', build],
            ['--install', build]):
        run(env, 'vision_msgs', [cmake, *arguments], **variables)
    shutil.rmtree(str(build))


def install_package(env: Environment) -> None:
    """Install the package editable, and link its share folder as colcon would install it."""
    pip(env, 'package', '--no-deps', '--use-pep517', '-e', env.root)
    (env.site_packages() / (PACKAGE + '_prefix.pth')).write_text(PREFIX_PTH)
    share = env.venv / 'share' / PACKAGE
    links = {share / name: env.root / name for name in ('package.xml', 'launch', 'config')}
    index = env.venv / 'share' / 'ament_index' / 'resource_index' / 'packages'
    links[index / PACKAGE] = env.root / 'resource' / PACKAGE
    for name in ('camera_node', 'detector_node', 'stick_server'):
        links[env.venv / 'lib' / PACKAGE / name] = env.venv / 'bin' / name
    for link, target in links.items():
        link.parent.mkdir(parents=True, exist_ok=True)
        if link.is_symlink():
            link.unlink()
        link.symlink_to(target)


def check_imports(env: Environment) -> None:
    """Import what the nodes need, once."""
    # Matplotlib makes its folder at the first import, in the home folder unless it is told.
    run(env, 'check', [env.python, '-c', IMPORT_CHECK], MPLCONFIGDIR=str(env.venv / '.matplotlib'))


def contents(root: Path, *paths: Path) -> bytes:
    """Return names and bytes of the given files and of the files below the given folders."""
    files = [f for path in paths for f in ([path] if path.is_file() else sorted(path.rglob('*')))]
    return b'\0'.join(
        str(f.relative_to(root)).encode() + b'\0' + f.read_bytes() for f in files if f.is_file())


STEPS = (
    Step('venv', 'virtual environment for Python ' + platform.python_version(), make_venv,
         lambda e: str(e.venv).encode(), lambda e: e.python),
    Step('wheels', 'ROS 2 Jazzy and all other packages from PyPI', install_wheels,
         lambda e: contents(e.root, e.requirements), lambda e: e.venv / 'bin' / 'cmake',
         ('venv',)),
    Step('vision_msgs', 'vision_msgs, built from its interface definitions', build_vision_msgs,
         lambda e: contents(e.root, e.vision_msgs),
         lambda e: e.venv / 'share' / 'vision_msgs' / 'package.xml', ('wheels',)),
    Step('package', PACKAGE + ', editable', install_package,
         lambda e: contents(e.root, *(e.root / name for name in (
             'setup.py', 'setup.cfg', 'package.xml', 'resource'))),
         lambda e: e.venv / 'bin' / 'detector_node', ('wheels',)),
    Step('check', 'check that all of it can be imported', check_imports, lambda e: b'',
         lambda e: e.python, ('vision_msgs', 'package')))
