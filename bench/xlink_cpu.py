# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures what a detection costs a worker with the drivers mvnc and xlink, and how long it takes.

``NCSDK_LIBRARY=/path/to/libmvnc.so NCSDK_MVNCAPI=/path/to/mvnc/mvncapi.py .venv/bin/python
bench/xlink_cpu.py`` runs two detector nodes at once, one on the vendor's library and its binding
and one on the driver xlink, each with sticks on a fake USB bus of its own, on this machine only.
Both get the same images, so what else the machine does meets both. Prints one table; the CPU time
is in ms an inference, that of the node is without its workers.
"""

from collections.abc import Iterator
import contextlib
import importlib.util
import os
from pathlib import Path
import statistics
import sys
import tempfile
import time
from typing import Any

from camera_cpu import clean_shared_memory
from camera_cpu import ROOT
from camera_cpu import run_environment

sys.path[:0] = [str(ROOT), *(str(ROOT / 'test' / folder)
                             for folder in ('', 'helpers', 'vendor_library'))]

from fake_usb.client import compiler  # noqa: E402, I100
from fake_usb.client import FakeBus  # noqa: E402

LIBRARY, BINDING = 'NCSDK_LIBRARY', 'NCSDK_MVNCAPI'
DRIVERS = ('mvnc', 'xlink')
# Ports of sticks, images a second, inferences on a stick at once.
SCENES = (('1.1', 15, 1), ('1.1', 15, 2), ('1.1,1.2,1.3', 30, 1), ('1.1,1.2,1.3', 30, 2))
ROUNDS, SECONDS, SETTLING_SEC, START_SEC = 3, 20.0, 2.0, 30.0
COMPUTE_SEC = 0.05


def missing() -> list[str]:
    """Return what this bench needs and does not find."""
    needs = [] if compiler() else ['a C compiler (cc, gcc or clang)']
    for name, example in ((LIBRARY, 'libmvnc.so'), (BINDING, 'mvnc/mvncapi.py')):
        path = os.environ.get(name)
        if path and not Path(path).is_file():
            needs.append(f'{name}={path} is no file, expected .../{example}')
        elif not path and (name == LIBRARY or importlib.util.find_spec('mvnc') is None):
            needs.append(f'{name}=/path/to/{example} of NCSDK 2')
    return needs


class Side:
    """A node with one driver, and its bus."""

    def __init__(self, driver: str, bus: FakeBus, node: Any) -> None:
        """Begin before the first measurement; ``node`` is a VendorNode."""
        self.driver = driver
        self._bus = bus
        self._node = node

    def wait(self) -> None:
        """Wait until all sticks run."""
        self._node.wait_for_running(*self._bus.sticks(), timeout=START_SEC)

    def used(self) -> tuple[float, float, int]:
        """Return the CPU seconds of all workers and of the node, and the inferences."""
        sticks = self._bus.sticks()
        workers = sum(cpu_sec(self._node.status(port).pid) for port in sticks)
        return (workers, cpu_sec(self._node.process.pid),
                sum(stick.inferences for stick in sticks.values()))

    def latencies_ms(self, since: float) -> list[float]:
        """Return how late the results since a moment were; fail if one is of another image."""
        found = [result for result in self._node.results if result.at > since]
        assert found and all(result.is_of_its_frame for result in found)
        return [1000 * result.latency_sec for result in found]


def cpu_sec(pid: int) -> float:
    """Return the CPU time of a process's threads in seconds; psutil's has steps of 10 ms."""
    return sum(int((thread / 'schedstat').read_text().split()[0])
               for thread in Path(f'/proc/{pid}/task').iterdir()) / 1e9


@contextlib.contextmanager
def running(folder: Path, ports: str, rate: int, inflight: int) -> Iterator[list[Side]]:
    """Start both sides."""
    from vendor_ear import Ear   # after the environment of ROS is settled
    from vendor_node import VendorNode
    with contextlib.ExitStack() as stack:
        ear = Ear(rate)
        stack.callback(ear.close)
        sides = []
        for driver in DRIVERS:
            bus = stack.enter_context(
                FakeBus('--ports', ports, '--compute', str(COMPUTE_SEC)))
            parameters = {'driver': driver, 'inflight_per_stick': inflight,
                          'graph_paths': f"['{folder / 'dummy.graph'}']"}
            if driver == 'xlink':
                parameters['firmware'] = str(folder / 'mvnc')
            node = VendorNode(ear, driver, parameters, environment_of(folder, bus))
            stack.callback(node.end)
            sides.append(Side(driver, bus, node))
        for side in sides:
            side.wait()
        time.sleep(SETTLING_SEC)
        yield sides


def environment_of(folder: Path, bus: FakeBus) -> dict[str, str]:
    """Return the variables with which a node finds the library, its binding and a bus."""
    binding = [str(Path(path).resolve().parents[1])
               for path in [os.environ.get(BINDING)] if path]
    folders = {'LD_LIBRARY_PATH': [str(folder)], 'PYTHONPATH': [str(ROOT), *binding]}
    return {**bus.environment, **{
        name: os.pathsep.join(filter(None, [*first, os.environ.get(name)]))
        for name, first in folders.items()}}


def measured(sides: list[Side]) -> dict[str, tuple[float, ...]]:
    """Return CPU ms an inference of worker and node, and latencies in ms, by driver."""
    since, before = time.monotonic(), [side.used() for side in sides]
    time.sleep(SECONDS)
    rows = {}
    for side, first, last in zip(sides, before, [side.used() for side in sides]):
        worker, node, inferences = (end - begin for begin, end in zip(first, last))
        late = side.latencies_ms(since)
        rows[side.driver] = (1000 * worker / inferences, 1000 * node / inferences,
                             statistics.median(late), statistics.quantiles(late, n=20)[-1])
    return rows


def main() -> int:
    """Measure all scenes, and print the table of medians; return an exit code."""
    if needs := missing():
        print(f'bench/xlink_cpu.py: it needs {"; ".join(needs)}', file=sys.stderr)
        return 2
    environment = run_environment.loopback_environment(
        os.environ, run_environment.claim_domain(os.getpid()))
    os.environ.update(environment)
    from vendor_bus import install_library
    with clean_shared_memory(), tempfile.TemporaryDirectory() as folder_name:
        folder = install_library(Path(folder_name))
        print('sticks  images/s  inflight  driver  worker ms  node ms  latency p50  p95')
        for ports, rate, inflight in SCENES:
            with running(folder, ports, rate, inflight) as sides:
                rounds = [measured(sides) for _ in range(ROUNDS)]
            for driver in DRIVERS:
                worker, node, half, most = (
                    statistics.median(values) for values in zip(*(one[driver] for one in rounds)))
                print(f'{ports.count(",") + 1:6}{rate:10}{inflight:10}  {driver:6}{worker:11.3f}'
                      f'{node:9.3f}{half:13.1f}{most:5.0f}', flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
