# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Variables on make's command line that its goals do not take are refused before all else."""

import os
import platform
import re
import shutil
import subprocess
import sys

from made_up_run import ROOT
from make_variables import complaint
import pytest

TAKES = {'help': [], 'run': ['SECONDS', 'VIDEO', 'OUT', 'CLUSTER_SIZE', 'GRAPHS', 'STICKS'],
         'plan': ['OUT', 'ARGS'], 'check': ['GRAPH'], 'setup': []}
# What an outer make, such as the one that runs the tests, leaves to make.
INHERITED = ('MAKEFLAGS', 'MFLAGS', 'MAKEOVERRIDES', 'MAKELEVEL', 'ARGS')
MAKEFILE = (ROOT / 'Makefile').read_text()


@pytest.mark.parametrize('goals, given, parts', [
    (['run'], ['SECOND'], ('SECOND: did you mean SECONDS?', '`make run` takes SECONDS, VIDEO')),
    (['run'], ['seconds'], ('did you mean SECONDS?',)),
    (['run'], ['CLUSTERSIZE'], ('did you mean CLUSTER_SIZE?',)),
    (['run'], ['cluster-size'], ('did you mean CLUSTER_SIZE?',)),
    (['run'], ['SIZE'], ('did you mean CLUSTER_SIZE?',)),
    (['run'], ['VIDEO_FILE'], ('did you mean VIDEO?',)),
    (['run'], ['GRAPH'], ('did you mean GRAPHS?',)),
    (['run'], ['PYTHN'], ('did you mean PYTHON?',)),
    (['run'], ['ARGS'], ('ARGS: `make plan` would take it',)),
    (['plan'], ['DRIVER'], ('DRIVER: not known',)),
    (['run'], ['ROBOTS'], ('ROBOTS: not known',)),
    (['run'], ['STICK', 'SECONDS', 'FOO'], ('STICK: did you mean STICKS?; FOO: not known',)),
    (['plan'], ['SECONDS'], ('SECONDS: `make run` would take it', '`make plan` takes OUT, ARGS')),
    (['plan'], ['VIDEO'], ('VIDEO: `make run` would take it',)),
    (['plan'], ['SECOND'], ('did you mean SECONDS, which `make run` takes?',)),
    (['setup'], ['OUT'], ('`make run`, `make plan` would take it', 'takes no variables')),
    ([], ['SECONDS'], ('`make run` would take it', '`make help` takes no variables')),
    (['setup', 'plan'], ['SECONDS'], ('`make setup plan` takes OUT, ARGS',)),
    (['plan', 'plan'], ['SECONDS'], ('`make plan plan` takes OUT, ARGS)',)),
    (['run', 'no-goal'], ['SECOND'], ('did you mean SECONDS?',)),
])
def test_what_is_refused(goals, given, parts):
    text = complaint(TAKES, goals, given)
    assert '\n' not in text
    for part in parts:
        assert part in text


@pytest.mark.parametrize('goals, given', [
    (['run'], []), (['run'], ['SECONDS', 'STICKS']), (['setup', 'run'], ['STICKS']), ([], []),
    (['run', 'plan'], ['SECONDS', 'ARGS']), (['setup'], ['PYTHON', 'CC', 'CXXFLAGS', 'V']),
    (['runn'], ['SECOND'])])   # make itself says that there is no such goal
def test_what_is_not(goals, given):
    assert complaint(TAKES, goals, given) == ''


