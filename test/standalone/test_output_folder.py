# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A run's folder belongs to one run at a time, and only the files of a run are replaced."""

import contextlib
import signal
import subprocess
import sys

from made_up_run import ROOT
import pytest
from runner import arguments
from runner.report import output_folder

DEADLINE_SEC = 30.0
# Waits until it is told to begin, and keeps the folder until its input ends.
ONE_RUN = """
import contextlib, pathlib, sys
sys.path.insert(0, sys.argv[1])
from runner.report import output_folder
print('ready', flush=True)
sys.stdin.readline()
with contextlib.ExitStack() as stack:
    output_folder.open_log(pathlib.Path(sys.argv[2]), stack).write(b'mine')
    print('has it', flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def runs():
    """Return a function that starts a process which is about to take a folder."""
    started = []

    def start(folder):
        started.append(subprocess.Popen(
            [sys.executable, '-c', ONE_RUN, str(ROOT / 'standalone'), str(folder)], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        assert started[-1].stdout.readline() == 'ready\n'
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def begin(process):
    """Let a process take its folder."""
    process.stdin.write('\n')
    process.stdin.flush()


def test_of_runs_that_start_at_the_same_moment_exactly_one_has_the_folder(runs, tmp_path):
    """The others are told in one line, and nothing of the first one's is touched."""
    processes = [runs(tmp_path) for _ in range(4)]
    for process in processes:
        begin(process)
    answers = [process.stdout.readline() for process in processes]
    assert sorted(answers) == ['', '', '', 'has it\n']
    (log,) = tmp_path.iterdir()
    assert log.read_text() == 'mine'
    for process, answer in zip(processes, answers):
        out, err = process.communicate('\n', DEADLINE_SEC)
        assert process.returncode == (0 if answer else 2)
        assert err == ('' if answer else f'run: OUT={tmp_path}: another run writes there now; '
                       'wait until it has ended, or name another folder\n')


@pytest.mark.parametrize('how', ['it ends', 'it is killed'])
def test_a_run_that_has_ended_however_leaves_the_folder_to_the_next(runs, tmp_path, how):
    """No lock is left, and no file of it."""
    first = runs(tmp_path)
    begin(first)
    assert first.stdout.readline() == 'has it\n'
    if how == 'it is killed':
        first.send_signal(signal.SIGKILL)
    first.communicate(None if how == 'it is killed' else '\n', DEADLINE_SEC)
    assert [path.name for path in tmp_path.iterdir()] == ['run.log']
    second = runs(tmp_path)
    begin(second)
    assert second.stdout.readline() == 'has it\n'


def test_the_same_folder_by_another_name_is_the_same_folder(runs, tmp_path):
    """A link to it is no way around."""
    (tmp_path / 'out').mkdir()
    (tmp_path / 'link').symlink_to('out')
    first, second = runs(tmp_path / 'out'), runs(tmp_path / 'link')
    begin(first)
    assert first.stdout.readline() == 'has it\n'
    begin(second)
    assert second.communicate(None, DEADLINE_SEC)[0] == ''
    assert second.returncode == 2


def test_the_files_of_an_earlier_run_go_and_those_of_others_stay(runs, tmp_path):
    """What a run writes is replaced; nothing else is touched."""
    for name in (*output_folder.REPORT_FILES, 'notes.txt', 'report2.json'):
        (tmp_path / name).write_text('old')
    run = runs(tmp_path)
    begin(run)
    assert run.stdout.readline() == 'has it\n'
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        'run.log': 'mine', 'notes.txt': 'old', 'report2.json': 'old'}


@pytest.mark.parametrize('name, text', [
    ('file', 'it is there and is no folder'), ('link', 'it is there and is no folder'),
    ('file/below', 'Not a directory')])
def test_what_cannot_be_a_folder_is_refused_in_one_line(tmp_path, capsys, name, text):
    """Exit code 2; a parent that is missing is made."""
    (tmp_path / 'file').write_text('')
    (tmp_path / 'link').symlink_to('nowhere')
    with pytest.raises(SystemExit) as exit_call:
        arguments.parse(['--out', str(tmp_path / name)])
    assert exit_call.value.code == 2
    err = capsys.readouterr().err
    assert text in err and len(err.splitlines()) == 1
    assert arguments.parse(['--out', str(tmp_path / 'a' / 'b')]).out.is_dir()


def test_the_video_that_is_played_is_not_replaced(tmp_path, capsys):
    """Whoever feeds an earlier run's video keeps it."""
    video = tmp_path / 'annotated.mp4'
    video.write_text('film')
    with pytest.raises(SystemExit) as exit_call, contextlib.ExitStack() as stack:
        output_folder.open_log(tmp_path, stack, video)
    assert exit_call.value.code == 2
    assert 'the run would replace it' in capsys.readouterr().err
    assert video.read_text() == 'film'
    with contextlib.ExitStack() as stack:
        output_folder.open_log(tmp_path, stack, tmp_path / 'street.mp4')


def test_a_folder_in_place_of_a_file_is_refused(runs, tmp_path):
    """The line names what is in the way."""
    (tmp_path / 'report.json').mkdir()
    run = runs(tmp_path)
    begin(run)
    _, err = run.communicate(None, DEADLINE_SEC)
    assert run.returncode == 2
    assert 'replacing report.json there failed (Is a directory)' in err
    assert len(err.splitlines()) == 1
