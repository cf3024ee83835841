# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tries a network in another process, because OpenCV crashes with some damaged files."""

import signal
import subprocess

from ncs_cluster_detector.processes.module_path import python_command

_CRASHES = (signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL)
_REFUSED = 3   # exit code; an exception that nobody expects gives 1
_PROGRAM = f"""
import os
answer = os.dup(1)
os.dup2(2, 1)   # for what OpenCV prints
from ncs_cluster_detector.simulation.networks.loading import load_network
try:
    load_network(sys.stdin.buffer.read()).check_detector()
except ValueError as error:
    os.write(answer, str(error).encode(errors='replace'))
    sys.exit({_REFUSED})
"""
# Much more than any network needs that a host can run in place of a stick.
_LONGEST_SEC = 120.0


def try_apart(graph: bytes) -> None:
    """
    Load a network, compute once and check its output, in another process.

    :param graph: the bytes of a graph file that OpenCV reads.
    :raises ValueError: it is refused, crashes OpenCV, or takes too long.
    """
    try:
        ended = subprocess.run(
            python_command(_PROGRAM), input=graph, capture_output=True, timeout=_LONGEST_SEC)
    except subprocess.TimeoutExpired:
        raise ValueError(f'computing once takes more than {_LONGEST_SEC:g} s; take a smaller '
                         'network') from None
    if ended.returncode == _REFUSED:
        raise ValueError(ended.stdout.decode(errors='replace'))
    if -ended.returncode in _CRASHES:
        import cv2   # late, as a node that only has good networks never needs it
        raise ValueError(
            f'OpenCV {cv2.__version__} crashes with it '
            f'({signal.Signals(-ended.returncode).name}), so it is damaged or of layers that '
            'OpenCV does not know; export or copy it again')
    if ended.returncode > 0:
        raise RuntimeError(ended.stderr.decode(errors='replace').strip().rpartition('\n')[2])
    # Any other signal, such as that of Ctrl-C, is meant for this process, too.
