# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The runner of programs that were written for the vendor's SDK."""

import os
from pathlib import Path
import signal
import subprocess
import sys

import ncs_cluster_detector.simulation
import pytest

LIMIT_SEC = 60.0
RUNNER = [sys.executable, '-m', 'ncs_cluster_detector.simulation']
MODULES = Path(ncs_cluster_detector.simulation.__file__).parent / 'in_place_of_sdk'
# As a compiled graph begins: neither text nor ONNX.
COMPILED = b'\x7fELF' + bytes(range(256))

DETECT = """
import numpy
from mvnc import mvncapi

def detect(graph_path):
    # Return the first stick that opens, its name, and what it finds in a picture.
    picture = numpy.zeros((300, 300, 3), numpy.uint8)
    picture[30:90, 60:120] = (0, 255, 0)
    for handle in mvncapi.enumerate_devices():
        device = mvncapi.Device(handle)
        try:
            device.open()
        except Exception as error:
            assert error.args[0] == mvncapi.Status.ERROR, error
            continue
        with open(graph_path, 'rb') as file:
            graph = mvncapi.Graph('graph')
            fifo_in, fifo_out = graph.allocate_with_fifos(device, file.read())
        tensor = ((picture - 127.5) * 0.007843).astype(numpy.float32)
        graph.queue_inference_with_fifo_elem(fifo_in, fifo_out, tensor, None)
        output, _ = fifo_out.read_elem()
        name = device.get_option(mvncapi.DeviceOption.RO_DEVICE_NAME)
        return device, name, [int(value) for value in output[:9]]
"""

SEVERAL_PROCESSES = DETECT + """
import multiprocessing
import sys

def work(barrier, results):
    device, name, found = detect('graph')
    results.put((name, found[0], found[8]))
    # One process per stick: whoever closes his first would leave it to another.
    barrier.wait(30)

if __name__ == '__main__':
    multiprocessing.set_start_method(sys.argv[1])
    print(len(mvncapi.enumerate_devices()), 'sticks')
    barrier = multiprocessing.Barrier(3)
    results = multiprocessing.Queue()
    workers = [multiprocessing.Process(target=work, args=(barrier, results)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for result in sorted(results.get(timeout=30) for _ in workers):
        print(*result)
    for worker in workers:
        worker.join()
    sys.exit(sum(worker.exitcode for worker in workers))
"""


def run(folder, program, *arguments, options=(), environment=None, **more):
    """Run the text of a program in a folder, on two sticks that start at once."""
    (folder / 'program.py').write_text(program)
    return subprocess.run(
        [*RUNNER, '--boot-ms', '0', '--inference-ms', '1', '--transfer-ms', '0', *options,
         'program.py', *arguments],
        cwd=folder, capture_output=True, text=True, timeout=LIMIT_SEC,
        env={**os.environ, **(environment or {})}, **more)


@pytest.mark.parametrize('method', ['fork', 'spawn', 'forkserver'])
def test_all_processes_of_a_program_share_the_sticks(tmp_path, method):
    (tmp_path / 'graph').write_text('detector: shapes\n')
    finished = run(tmp_path, SEVERAL_PROCESSES, method, options=['--sticks', '3'])
    assert finished.stdout.splitlines() == [
        '3 sticks', '1.1-ma2450 1 15', '1.2-ma2450 1 15', '1.3-ma2450 1 15'], finished.stderr
    assert finished.returncode == 0


def test_a_program_started_by_the_program_sees_a_stick_in_use(tmp_path):
    names = ('from mvnc import mvncapi\n'
             'name = mvncapi.DeviceOption.RO_DEVICE_NAME\n'
             'for handle in mvncapi.enumerate_devices():\n'
             '    print(mvncapi.Device(handle).get_option(name))\n')
    (tmp_path / 'names.py').write_text(names)
    finished = run(tmp_path, DETECT + """
import subprocess
import sys
open('graph', 'w').write('detector: shapes')
device, _, _ = detect('graph')
subprocess.run([sys.executable, 'names.py'], check=True)
device.close()
subprocess.run([sys.executable, 'names.py'], check=True)
""", options=['--sticks', '2'])
    assert finished.stdout.splitlines() == ['1.1-', '1.2-ma2450', '1.1-ma2450', '1.2-ma2450'], (
        finished.stderr)


def test_the_program_is_started_as_always(tmp_path):
    # What is there may be what makes this package importable, as in `colcon test`.
    modules = os.pathsep.join(filter(None, ['/of/the/user', os.environ.get('PYTHONPATH')]))
    finished = run(tmp_path, """
import os
import sys
print(__name__, sys.argv, sys.path[0], os.environ['PYTHONPATH'])
print(os.environ.get('LD_LIBRARY_PATH'))
sys.exit(7)
""", '-mod', '1', '--sticks', '9', '--', options=['--stand-in', 'shapes'],
                   environment={'PYTHONPATH': modules})
    assert finished.returncode == 7
    first, libraries = finished.stdout.splitlines()
    # Which of two copies of this package, source or installed, the runner is, is not said.
    begin, found, end = first.partition('ncs_cluster_detector/simulation/in_place_of_sdk')
    assert begin.startswith(
        f"__main__ ['program.py', '-mod', '1', '--sticks', '9', '--'] {tmp_path} /")
    assert found and end == os.pathsep + modules
    assert libraries == str(os.environ.get('LD_LIBRARY_PATH'))
    assert finished.stderr == ''


