# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Run a program that was written for the vendor's SDK on real sticks, unchanged, without the SDK.

The program replaces this process, so its exit code, signals and child processes work as usual.
"""

import argparse
from collections.abc import Sequence
import os
from pathlib import Path
import sys

from ncs_cluster_detector.mvnc.script import check_script
from ncs_cluster_detector.mvnc.script import run_script
from ncs_cluster_detector.mvnc.xlink.machine import FIRMWARE_VARIABLE
from ncs_cluster_detector.processes.process_start import ends_with_its_reader
from ncs_cluster_detector.sticks.usb_bus import load_backend
from ncs_cluster_detector.sticks.usb_bus import UsbUnavailableError
from ncs_cluster_detector.sticks.xlink.firmware import file_name
from ncs_cluster_detector.sticks.xlink.firmware import FOLDERS

PROGRAM = 'python -m ncs_cluster_detector.mvnc'
MODULES = Path(__file__).resolve().parent / 'in_place_of_sdk'


@ends_with_its_reader
def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line; return only if it is wrong.

    :return: exit code 2, after the usage or one line about the error on stderr.
    """
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.script is None:
        parser.print_help(sys.stderr)
        return 2
    environment = dict(os.environ)
    try:
        check_script(options.script)
        if options.firmware is not None:
            environment[FIRMWARE_VARIABLE] = _checked_firmware(options.firmware)
        load_backend()
    except (ValueError, UsbUnavailableError) as error:
        print(f'{PROGRAM}: {error}', file=sys.stderr)
        return 2
    run_script(options.script, options.arguments, MODULES, environment)


def _checked_firmware(path: str) -> str:
    """Return the absolute path, because the program may change its folder."""
    if not os.path.exists(path):
        raise ValueError(f'--firmware {path}: no such file; expected {file_name("ma2450")} of '
                         'NCSDK 2, or the folder that has it')
    return os.path.abspath(path)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=PROGRAM, usage=f'{PROGRAM} [--firmware FILE] SCRIPT [ARGUMENTS]', allow_abbrev=False,
        description='Run a Python program that was written for mvnc, the Python module of the '
                    "Neural Compute Stick's SDK (NCSDK 2), on real sticks without the SDK.")
    parser.add_argument('script', nargs='?', metavar='SCRIPT', help='the program, unchanged')
    parser.add_argument('arguments', nargs=argparse.REMAINDER, metavar='ARGUMENTS',
                        help="the program's own")
    parser.add_argument('--firmware', metavar='FILE',
                        help=f'the sticks\' firmware, {file_name("ma2450")} of NCSDK 2, or the '
                             f'folder that has it (default {FOLDERS[0]}, where the SDK puts it)')
    return parser


if __name__ == '__main__':
    sys.exit(main())
