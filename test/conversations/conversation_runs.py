# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Runs the program of the conversations on a fake bus, and returns what was said.

``PYTHONPATH=.:test:test/helpers python -m conversations.conversation_runs`` records anew with the
vendor's library all that is kept in ``recorded/``; NCSDK_LIBRARY and NCSDK_MVNCAPI name its files.
"""

import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile

from conversations.kept_conversations import keep
from conversations.kept_conversations import kept_file
from conversations.kept_conversations import RECORDED
from conversations.normal_form import normal_form
from fake_usb.client import build_library
from fake_usb.client import FakeBus
from vendor_files import BINDING
from vendor_files import install_library

PROGRAM = Path(__file__).with_name('conversation_program.py')
PORT = '1.2'
# What a kept file has: scenarios of the program, one process after the other on one bus.
CONVERSATIONS = {
    'whole_life': ('whole_life',), 'two_graphs': ('two_graphs',), 'forms': ('forms',),
    'one_by_one': ('one_by_one',), 'refused_graph': ('refused_graph',),
    'left_booted': ('killed', 'left_booted')}
SAMPLE = 'refused_graph'    # the one whose record is kept as the bus wrote it, too
BUS = ('--ports', PORT, '--compute', '0.002', '--bus-rate', '1e9')
CELSIUS = 40                # whatever it has done, so that readings can be compared
FIRMWARE_SIZE = 1300        # three transfers, the last one short
PROGRAM_SEC = 100
VENDOR = ('import runpy, sys; from mvnc import mvncapi; '
          'from ncs_cluster_detector.sticks.numpy_compatibility import adapt; adapt(mvncapi); '
          'sys.argv.pop(0); runpy.run_path(sys.argv[0], run_name="__main__")')


def write_firmware(path):
    """Write an invented firmware file that the fake ROM takes."""
    path.write_bytes((b'MVCM' + FIRMWARE_SIZE.to_bytes(4, 'little')).ljust(FIRMWARE_SIZE, b'\7'))


def run(scenarios, command, environment, folder):
    """
    Run scenarios and return the lines of the record and what the program told.

    ``command`` runs a Python program; ``environment`` has the variables that it needs.
    """
    record, told = folder / 'record.jsonl', folder / 'told.jsonl'
    told.write_text('')
    with FakeBus(*BUS, '--record', str(record)) as bus:
        bus.tell(f'all temp {CELSIUS}')
        for scenario in scenarios:
            ended = subprocess.run(
                [*command, str(PROGRAM), scenario, str(told)], timeout=PROGRAM_SEC, text=True,
                env={**os.environ, **environment, **bus.environment}, capture_output=True)
            expected = -9 if scenario == 'killed' else 0
            assert ended.returncode == expected, (
                f'{scenario}: {ended.stdout}{ended.stderr}{bus.log}')
            # The bus notices a little later that the process is gone, or that a stick must reset.
            state = 'booted' if scenario == 'killed' else 'rom'
            print(ended.stderr)   # for a failure
            bus.wait_for(lambda sticks, state=state: (
                sticks[PORT].holder is None and sticks[PORT].state == state))
        for words in ('CRASH', 'ASSERT', 'MISMATCH', 'OVERFLOW', 'unknown'):
            assert words not in bus.log, bus.log
    return ([json.loads(line) for line in record.read_text().splitlines()],
            told.read_text().splitlines())


def vendor_run(scenarios, library_folder, folder):
    """Run scenarios with the vendor's library; see :func:`run`."""
    write_firmware(library_folder / 'mvnc' / 'MvNCAPI-ma2450.mvcmd')
    paths = [str(Path(__file__).resolve().parents[2])]
    if os.environ.get(BINDING):
        paths.insert(0, str(Path(os.environ[BINDING]).resolve().parents[1]))
    return run(scenarios, (sys.executable, '-c', VENDOR), {
        'LD_LIBRARY_PATH': str(library_folder),
        'PYTHONPATH': os.pathsep.join(filter(None, [*paths, os.environ.get('PYTHONPATH')]))},
        folder)


def own_run(scenarios, folder):
    """Run scenarios with ``ncs_cluster_detector.mvnc``; see :func:`run`."""
    library = folder / 'library'
    library.mkdir()
    build_library(library)
    firmware = folder / 'MvNCAPI-ma2450.mvcmd'
    write_firmware(firmware)
    return run(scenarios, (
        sys.executable, '-m', 'ncs_cluster_detector.mvnc', '--firmware', str(firmware)),
        {'LD_LIBRARY_PATH': str(library)}, folder)


def main():
    """Record all conversations with the vendor's library."""
    for name, scenarios in CONVERSATIONS.items():
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / 'library'
            library.mkdir()
            lines, told = vendor_run(scenarios, install_library(library), Path(folder))
        keep(kept_file(name), normal_form(lines), told)
        if name == SAMPLE:
            (RECORDED / f'{name}.jsonl').write_text(
                ''.join(json.dumps(line) + '\n' for line in lines))
        print(f'{kept_file(name).stat().st_size:8} bytes {name}')


if __name__ == '__main__':
    main()
