# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The script of 2018 that this package goes back to, unchanged, on simulated sticks."""

from contextlib import suppress
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

from ncs_cluster_detector.simulation.bus.running_buses import running_buses
import pytest

HERE = Path(__file__).resolve().parent
LIMIT_SEC = 40.0
NAME = 'MultiStickSSDwithRealSense.py'
AMBIENT_CELSIUS = 30.0


@pytest.fixture(scope='module')
def script():
    """Return the bytes of the script, cut out of the article; skip where that is missing."""
    article = HERE.parents[2] / 'shared' / 'seed' / 'original_article_and_script.txt'
    if not article.is_file():
        pytest.skip(f'needs ../shared/seed/{article.name}, which is not here')
    text = article.read_bytes()
    last = b'print("\\n\\nFinished\\n\\n")\n'
    begin = text.index(b'\nimport sys\n', text.index(f'\n{NAME}\n'.encode())) + 1
    return text[begin:text.index(last) + len(last)]


class Running:
    """The script as a program of its own, and what is seen of it from outside."""

    def __init__(self, script, folder, arguments):
        (folder / NAME).write_bytes(script)
        (folder / 'graph').write_text('detector: shapes\n')
        self.folder = folder
        self.output = (folder / 'output.txt').open('wb+')
        doubles = str(HERE.parent / 'helpers' / 'camera_and_window')
        modules = [doubles, os.environ.get('PYTHONPATH')]
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'ncs_cluster_detector.simulation', '--inference-ms', '20',
             '--transfer-ms', '5', '--boot-ms', '50', '--ambient-celsius', str(AMBIENT_CELSIUS),
             NAME, *arguments],
            cwd=folder, stdout=self.output, stderr=subprocess.STDOUT, start_new_session=True,
            env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, modules)),
                 'TEST_NOTES': str(folder)})

    def wait_until(self, condition):
        """Wait for a condition that must come true while the program runs."""
        deadline = time.monotonic() + LIMIT_SEC
        while not condition():
            assert self.process.poll() is None, self.printed()
            assert time.monotonic() < deadline, self.printed()
            time.sleep(0.02)

    def notes(self):
        """Return what camera and window have noted."""
        path = self.folder / 'notes.txt'
        return path.read_text().splitlines() if path.exists() else []

    def warm_sticks(self):
        """Return the ports of the sticks that have computed."""
        (running,) = running_buses(self.process.pid)
        return [port.path for port in running.shared_bus.ports()
                if port.celsius() > AMBIENT_CELSIUS]

    def printed(self):
        """Return the end of what the program printed."""
        self.output.seek(0, os.SEEK_END)
        self.output.seek(max(0, self.output.tell() - 4000))
        return self.output.read().decode()

    def kill(self):
        """End the program and all of its processes."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()


@pytest.fixture
def start(script, tmp_path):
    """Return a function that starts the script with arguments; all is ended after the test."""
    started = []

    def start(*arguments):
        started.append(Running(script, tmp_path, arguments))
        return started[-1]

    yield start
    for running in started:
        running.kill()


@pytest.mark.parametrize('arguments', [
    ('-mod', '1'), ('-mod', '1', '-snc', '2', '-csc', '1000')])
def test_the_script_of_the_article_runs_on_five_simulated_sticks(start, arguments):
    running = start(*arguments)
    running.wait_until(lambda: 'window USB Camera' in running.notes())
    running.wait_until(lambda: len(running.warm_sticks()) == 5)
    running.wait_until(lambda: 'cat (90%)' in running.notes())
    (running.folder / 'press q').touch()
    running.wait_until(lambda: 'q was pressed' in running.notes())
    # The key ends the camera's process only; Ctrl-C ends the rest.
    running.process.send_signal(signal.SIGINT)
    assert running.process.wait(LIMIT_SEC) == 0
    assert running.printed().endswith('\n\nFinished\n\n\n')
