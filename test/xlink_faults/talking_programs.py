# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Programs that use sticks until they are killed: for each line with a port, one is started."""

import os
from pathlib import Path
import signal
import sys
import time

HELPERS = Path(__file__).resolve().parents[1] / 'helpers'
# Large enough that a kill breaks off a transfer.
GRAPH = b'a graph'.ljust(3_000_000, b'\0')


def talk(backend, port, firmware):
    """Hold conversations with a stick for ever."""
    from stick_trials import Conversation
    while True:
        held = Conversation(backend, port, firmware, graph=GRAPH).hold()
        if held.error or held.wrong:   # it may not be back yet from the last conversation
            time.sleep(0.02)


def main():
    """Start a program for each line by a fork, so that it loads nothing; print its pid."""
    from ncs_cluster_detector.sticks.usb_bus import load_backend
    import stick_trials  # noqa: F401 - so that the programs have it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    backend = load_backend()
    print('ready', flush=True)
    for line in sys.stdin:
        pid = os.fork()
        if not pid:
            talk(backend, line.strip(), sys.argv[1])
        print(pid, flush=True)


if __name__ == '__main__':
    sys.path.insert(0, str(HELPERS))
    sys.path.insert(0, str(HELPERS.parent))
    main()
