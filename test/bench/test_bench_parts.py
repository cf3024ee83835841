# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Parts of the bench: the script of 2018, its stand-ins, the clocks, and the command line."""

import compileall
import os
from pathlib import Path
import subprocess
import sys
import threading
import time

from clocked_driver import DoubleClock
from clocked_driver import FOLDER_VARIABLE
from comparison import original_script
from comparison import processes
from comparison import timing
from comparison import workers
from comparison.traffic import image_message
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.simulation.networks.shapes import detect_shapes
import numpy as np
import pytest
import timed_start

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_SEC = 30.0


@pytest.fixture
def article():
    """Return the article; skip where it is missing."""
    if original_script.why_missing():
        pytest.skip(f'needs {original_script.why_missing()}')
    return original_script.ARTICLE.read_bytes()


def test_the_script_is_cut_out_of_the_article_unchanged(article, tmp_path):
    script = original_script.script_of(article)
    assert script in article
    assert script.startswith(b'import sys\n')
    (tmp_path / 'script.py').write_bytes(script)
    assert compileall.compile_file(tmp_path / 'script.py', quiet=1)


def test_the_script_is_no_part_of_the_project(article):
    line = max(original_script.script_of(article).splitlines(), key=len)
    listed = subprocess.run(['git', 'ls-files', '-z'], cwd=ROOT, capture_output=True)
    if listed.returncode:
        pytest.skip('needs a checkout of git')
    paths = [ROOT / os.fsdecode(name) for name in listed.stdout.split(b'\0') if name]
    assert [path for path in paths if path.is_file() and line in path.read_bytes()] == []


def test_an_article_without_the_script_is_refused():
    with pytest.raises(ValueError):
        original_script.script_of(b'an article about something else')


def test_the_script_runs_and_its_results_are_counted(article, tmp_path):
    with original_script.running(
            tmp_path, sticks=2, active=1, cycle_ms=1000, boot_ms=0.0) as script:
        script.wait_for_results(5)
        times = script.result_times()
        assert script.started_at < times[0] < times[4] < time.monotonic()
        rate, cpu_ms, logged_kb = script.window(0.5)
        assert script.pss_mb() > 10.0
    assert rate > 0.0 and cpu_ms > 0.0 and logged_kb > 0.0
    assert not list(tmp_path.glob('*.txt'))   # its log


@pytest.fixture
def program(tmp_path):
    """Return a function that runs Python statements as a program under measurement."""
    started = []

    def run(text):
        started.append(processes.Program('a program', [sys.executable, '-c', text], tmp_path))
        return started[-1]

    yield run
    for one in started:
        one.stop()


def wait_for(condition):
    deadline = time.monotonic() + DEADLINE_SEC
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_cpu_time_of_every_process_of_a_program_counts(program):
    busy = program('import os, time\n'
                   'os.fork()\n'
                   'while time.process_time() < 0.3: pass\n'
                   'time.sleep(60)')
    wait_for(lambda: sum(spent > 0.3 for spent in busy.cpu_sec().values()) == 2)
    spent = busy.cpu_sec()
    assert processes.used_between({}, spent) == sum(spent.values())
    assert processes.used_between(spent, spent) == 0.0
    assert busy.pss_mb() > 1.0
    busy.stop()
    assert busy.cpu_sec() == {}


def test_a_program_that_ended_is_told_with_its_last_lines(program):
    ended = program('import sys; print("one"); sys.exit("two")')
    with pytest.raises(processes.BenchError, match='exit code 1: one / two'):
        ended.wait(DEADLINE_SEC)


def test_a_program_that_does_not_end_is_told(program):
    endless = program('import time; time.sleep(60)')
    with pytest.raises(processes.BenchError, match='did not end within 0.1 s'):
        endless.wait(0.1)


def test_the_picture_of_all_lanes_has_one_thing_to_find():
    message = image_message(320, 240)
    picture = np.frombuffer(message.data, np.uint8).reshape(240, 320, 3)
    found = detect_shapes(picture)
    assert [PASCAL_VOC[class_id] for class_id, *_ in found] == ['cat']


def spin(seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass


class Double:
    """What looks like a double of the API, whose calls and thread use a known CPU time."""

    class Device:

        def open(self):  # noqa: A003
            self.thread = threading.Thread(target=lambda: (spin(0.1), self.ended.wait()))
            self.ended = threading.Event()
            self.thread.start()

        def get_option(self, option):
            return option

    class Graph:

        def queue_inference_with_fifo_elem(self):
            spin(0.05)
            Double.Fifo().write_elem()   # counts once

    class Fifo:

        def write_elem(self):
            spin(0.05)

        def read_elem(self):
            spin(0.02)

    @staticmethod
    def enumerate_devices():
        spin(0.03)


def test_the_clock_counts_calls_and_threads_of_the_double_once(monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    DoubleClock().put_around(Double)
    device = Double.Device()
    Double.enumerate_devices()
    device.open()
    try:
        Double.Graph().queue_inference_with_fifo_elem()
        Double.Fifo().read_elem()
        own = 0.1
        spin(own)   # the worker itself
        wait_for(lambda: time.clock_gettime(
            time.pthread_getcpuclockid(device.thread.ident)) > 0.1)
        assert device.get_option('heat') == 'heat'
    finally:
        device.ended.set()
        device.thread.join()
    sample, = workers.samples_of((tmp_path / str(os.getpid())).read_text())
    assert sample.results == 1
    # Calls 0.15 and thread 0.1; a call inside a call counted twice would add 0.05.
    assert 0.25 <= sample.double_sec < 0.29


def test_what_workers_used_is_taken_between_their_lines_of_a_window():
    text = '1.0 10.0 8.0 100\n2.0 10.2 8.15 120\n3.0 10.4 8.3 140\n4.0 99.0 9'
    samples = workers.samples_of(text)
    assert len(samples) == 3   # the last line is not complete
    assert workers.used_in([samples, samples], 0.5, 3.5) == pytest.approx((2.5, 7.5))
    assert workers.used_in([samples], 2.5, 3.5) == (0.0, 0.0)


def test_the_first_worker_that_reaches_a_phase_counts():
    assert timed_start.phases_of('python 1.0\nstick ready 2.5\nstick ready 2.6\n') == {
        'python': 1.0, 'stick ready': 2.5}


def test_percentiles_and_gaps():
    values = list(map(float, range(100)))
    assert (timing.percentile(values, 50), timing.percentile(values, 95)) == (50.0, 95.0)
    assert timing.percentile([7.0], 95) == 7.0
    assert timing.largest_gap_ms([1.0, 1.5, 3.0, 3.1]) == pytest.approx(1500.0)


@pytest.mark.parametrize('arguments, parts', [
    (['--rows', 'cpu,nonsense'], ('nonsense', 'expected one or more of cpu, worker')),
    (['--keep', 'yes'], ('--keep', 'yes')),
    (['--keep', '1', '--rows', 'cpu'], ('--keep 1: a kept run has all rows',)),
    (['--row', 'cpu'], ('did you mean --rows?',))])
def test_wrong_arguments_are_refused_in_one_line(arguments, parts):
    ended = subprocess.run([sys.executable, str(ROOT / 'bench'), *arguments], text=True,
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert (ended.returncode, ended.stdout, ended.stderr.count('\n')) == (2, '', 1)
    for part in parts:
        assert part in ended.stderr
