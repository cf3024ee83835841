# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The script of 2018 that this package goes back to, as a program of its own under test."""

from contextlib import suppress
import os
from pathlib import Path
import signal
import subprocess
import sys
import time

import pytest

HERE = Path(__file__).resolve().parent
LIMIT_SEC = 40.0
NAME = 'MultiStickSSDwithRealSense.py'


def article_script():
    """Return the bytes of the script, cut out of the article; skip where that is missing."""
    article = HERE.parents[2] / 'shared' / 'seed' / 'original_article_and_script.txt'
    if not article.is_file():
        pytest.skip(f'needs ../shared/seed/{article.name}, which is not here')
    text = article.read_bytes()
    last = b'print("\\n\\nFinished\\n\\n")\n'
    begin = text.index(b'\nimport sys\n', text.index(f'\n{NAME}\n'.encode())) + 1
    return text[begin:text.index(last) + len(last)]


class RunningScript:
    """The script on some sticks, and what is seen of it from outside."""

    def __init__(self, folder, runner, arguments, environment):
        """Start it with a module that runs programs for NCSDK 2, and its options."""
        (folder / NAME).write_bytes(article_script())
        (folder / 'graph').write_text('detector: shapes\n')
        self.folder = folder
        self.output = (folder / 'output.txt').open('wb+')
        modules = [str(HERE / 'camera_and_window'), environment.get('PYTHONPATH')]
        self.process = subprocess.Popen(
            [sys.executable, '-m', *runner, NAME, *arguments], cwd=folder, stdout=self.output,
            stderr=subprocess.STDOUT, start_new_session=True,
            env={**environment, 'PYTHONPATH': os.pathsep.join(filter(None, modules)),
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

    def end(self):
        """End it as a user does, and check that it says so."""
        (self.folder / 'press q').touch()
        self.wait_until(lambda: 'q was pressed' in self.notes())
        # The key ends the camera's process only; Ctrl-C ends the rest.
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(LIMIT_SEC) == 0
        assert self.printed().endswith('\n\nFinished\n\n\n')

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
