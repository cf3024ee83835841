# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Reads a network's file with OpenVINO, in another process.

So the node loads no OpenVINO, which takes 60 MB and starts threads, and lives on when a damaged
file crashes it. It also converts each format but once, and not in each worker.
"""

from collections.abc import Collection
import os
import signal
import subprocess

from ncs_cluster_detector.processes.module_path import python_command
from ncs_cluster_detector.processes.process_start import interruptible
from ncs_cluster_detector.regular_file import LARGEST_GRAPH
from ncs_cluster_detector.regular_file import read_file
from ncs_cluster_detector.sticks.openvino.devices import PROCESSOR
from ncs_cluster_detector.sticks.stick import SdkMissingError

ENDINGS = '.xml', '.onnx', '.tflite', '.pb'
EXPECTED = ('expected a network for OpenVINO: its own format (.xml, with the .bin beside it), '
            'ONNX (.onnx), TensorFlow Lite (.tflite) or a frozen graph of TensorFlow (.pb)')
REFUSED, NO_SDK = 3, 4   # exit codes; an exception that nobody expects gives 1
_PROGRAM = """
import os
answer = os.dup(1)
os.dup2(2, 1)   # for what libraries print
from ncs_cluster_detector.sticks.openvino.inspection_main import main
sys.exit(main(answer, *sys.argv[1:]))
"""
# A network of 600 MB takes some seconds; a damaged file must not hold the node for ever.
_LONGEST_SEC = 120.0


def read_network(name: str, devices: Collection[str] = (PROCESSOR,)) -> bytes:
    """
    Return the network in a file, as :mod:`network_file` packs it.

    It is compiled for the processor once, not in each worker: that takes longer than all the rest
    (SSDLite: 1.3 s, and 0.1 s to load what is compiled), and a reserve must be quick.

    :param name: path of the file; ``~`` is expanded.
    :param devices: those that are to run it, by OpenVINO's names.
    :raises OSError: it cannot be read.
    :raises ValueError: OpenVINO cannot read it, or it is no detector.
    :raises SdkMissingError: OpenVINO is not installed, or cannot be loaded.
    """
    path = os.path.expanduser(name)
    check_ending(path)
    content = read_file(path, LARGEST_GRAPH)   # the reason of the system is known here
    if not content:
        raise ValueError(f'the file is empty; {EXPECTED}')
    ended = _run(path, devices)
    text = ended.stdout.decode(errors='replace') if ended.returncode else ''
    if ended.returncode == 0:
        return ended.stdout
    if ended.returncode == REFUSED:
        raise ValueError(text)
    if ended.returncode == NO_SDK:
        raise SdkMissingError(text)
    if ended.returncode < 0:
        name_of_signal = signal.Signals(-ended.returncode).name
        raise ValueError(f'reading it, OpenVINO was ended by {name_of_signal}: the memory is '
                         'short, or it is damaged; take a smaller one, or export it again')
    raise RuntimeError(ended.stderr.decode(errors='replace').strip().rpartition('\n')[2])


def _run(path: str, devices: Collection[str]) -> 'subprocess.CompletedProcess[bytes]':
    """
    Run the process that reads the network; its output is the answer.

    Ctrl-C in a terminal is for the node, which ends that process: then KeyboardInterrupt is
    raised. If the node is killed, that process ends by itself: its input has an end then.
    """
    alive, held = os.pipe()
    try:
        with interruptible():
            return subprocess.run(
                [*python_command(_PROGRAM), path, *{*devices}], stdin=alive, capture_output=True,
                timeout=_LONGEST_SEC, start_new_session=True)
    except subprocess.TimeoutExpired:
        raise ValueError(f'reading it takes OpenVINO more than {_LONGEST_SEC:g} s; take a '
                         'smaller network') from None
    finally:
        os.close(alive)
        os.close(held)


def check_ending(path: str) -> None:
    """Raise ValueError if the name of a file says that it is of no format that is read."""
    if path.endswith(ENDINGS):
        return
    if path.endswith('.bin') and os.path.exists(f'{path[:-4]}.xml'):
        raise ValueError(f'these are the weights only; name {path[:-4]}.xml')
    if path.endswith(('.pt', '.pth')):
        raise ValueError(f'a file of PyTorch; {EXPECTED}; export it, such as with '
                         f'yolo export model={os.path.basename(path)} format=onnx')
    raise ValueError(f'its name has another ending; {EXPECTED}')
