# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Programs for NCSDK 2 on real sticks, which are played by the fake bus."""

import os
from pathlib import Path
import subprocess
import sys

LIMIT_SEC = 60.0
ROOT = Path(__file__).resolve().parents[2]
RUNNER = (sys.executable, '-m', 'ncs_cluster_detector.mvnc')
# What programs have in common: a picture, the colour of a result, and sticks by their names.
COMMON = r"""
import sys, threading, time
import numpy
from mvnc import mvncapi

NAME = mvncapi.DeviceOption.RO_DEVICE_NAME

def devices():
    listed = [mvncapi.Device(handle) for handle in mvncapi.enumerate_devices()]
    return {device.get_option(NAME): device for device in listed}

def load(device, data=bytes(20000), **options):
    graph = mvncapi.Graph('graph')
    return (graph, *graph.allocate_with_fifos(device, data, **options))

def picture(colour):
    return numpy.full((300, 300, 3), colour, numpy.float32)

def told(output):
    # The number of the stick's port, and the colour of its picture, as the fake firmware has them.
    return round(float(output[9]) * 100 - 80), float(output[10]) * 4 - 1

def status_of(call, *arguments):
    try:
        call(*arguments)
    except Exception as error:
        return error.args[0].name
    return 'OK'

def say(*words):
    # In one piece: several processes may say something.
    sys.stdout.write(' '.join(map(str, words)) + '\n')
    sys.stdout.flush()
"""


def write_firmware(folder):
    """Return the path of a firmware file that the fake ROM takes."""
    path = folder / 'firmware.mvcmd'
    path.write_bytes(b'MVCM' + (64).to_bytes(4, 'little') + bytes(56))
    return path


class ProgramBench:
    """Runs programs on a bus."""

    def __init__(self, bus, library, folder):
        """Use a FakeBus, the folder of the fake library, and a folder for programs."""
        self.bus = bus
        self.firmware = write_firmware(folder)
        self._folder = folder
        modules = filter(None, [str(ROOT), os.environ.get('PYTHONPATH')])
        self.environment = {**os.environ, **bus.environment, 'LD_LIBRARY_PATH': str(library),
                            'PYTHONPATH': os.pathsep.join(modules)}
        self._started = []

    def start(self, text, *arguments, options=None, **more):
        """Start a program whose text begins with the common part; its output is piped."""
        program = self._folder / f'program{len(self._started)}.py'
        program.write_text(COMMON + text)
        options = ['--firmware', str(self.firmware)] if options is None else options
        self._started.append(subprocess.Popen(
            [*RUNNER, *options, str(program), *arguments], cwd=self._folder, text=True,
            env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, **more))
        return self._started[-1]

    def run(self, text, *arguments, code=0, **more):
        """Run a program; return the lines that it printed, and those on stderr."""
        process = self.start(text, *arguments, **more)
        output, errors = process.communicate(timeout=LIMIT_SEC)
        assert process.returncode == code, output + errors
        return output.splitlines(), errors.splitlines()

    def close(self):
        """End all programs."""
        for process in self._started:
            process.kill()
            process.communicate()
