# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Start-up errors of the nodes, without the half second that a process of their own takes."""

import gc
import os
import signal

from ncs_cluster_detector.camera_node import node as camera_node
from ncs_cluster_detector.detector_node import node as detector_node
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.ros import run_node
from ncs_cluster_detector.stick_server import node as stick_server

MAINS = {'camera_node': camera_node.main, 'detector_node': detector_node.main,
         'stick_server': stick_server.main}


def start_refused(monkeypatch, capfd, executable, words):
    """
    Run the main function of a node that must refuse to start; return what it printed.

    Everything after the imports is as in a process: from the command line to the exit code.

    :param words: what follows ``--ros-args``; bytes are decoded as Python does for sys.argv.
    """
    # It concerns the whole process, and this one lives on.
    monkeypatch.setattr(run_node, 'keep_freed_memory', lambda: None)
    handlers = {number: signal.getsignal(number) for number in stop_signals()}
    capfd.readouterr()
    try:
        code = MAINS[executable](['--ros-args', *map(os.fsdecode, words)])
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        gc.collect()   # the node that was begun, before its context is needed again
    printed = capfd.readouterr()
    assert code == 2, printed.out + printed.err
    return printed.out + printed.err
