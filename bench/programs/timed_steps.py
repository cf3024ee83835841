# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A supervisor on simulated sticks, without ROS, whose steps are timed.

Arguments: number of sticks, frames a second, seconds of a window, number of windows. Prints a line
for each window: the median time of a step by the wall clock in ms, the median of that as a
multiple of the step's CPU time, and the CPU time of the supervisor's thread a detection in ms.
"""

from collections.abc import Callable
import statistics
import sys
import threading
import time

from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks.graphs import read_graph
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.supervisor import Supervisor
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.messages import WorkerConfig
import numpy as np

READY_SEC, SETTLING_SEC = 60.0, 2.0


class Log:
    """A logger that prints only what is wrong."""

    def info(self, text: str) -> None:
        """Print nothing."""

    def warning(self, text: str) -> None:
        """Print a line."""
        print(text, file=sys.stderr)

    error = warning


class TimedSteps:
    """Stands in for the method ``step`` of a supervisor and notes what each took."""

    def __init__(self, step: Callable[..., None]) -> None:
        self._step = step
        self.took = []   # pairs of wall and CPU time in seconds
        self.thread_sec = 0.0

    def __call__(self, *arguments: object) -> None:
        began, cpu_began = time.perf_counter(), time.thread_time()
        self._step(*arguments)
        self.thread_sec = time.thread_time()
        self.took.append((time.perf_counter() - began, self.thread_sec - cpu_began))


def main(sticks: int, fps: float, seconds: float, windows: int) -> None:
    bus = SimulatedBus(BusSpec(sticks=sticks, boot_ms=0.0, inference_ms=20.0, transfer_ms=5.0))
    config = WorkerConfig(SimulatedDriver(bus), (read_graph('shapes'),), (PASCAL_VOC,))
    published = []
    supervisor = Supervisor(
        SupervisorOptions(config), Settings(cluster_size=max(sticks // 2, 1)),
        lambda frame, detections: published.append(frame.sequence), Log())
    supervisor.step = timed = TimedSteps(supervisor.step)
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    stopping = threading.Event()
    camera = threading.Thread(target=film, args=(supervisor, fps, stopping))
    camera.start()
    try:
        deadline = time.monotonic() + READY_SEC
        while [stick.status.state.name for stick in supervisor.snapshot.sticks] != (
                ['RUNNING'] * sticks):
            if time.monotonic() > deadline:
                sys.exit(f'{sticks} sticks did not run within {READY_SEC:g} s')
            time.sleep(0.05)
        time.sleep(SETTLING_SEC)
        for _ in range(windows):
            first, count, cpu_sec = len(timed.took), len(published), timed.thread_sec
            time.sleep(seconds)
            took, detections = timed.took[first:], max(len(published) - count, 1)
            print(1e3 * statistics.median(wall for wall, _ in took),
                  statistics.median(wall / cpu for wall, cpu in took),
                  1e3 * (timed.thread_sec - cpu_sec) / detections, flush=True)
    finally:
        stopping.set()
        camera.join()
        supervisor.stop()
        thread.join()


def film(supervisor: Supervisor, fps: float, stopping: threading.Event) -> None:
    image = np.full((240, 320, 3), 90, dtype=np.uint8)
    image[60:120, 80:160] = (0, 0, 255)
    number, due_at = 0, time.monotonic()
    while not stopping.is_set():
        number, due_at = number + 1, due_at + 1.0 / fps
        supervisor.offer(Frame(number, image, None, time.monotonic()))
        stopping.wait(max(due_at - time.monotonic(), 0.0))


if __name__ == '__main__':
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
