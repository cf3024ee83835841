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

import contextlib
import os
import subprocess
import time

from camera_cpu import clean_shared_memory
from camera_cpu import cpu_share
from camera_cpu import node_command
from camera_cpu import run_environment
from camera_cpu import SECONDS
from camera_cpu import SETTLING_SEC

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
        from sensor_msgs.msg import CompressedImage
        from sensor_msgs.msg import Image
        self._rclpy = rclpy
        self._node = rclpy.create_node('subscriber')
        self.count = 0
        message_type = CompressedImage if topic.endswith('compressed') else Image
        self._node.create_subscription(message_type, topic, self._take, 1)
        deadline = time.monotonic() + DEADLINE_SEC
        while not self.count:
            if time.monotonic() > deadline:
                raise RuntimeError(f'nothing came on {topic} within {DEADLINE_SEC:g} s')
            self.listen(0.1)

    def close(self) -> None:
        self._node.destroy_node()

    def listen(self, seconds: float) -> None:
        """Take messages for this time in seconds."""
        end = time.monotonic() + seconds
        while (left_sec := end - time.monotonic()) > 0.0:
            self._rclpy.spin_once(self._node, timeout_sec=left_sec)

    def _take(self, _):
        self.count += 1


def measured(detector: subprocess.Popen, topic: str | None) -> tuple[float, float]:
    """Return the CPU share in percent, and frames a second if there is a topic."""
    if topic is None:
        return cpu_share(detector), 0.0
    with contextlib.closing(Subscriber(topic)) as subscriber:
        before = subscriber.count
        share = cpu_share(detector, subscriber.listen)
        return share, (subscriber.count - before) / (SETTLING_SEC + SECONDS)


def nodes(width: int, height: int, environment: dict[str, str]) -> list[subprocess.Popen]:
    """Start camera and detector; return both processes, the detector last."""
    commands = (
        node_command('camera', {
            'source': 'test_pattern', 'width': width, 'height': height, 'fps': FPS}),
        node_command('detector', {'driver': 'simulated', 'simulated.sticks': 4}))
    return [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
            for command in commands]


def main() -> None:
    """Measure every size, and print the table."""
    environment = run_environment.loopback_environment(
        os.environ, run_environment.claim_domain(os.getpid()))
    os.environ.update(environment)
    import rclpy
    with clean_shared_memory(), contextlib.ExitStack() as stack:
        rclpy.init()
        stack.callback(rclpy.shutdown)
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


if __name__ == '__main__':
    main()
