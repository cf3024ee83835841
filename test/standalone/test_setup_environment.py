# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The set-up resumes where it broke, repeats only what changed, and names what is missing."""

import fcntl
import os
from pathlib import Path
import sys
import threading
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / 'standalone'))

from setup import environment as setup  # noqa: E402, I100
from setup import steps as setup_steps  # noqa: E402, I100


class Bench:
    """A small checkout and three invented steps; b and c build on a, the check on b alone."""

    def __init__(self, root):
        """Make the input files."""
        self.root = root
        self.ran = []
        self.failure = None
        (root / 'standalone').mkdir()
        for name in 'abc':
            (root / name).write_text('first')

    def act(self, name):
        """Do one step, or break in it."""
        self.ran.append(name)
        if self.failure and self.failure[0] == name:
            raise self.failure[1]
        stamps = self.root / '.venv' / '.setup'
        stamps.mkdir(parents=True, exist_ok=True)
        (stamps / (name + '.product')).write_text('')

    def run(self):
        """Set up and return the exit status and the names of the steps that ran."""
        self.ran = []
        steps = tuple(
            setup_steps.Step(
                name, 'step ' + name, lambda env, name=name: self.act(name),
                lambda env, name=name: (env.root / name).read_bytes(),
                lambda env, name=name: env.stamps / (name + '.product'), after)
            for name, after in (('a', ()), ('b', ('a',)), ('c', ('a',))))
        return setup.main(self.root, steps), ''.join(self.ran)


@pytest.fixture
def bench(tmp_path):
    """Return a fresh bench."""
    return Bench(tmp_path)


@pytest.fixture
def env(tmp_path):
    """Return the environment of an empty checkout with a virtual environment begun."""
    environment = setup_steps.Environment(tmp_path)
    environment.stamps.mkdir(parents=True)
    return environment


def test_every_step_runs_once_and_says_so(bench, capsys):
    """The first set-up runs all steps with a line each, the second runs and says nothing."""
    assert bench.run() == (0, 'abc')
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(' ... ')[0] for line in lines[1:-1]] == [
        '[1/3] step a', '[2/3] step b', '[3/3] step c']
    assert all(line.endswith(' s') for line in lines[1:-1])
    assert lines[-1].startswith('.venv is ready after ')
    assert (bench.root / '.venv' / '.ready').read_text() == str(bench.root)
    assert bench.run() == (0, '')
    assert capsys.readouterr().out == ''


@pytest.mark.parametrize('error, status, message', [
    (setup_steps.SetupError('no disk: buy one'), 1, 'set-up failed: no disk: buy one\n'),
    (KeyboardInterrupt(), 130, 'set-up interrupted: `make setup` goes on with this step\n')])
def test_broken_setup_goes_on_at_the_step_that_broke(bench, capsys, error, status, message):
    """A failure is one line and leaves no ready stamp; the next set-up starts with that step."""
    bench.failure = 'b', error
    assert bench.run() == (status, 'ab')
    assert capsys.readouterr().err == message
    assert not (bench.root / '.venv' / '.ready').exists()
    bench.failure = None
    assert bench.run() == (0, 'bc')


def test_changed_input_repeats_the_steps_that_depend_on_it(bench):
    """Nothing else runs again; what runs again and breaks is still to be done."""
    bench.run()
    (bench.root / 'c').write_text('second')
    assert bench.run() == (0, 'c')
    (bench.root / 'a').write_text('second')
    bench.failure = 'b', setup_steps.SetupError('broken')
    assert bench.run() == (1, 'ab')
    bench.failure = None
    assert bench.run() == (0, 'bc')


def test_missing_product_repeats_its_step_and_those_after_it(bench):
    """What somebody removed by hand is made again."""
    bench.run()
    (bench.root / '.venv' / '.setup' / 'a.product').unlink()
    assert bench.run() == (0, 'abc')


def test_foreign_virtual_environment_is_left_alone(bench, capsys):
    """A .venv that the set-up did not make is refused, not deleted."""
    (bench.root / '.venv').mkdir()
    assert bench.run() == (1, '')
    assert 'was not made by this set-up: move it away or remove it' in capsys.readouterr().err


def test_second_setup_waits_for_the_first(env, capsys):
    """Two set-ups of one checkout do not work at the same time."""
    folder = env.requirements.parent
    folder.mkdir()
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)

    def set_up():
        with setup.only_one(env):
            pass

    second = threading.Thread(target=set_up)
    second.start()
    second.join(0.2)
    assert second.is_alive()
    os.close(descriptor)
    second.join(10.0)
    assert not second.is_alive()
    assert 'Another set-up of this checkout is running' in capsys.readouterr().out


@pytest.mark.parametrize('version, accepted', [
    ((3, 9), False), ((3, 10), True), ((3, 14), True), ((3, 15), False)])
def test_python_version(monkeypatch, version, accepted):
    """Python 3.10 to 3.14 is accepted; the message for others shows how to name one."""
    monkeypatch.setattr(
        setup, 'sys', SimpleNamespace(version_info=(*version, 1), executable='/bin/py'))
    if accepted:
        setup.require_python()
        return
    with pytest.raises(setup_steps.SetupError) as info:
        setup.require_python()
    assert str(info.value) == (
        'Python 3.10 to 3.14 is needed, /bin/py is {}.{}: install one of them and name it, as in '
        '`make setup PYTHON=python3.12`'.format(*version))


def test_other_machine(monkeypatch):
    """Where there are no wheels the message names the way that works."""
    monkeypatch.setattr(setup.platform, 'machine', lambda: 'aarch64')
    with pytest.raises(setup_steps.SetupError, match='Linux aarch64: install ROS 2 itself'):
        setup.require_python()


def test_missing_venv_package(monkeypatch):
    """Debian's Python without python3-venv has no ensurepip."""
    monkeypatch.setattr(setup.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(setup_steps.SetupError, match='install python3-venv$'):
        setup.require_python()


def test_missing_compiler(monkeypatch, tmp_path):
    """The message names what is missing, first the C++ compiler, which brings the other."""
    monkeypatch.delenv('CC', raising=False)
    monkeypatch.delenv('CXX', raising=False)
    monkeypatch.setenv('PATH', str(tmp_path))
    with pytest.raises(setup_steps.SetupError, match=r'install a C\+\+ compiler \(Debian: '):
        setup.require_compiler()
    (tmp_path / 'c++').touch(0o755)
    with pytest.raises(setup_steps.SetupError, match='no cc or gcc or clang: install a C comp'):
        setup.require_compiler()
    monkeypatch.setenv('CXX', 'c++-99 -pipe')
    with pytest.raises(setup_steps.SetupError, match=r'there is no c\+\+-99: install'):
        setup.require_compiler()


def test_missing_python_headers(monkeypatch, tmp_path):
    """Without Python.h the message names its package."""
    monkeypatch.setattr(setup.shutil, 'which', lambda name: name)
    monkeypatch.setattr(setup.sysconfig, 'get_paths', lambda: {'include': str(tmp_path)})
    with pytest.raises(setup_steps.SetupError, match='Python.h: install python3-dev$'):
        setup.require_compiler()


def test_only_the_needed_tools_are_asked_for(monkeypatch, env):
    """A new requirement needs no compiler, if vision_msgs is built."""
    monkeypatch.setenv('PATH', '')
    setup.require_machine(env, ['package', 'check'])
    with pytest.raises(setup_steps.SetupError):
        setup.require_machine(env, ['vision_msgs'])
