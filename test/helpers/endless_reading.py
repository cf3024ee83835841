# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A program that reads a network with an OpenVINO that never answers, for tests of its end."""

import signal
import sys

from ncs_cluster_detector.sticks.openvino import inspection

INTERRUPTED = 42   # exit code
# The process that reads writes its number beside the network's file.
PROGRAM = """
import os, threading
from ncs_cluster_detector.sticks.openvino import inspection_main
def wait():
    with open(sys.argv[1] + '.pid', 'w') as file:
        file.write(f'{os.getpid()} ')
    threading.Event().wait()
inspection_main.import_openvino = wait
inspection_main.main(1, *sys.argv[1:])
"""


def main():
    """Read the network that the command line names, as a node that starts."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    inspection._PROGRAM = PROGRAM
    try:
        inspection.read_network(sys.argv[1])
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == '__main__':
    main()
