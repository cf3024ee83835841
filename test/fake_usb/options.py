# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The command line of the server: what the bus holds, and what is not known of real firmware."""

import argparse
from dataclasses import dataclass
import os
from pathlib import Path
from typing import Sequence


@dataclass(frozen=True)
class Options:
    """What holds for all sticks while the server runs; see :func:`parse` for each."""

    folder: Path
    ports: tuple[str, ...]
    compute_sec: float
    boot_sec: float
    reset_sec: float
    reset_lag_sec: float
    bus_rate: float
    shared_wire: bool
    partial: str
    stale: str
    overflow: str
    trace: bool
    record: Path | None


def parse(arguments: Sequence[str], words: str) -> Options:
    """Return the options; ``words`` describes the control words for ``--help``."""
    parser = argparse.ArgumentParser(
        prog='fake_usb', formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Play Neural Compute Sticks for programs that use fake_libusb.c.',
        epilog=words)
    parser.add_argument('--ports', default='1.1,1.2,1.3', help='where sticks are at the start')
    parser.add_argument('--dir', default=os.environ.get('FAKEUSB_DIR', '.'),
                        help='folder for bus.sock, ctl.sock, pid and sticks.log')
    parser.add_argument('--compute', type=float, default=0.1, help='seconds of an inference')
    parser.add_argument('--boot', type=float, default=0.8, help='seconds from ROM to firmware')
    parser.add_argument('--reset', type=float, default=0.7, help='seconds from firmware to ROM')
    parser.add_argument('--reset-lag', type=float, default=0.05,
                        help='seconds until a stick that was told to reset leaves the bus')
    parser.add_argument('--bus-rate', type=float, default=35e6, help='bytes a second to a stick')
    parser.add_argument('--shared-wire', action='store_true', help='all sticks share that rate')
    parser.add_argument('--partial', choices=('timeout', 'swallow'), default='timeout',
                        help='a tensor broken off by a kill ends after 2 s, or takes what follows')
    parser.add_argument('--stale', choices=('keep', 'flush'), default='keep',
                        help='what a stick had for a killed process reaches the next, or is lost')
    parser.add_argument('--overflow', choices=('drop', 'resend'), default='drop',
                        help='a packet too long for the request is lost, or is sent again')
    parser.add_argument('--trace', action='store_true', help='log every XLink event')
    parser.add_argument('--record', type=Path, metavar='FILE',
                        help='write all that hosts and sticks say to each other: see recorder.py')
    given = parser.parse_args(arguments)
    return Options(
        folder=Path(given.dir), ports=tuple(given.ports.split(',')), compute_sec=given.compute,
        boot_sec=given.boot, reset_sec=given.reset, reset_lag_sec=given.reset_lag,
        bus_rate=given.bus_rate, shared_wire=given.shared_wire, partial=given.partial,
        stale=given.stale, overflow=given.overflow, trace=given.trace,
        record=given.record)
