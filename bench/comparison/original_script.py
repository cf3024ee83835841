# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The script of 2018 that this package goes back to: cut out of the article, and run unchanged.

It is no part of the project. It lies beside the checkout, below ``../shared``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import struct
import sys
import time

from comparison.processes import BenchError
from comparison.processes import POLL_SEC
from comparison.processes import Program
from comparison.processes import used_between

ARTICLE = Path(__file__).resolve().parents[3] / 'shared/seed/original_article_and_script.txt'
NAME = 'MultiStickSSDwithRealSense.py'
FIRST, LAST = b'\nimport sys\n', b'print("\\n\\nFinished\\n\\n")\n'
STAND_INS = Path(__file__).resolve().parents[1] / 'programs' / 'original'
READY_SEC = 60.0
_TIME = struct.Struct('d')


class OriginalScript:
    """The script at work."""

    def __init__(self, program: Program, times: Path) -> None:
        """Take the program, and the file to which the stand-in of its camera writes times."""
        self._program, self._times = program, times
        self.started_at = program.started_at

    def result_times(self) -> list[float]:
        """Return when each result came from a stick, in seconds of the monotonic clock."""
        return sorted(time_sec for time_sec, in _TIME.iter_unpack(self._times.read_bytes()))

    def wait_for_results(self, count: int) -> None:
        """
        Wait until a number of results came.

        :raises BenchError: they did not come in time, or the script has ended.
        """
        deadline = time.monotonic() + READY_SEC
        while self._times.stat().st_size < count * _TIME.size:
            self._program.check_running()
            if time.monotonic() > deadline:
                raise BenchError(f'the original script gave less than {count} results within '
                                 f'{READY_SEC:g} s')
            time.sleep(POLL_SEC)

    def window(self, seconds: float) -> tuple[float, float, float]:
        """Let a time pass; return results a second, CPU ms a result, kB of log a second."""
        before, size = self._program.cpu_sec(), self._program.output.stat().st_size
        began = time.monotonic()
        time.sleep(seconds)
        ended = time.monotonic()
        used_sec = used_between(before, self._program.cpu_sec())
        logged = self._program.output.stat().st_size - size
        results = len([when for when in self.result_times() if began <= when < ended])
        return (results / (ended - began), 1e3 * used_sec / max(results, 1),
                logged / 1e3 / (ended - began))

    def pss_mb(self) -> float:
        """Return the memory of all of its processes in 10^6 bytes, shared pages by their part."""
        return self._program.pss_mb()


def script_of(article: bytes) -> bytes:
    """
    Return the script, byte by byte as it stands in the article.

    :raises ValueError: it is not in there.
    """
    begin = article.index(FIRST, article.index(f'\n{NAME}\n'.encode())) + 1
    return article[begin:article.index(LAST, begin) + len(LAST)]


def why_missing() -> str:
    """Return why the script cannot be run here, or an empty text."""
    return '' if ARTICLE.is_file() else f'../shared/seed/{ARTICLE.name} is not here'


@contextmanager
def running(folder: Path, *, sticks: int, active: int, cycle_ms: int,
            boot_ms: float | None = None) -> Iterator[OriginalScript]:
    """
    Run the script on simulated sticks and a camera of 320 x 240 that gives 60 images a second.

    :param folder: for its files; it is left as it is.
    """
    (folder / NAME).write_bytes(script_of(ARTICLE.read_bytes()))
    (folder / 'graph').write_text('detector: shapes\n')
    times = folder / 'result_times'
    times.write_bytes(b'')
    modules = os.pathsep.join(filter(None, [str(STAND_INS), os.environ.get('PYTHONPATH')]))
    boot = [] if boot_ms is None else ['--boot-ms', str(boot_ms)]
    command = [sys.executable, '-m', 'ncs_cluster_detector.simulation', '--sticks', str(sticks),
               *boot, NAME, '-mod', '1', '-snc', str(active), '-csc', str(cycle_ms)]
    program = Program('original', command, folder,
                      {'PYTHONPATH': modules, 'RESULT_TIMES': str(times),
                       # Its fork server leaves a folder there when it is killed.
                       'TMPDIR': str(folder)}, folder)
    try:
        yield OriginalScript(program, times)
    finally:
        program.kill()
        program.output.unlink()   # some megabytes a second
