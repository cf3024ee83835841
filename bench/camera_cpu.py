# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures the CPU time of the camera node, against the smallest program that publishes a video.

``.venv/bin/python bench/camera_cpu.py`` plays a video at 30 Hz on this machine only: the camera
node without and with a subscriber, and a loop that does no more than a camera driver must: decode
into blue-green-red, one copy into the message, publish. Prints one table; the last column is the
share of the smallest program's.
"""

from collections.abc import Callable
import os
from pathlib import Path
import subprocess
import sys
import tempfile
import time

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'standalone'))

from ncs_cluster_detector.checking import environment as run_environment  # noqa: E402, I100
from ncs_cluster_detector.checking.shared_memory import clean_shared_memory  # noqa: E402
import psutil  # noqa: E402
from runner.nodes import node_command  # noqa: E402

SIZES = ((640, 480), (1280, 720))
FPS, SECONDS, SETTLING_SEC = 30.0, 10.0, 3.0


def smallest(path: str) -> None:
    """Publish a video for ever, as the smallest program."""
    import array
    import cv2
    import rclpy
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import Image
    rclpy.init()
    node = rclpy.create_node('smallest')
    publisher = node.create_publisher(Image, 'image_raw', QoSProfile(depth=1))
    capture, image, due = cv2.VideoCapture(path), None, time.monotonic()
    while True:
        read, image = capture.read(image)
        if not read:
            capture.set(cv2.CAP_PROP_POS_FRAMES, 0)
            continue
        height, width = image.shape[:2]
        data = array.array('B')
        data.frombytes(image.data)
        message = Image(height=height, width=width, encoding='bgr8', step=3 * width, data=data)
        message.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(message)
        due += 1.0 / FPS
        time.sleep(max(0.0, due - time.monotonic()))


def listen() -> None:
    """Print a line when images come, and take them for ever, as the subscriber."""
    import rclpy
    from rclpy.qos import QoSProfile
    from rclpy.qos import ReliabilityPolicy
    from sensor_msgs.msg import Image
    rclpy.init()
    node = rclpy.create_node('listener')
    heard = []

    def take(_):
        if not heard:
            heard.append(print('images come', flush=True))

    node.create_subscription(
        Image, 'image_raw', take, QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    rclpy.spin(node)


def write_video(path: Path, width: int, height: int) -> None:
    """Write two seconds of moving noise and edges."""
    import cv2
    import numpy as np
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), FPS, (width, height))
    noise = cv2.GaussianBlur(
        np.random.default_rng(1).integers(0, 256, (height, width, 3), dtype=np.uint8), (9, 9), 0)
    for shift in range(60):
        writer.write(np.roll(noise, 4 * shift, axis=1))
    writer.release()


def cpu_share(process: subprocess.Popen,
              wait: Callable[[float], None] = time.sleep) -> float:
    """Return the share of one CPU, in percent, that a process uses; ``wait`` lets time pass."""
    wait(SETTLING_SEC)
    used = psutil.Process(process.pid)
    used.cpu_percent()   # counts from here
    wait(SECONDS)
    return used.cpu_percent()


def measure(command: list[str], subscribed: bool, environment: dict[str, str]) -> float:
    """Return the CPU share of a publisher, with or without a subscriber."""
    started = [subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)]
    try:
        if subscribed:
            started.append(subprocess.Popen(
                [sys.executable, __file__, 'listen'], env=environment, stdout=subprocess.PIPE))
            if not started[1].stdout.readline():
                raise RuntimeError('the subscriber ended before an image came')
        return cpu_share(started[0])
    finally:
        for process in started:
            process.kill()
            process.wait()


def main() -> None:
    """Measure every size, and print the table."""
    environment = run_environment.loopback_environment(
        os.environ, run_environment.claim_domain(os.getpid()))
    with clean_shared_memory(), tempfile.TemporaryDirectory() as folder:
        for width, height in SIZES:
            path = Path(folder) / f'{width}.avi'
            write_video(path, width, height)
            node = node_command('camera', {'source': 'video', 'device': str(path)})
            shares = {
                'smallest program': measure(
                    [sys.executable, __file__, 'smallest', str(path)], True, environment),
                'camera_node': measure(node, True, environment),
                'camera_node, nobody subscribes': measure(node, False, environment)}
            for name, share in shares.items():
                print(f'{width}x{height}  {name:32}{share:6.1f} %'
                      f'{share / shares["smallest program"]:7.2f}')


if __name__ == '__main__':
    PARTS = {'smallest': smallest, 'listen': listen}
    PARTS[sys.argv[1]](*sys.argv[2:]) if len(sys.argv) > 1 else main()
