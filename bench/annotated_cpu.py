# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures what a subscriber of the annotated picture costs the detector node, in CPU time a frame.

``.venv/bin/python bench/annotated_cpu.py`` runs camera and detector on the synthetic street and on
simulated sticks, on this machine only, and takes the node's CPU time (its workers are processes of
their own) without and with a subscriber by turns. Prints one table.
"""

import os
from pathlib import Path
import subprocess
import sys
import threading
import time

from camera_cpu import cpu_share
from camera_cpu import run_environment

SIZES = ((320, 240), (640, 480), (1280, 720), (1920, 1080))
TOPICS = ('annotated_image', 'annotated_image/compressed')
ROUNDS = 3
FPS = 20.0
DEADLINE_SEC = 30.0


class Subscriber:
    """A subscriber in this process that counts messages."""

    def __init__(self, topic: str) -> None:
        """Subscribe, and wait for the first message."""
        import rclpy
        from rclpy.executors import SingleThreadedExecutor
        from sensor_msgs.msg import CompressedImage
        from sensor_msgs.msg import Image
        self._node = rclpy.create_node('subscriber')
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self.count = 0
        self._came = threading.Event()
        self._stopping = False
        message_type = CompressedImage if topic.endswith('compressed') else Image
        self._node.create_subscription(message_type, topic, self._take, 1)
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()
        if not self._came.wait(DEADLINE_SEC):
            raise RuntimeError(f'nothing came on {topic} within {DEADLINE_SEC:g} s')

    def close(self) -> None:
        self._stopping = True
        self._executor.wake()
        self._thread.join()
        self._node.destroy_node()

    def _take(self, _):
        self.count += 1
        self._came.set()

    def _spin(self):
        while not self._stopping:
            self._executor.spin_once(timeout_sec=0.5)


def measured(detector: subprocess.Popen, topic: str | None) -> tuple[float, float]:
    """Return the CPU share in percent, and frames a second if there is a topic."""
    if topic is None:
        return cpu_share(detector), 0.0
    subscriber = Subscriber(topic)
    before, start = subscriber.count, time.monotonic()
    share = cpu_share(detector)
    fps = (subscriber.count - before) / (time.monotonic() - start)
    subscriber.close()
    return share, fps


def nodes(width: int, height: int, environment: dict[str, str]) -> list[subprocess.Popen]:
    """Start camera and detector; return both processes, the detector last."""
    folder = Path(sys.executable).parent
    commands = (
        ('camera_node', 'source:=test_pattern', f'width:={width}', f'height:={height}',
         f'fps:={FPS}'),
        ('detector_node', 'driver:=simulated', 'simulated.sticks:=4'))
    return [subprocess.Popen(
        [str(folder / name), '--ros-args', *(word for value in values for word in ('-p', value))],
        env=environment, stderr=subprocess.DEVNULL) for name, *values in commands]


def main() -> None:
    """Measure every size, and print the table."""
    environment = run_environment.loopback_environment(
        os.environ, run_environment.free_domain(os.getpid()))
    os.environ.update(environment)
    import rclpy
    rclpy.init()
    shared_memory_before = run_environment.shared_memory_names()
    try:
        for width, height in SIZES:
            started = nodes(width, height, environment)
            try:
                shares = {topic: [] for topic in (None, *TOPICS)}
                Subscriber('annotated_image').close()   # from here on there are detections
                for _ in range(ROUNDS):
                    for topic, found in shares.items():
                        found.append(measured(started[-1], topic))
            finally:
                for process in started:
                    process.terminate()
                    process.wait()
            alone = min(share for share, _ in shares[None])
            print(f'{width}x{height}  nobody subscribes: {alone:.1f} % CPU')
            for topic in TOPICS:
                costs = ', '.join(f'{10 * (share - alone) / fps:.2f}'
                                  for share, fps in shares[topic])
                print(f'    {topic}: {costs} ms a frame, at {shares[topic][0][1]:.1f}/s')
    finally:
        rclpy.shutdown()
        run_environment.remove_dead_shared_memory(shared_memory_before)


if __name__ == '__main__':
    main()