@pytest.fixture
def make(tmp_path):
    """Return a function that runs make in a folder in which nothing can be set up."""
    shutil.copy(ROOT / 'Makefile', tmp_path)
    (tmp_path / 'standalone').mkdir()
    shutil.copy(ROOT / 'standalone' / 'make_variables.py', tmp_path / 'standalone')
    for name in ('setup.py', 'setup.cfg', 'package.xml'):
        (tmp_path / name).touch()
    (tmp_path / 'standalone' / 'setup_environment.py').write_text("open('was_set_up', 'w')")

    def run(*arguments, **variables):
        environment = {name: value for name, value in os.environ.items() if name not in INHERITED}
        ended = subprocess.run(
            ['make', *arguments], cwd=tmp_path, env=environment | variables, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ended.was_set_up = (tmp_path / 'was_set_up').exists()
        return ended

    return run


@pytest.mark.parametrize('arguments', [
    ['run', 'SECOND=5'], ['SECOND=5', 'run'], ['run', 'SECOND=5', '-j4'], ['-k', 'run', 'SECOND='],
    ['run', 'SECOND:=5'], ['plan', 'SECONDS=5'], ['run', "it's;>was_set_up=3"],
    ['setup', 'STICKS=3'], ['run', 'VENV=elsewhere'], ['run', 'READY=Makefile'],
    ['run', 'TAKES_run=FOO', 'FOO=3'], ['run', 'SECONDS=5', 'PYTHON=no-such-python'],
])
def test_make_refuses_in_one_line_before_anything_is_set_up(make, arguments):
    ended = make(*arguments)
    assert (ended.returncode, ended.stdout, ended.was_set_up) == (2, '', False)
    assert ended.stderr.count('\n') == 1
    wrong = arguments[-1] if arguments[-1].startswith('PYTHON') else next(
        word for word in arguments if '=' in word)
    assert re.split('[:=]', wrong)[0] in ended.stderr


@pytest.mark.parametrize('version, goals, is_refused', [
    ('3.7.1', ['run'], True), ('3.7.1', ['setup', 'run'], True), ('3.7.1', ['help'], False),
    ('3.7.1', ['clean'], False), ('3.7.1', ['clean', 'run'], False), (None, ['run'], False),
    (platform.python_version(), ['run'], False)])
def test_a_python_that_could_not_be_taken_is_refused(make, tmp_path, version, goals, is_refused):
    """An environment keeps the Python with which it was made."""
    if version is not None:
        (tmp_path / '.venv').mkdir()
        (tmp_path / '.venv' / 'pyvenv.cfg').write_text(f'home = /usr/bin\nversion = {version}\n')
    ended = make('-n', *goals, f'PYTHON={sys.executable}')
    assert (ended.returncode != 0) == is_refused
    if is_refused:
        assert f'.venv is of {version}, which stays' in ended.stderr
        assert '`make clean` first' in ended.stderr


@pytest.mark.parametrize('variables', [{'STICKS': '3'}, {'STICKS': '3', 'SECOND': '5'}])
def test_what_is_known_is_taken_from_the_environment_too_and_the_rest_of_it_left_alone(
        make, variables):
    ended = make('-n', 'run', **variables)
    assert (ended.returncode, ended.stderr) == (0, '')
    assert "--sticks='3'" in ended.stdout


def test_values_reach_the_program_as_they_are(make):
    ended = make('-n', 'run', "VIDEO=it's a [film] #1;$x$$(y).mp4", 'AMBIENT=-5', 'V=1', 'CC=gcc',
                 OUT='of $HOME')
    assert ended.returncode == 0, ended.stderr
    command = ended.stdout.replace('\\\n', ' ')
    shown = subprocess.run(['sh', '-c', 'printf "%s\n"' + command.partition('run.py')[2]],
                           stdout=subprocess.PIPE, text=True, check=True).stdout
    assert shown.splitlines() == [
        "--video=it's a [film] #1;$x$$(y).mp4", '--out=of $HOME', '--ambient=-5']


def test_the_table_has_what_the_recipes_use():
    """What a goal takes stands in its recipe, and nothing else does."""
    takes = dict(re.findall(r'^TAKES_(\S+) := (.*)$', MAKEFILE, re.M))
    goals = re.search(r'^GOALS := (.*)$', MAKEFILE, re.M)[1].split()
    assert set(takes) <= set(goals)
    own = {'VENV', 'READY', 'PYTHON'}
    for goal in goals:
        recipe = re.search(rf'^{goal}:.*\n((?:\t.*\n)*)', MAKEFILE, re.M)[1]
        used = set(re.findall(r'\$\((?:call option,)?([A-Z_]+)', recipe))
        assert used - own == set(takes.get(goal, '').split()), goal