def test_signals_reach_the_program_itself(tmp_path):
    (tmp_path / 'program.py').write_text("""
import signal
import sys
import time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print('ready', flush=True)
while True:   # pause() would miss a signal that comes just before it
    time.sleep(0.05)
""")
    with subprocess.Popen([*RUNNER, 'program.py'], cwd=tmp_path,
                          stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b'ready\n'
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT_SEC) == 5


def test_a_child_that_outlives_its_program_keeps_the_sticks(tmp_path):
    finished = run(tmp_path, """
import os
from mvnc import mvncapi
ended, program_ends = os.pipe()
if not os.fork():
    os.close(program_ends)
    os.read(ended, 1)
    print(len(mvncapi.enumerate_devices()), 'sticks')
""", options=['--sticks', '3'])
    assert finished.stdout == '3 sticks\n', finished.stderr


def test_a_star_import_brings_what_the_vendors_brings(tmp_path):
    finished = run(tmp_path, """
from mvnc.mvncapi import *
print(len(enumerate_devices()), c_void_p.__name__, numpy.__name__, FifoType.HOST_WO.value)
""", options=['--sticks', '2'])
    assert finished.stdout == '2 c_void_p numpy 1\n', finished.stderr


@pytest.mark.parametrize('options, outcome', [
    ([], None), (['--stand-in', 'shapes'], [1, 15])])
def test_a_compiled_graph_needs_a_stand_in(tmp_path, options, outcome):
    (tmp_path / 'graph').write_bytes(COMPILED)
    finished = run(tmp_path, DETECT + """
try:
    _, _, found = detect('graph')
    print(found[0], found[8])
except Exception as error:
    print(error.args)
""", options=options)
    if outcome is None:
        assert finished.stdout == '(<Status.UNSUPPORTED_GRAPH_FILE: -10>,)\n'
        (line,) = finished.stderr.splitlines()
        assert 'compiled' in line and '--stand-in people' in line
    else:
        assert finished.stdout.split() == [str(value) for value in outcome], finished.stderr
        assert finished.stderr == ''


def test_the_sticks_are_as_the_options_say(tmp_path):
    (tmp_path / 'graph').write_text('detector: shapes\n')
    finished = run(tmp_path, DETECT + """
import time
device, _, _ = detect('graph')
print(len(mvncapi.enumerate_devices()))
print(device.get_option(mvncapi.DeviceOption.RO_THERMAL_STATS)[0])
""", options=['--sticks', '4', '--ambient-celsius', '21', '--rise-celsius', '0'])
    assert finished.stdout.splitlines() == ['4', '21.0'], finished.stderr


def test_what_a_killed_process_leaves_is_as_the_option_says(tmp_path):
    (tmp_path / 'graph').write_text('detector: shapes\n')
    finished = run(tmp_path, DETECT + """
import os
import subprocess
import sys
if len(sys.argv) > 1:
    device = mvncapi.Device(mvncapi.enumerate_devices()[0])
    device.open()
    graph = mvncapi.Graph('graph')
    fifos = graph.allocate_with_fifos(device, b'detector: shapes')
    graph.queue_inference_with_fifo_elem(*fifos, numpy.zeros((300, 300, 3), numpy.float32), None)
    os._exit(0)
subprocess.run([sys.executable, __file__, 'leave'], check=True)
mvncapi.enumerate_devices()
""", options=['--leftovers', 'abort', '--inference-ms', '60000'])
    assert finished.returncode == -signal.SIGABRT, finished.stderr


def test_without_a_program_the_usage_is_printed():
    finished = subprocess.run(RUNNER, capture_output=True, text=True, timeout=LIMIT_SEC)
    assert finished.returncode == 2
    for part in ('usage: python -m ncs_cluster_detector.simulation', '--usb-mb-per-sec',
                 "printf 'detector: people\\n' > graph"):
        assert part in finished.stderr


@pytest.mark.parametrize('words, parts', [
    (['missing.py'], ['missing.py', 'no such file']),
    (['--sticks', '65', __file__], ['sticks=65', '0 to 64']),
    (['--leftovers', 'some', __file__], ['leftovers=', 'none, abort, hang']),
    (['--time-constant-sec', '0', __file__], ['time_constant_sec=0', 'more than 0']),
    (['--hub-rise-celsius', '-1', __file__], ['hub_rise_celsius=-1', '0 or more']),
    (['--stand-in', 'cats', __file__], ['cats', 'people, faces, shapes'])])
def test_a_wrong_command_line_is_refused_in_one_line(words, parts):
    finished = subprocess.run([*RUNNER, *words], capture_output=True, text=True, timeout=LIMIT_SEC)
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert all(part in line for part in parts), line


def test_the_module_finds_a_package_that_is_not_installed(tmp_path):
    # A folder of the package's name beside the program, such as a checkout of it, is another.
    (tmp_path / 'ncs_cluster_detector').mkdir()
    program = (f'import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(MODULES)!r}]; import mvnc; '
               'import ncs_cluster_detector; print(ncs_cluster_detector.__path__[0])')
    finished = subprocess.run([sys.executable, '-I', '-S', '-c', program], capture_output=True,
                              text=True, timeout=LIMIT_SEC)
    assert finished.stdout.strip() == str(MODULES.parents[1]), finished.stderr
