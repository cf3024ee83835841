# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures how several cameras share the sticks of one detector node, and what that costs.

``.venv/bin/python bench/shared_sticks.py`` publishes made-up images of each camera to a detector
node on simulated sticks, on this machine only, and prints for each scene the detections a second
of each camera (the least and the most in any 10 s), the latency from stamp to detection, and the
CPU time of the node a detection. The numbers of scenes as arguments choose some of them.
"""

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
import os
import signal
import subprocess
import sys
import threading
import time
from typing import Any
from typing import NamedTuple

from camera_cpu import clean_shared_memory
from camera_cpu import node_command
from camera_cpu import run_environment
import psutil

WINDOW_SEC = 10.0
WARM_SEC, SECONDS = 6.0, 25.0
DEADLINE_SEC = 60.0


class Scene(NamedTuple):
    """What to measure: the rate of each camera, by name, the images, the node's parameters."""

    title: str
    rates: dict[str, float]
    parameters: dict[str, Any] = {}
    size: tuple[int, int] = (640, 480)


THREE = {'front': 30.0, 'rear': 30.0, 'left': 30.0}
EIGHT = {f'camera{number}': 15.0 for number in range(8)}
MANY_STICKS = {'simulated.sticks': 16, 'cluster_size': 0}
HALF_OF_MANY = {'simulated.sticks': 16, 'cluster_size': 8}
SCENES = (
    Scene('three cameras at 30 a second', THREE),
    Scene('weights 2, 1, 1', THREE, {'camera_weights': [2.0, 1.0, 1.0]}),
    Scene('weights 2, 1', {'front': 30.0, 'rear': 30.0}, {'camera_weights': [2.0, 1.0]}),
    Scene('one at 2 a second beside two at 30', {'front': 30.0, 'rear': 30.0, 'slow': 2.0}),
    Scene('the same, one frame a stick', {'front': 30.0, 'rear': 30.0, 'slow': 2.0},
          {'inflight_per_stick': 1}),
    Scene('a change of the cluster every second', THREE,
          {'cluster_switch_cycle_ms': 2000, 'min_dwell_ms': 1000}),
    Scene('eight cameras at 15 a second, 16 sticks', EIGHT, MANY_STICKS),
    Scene('one camera at 120 a second, 16 sticks', {'': 120.0}, MANY_STICKS),
    Scene('eight cameras at 30 a second, 8 of 16 sticks', dict.fromkeys(EIGHT, 30.0),
          HALF_OF_MANY, (320, 240)),
    Scene('one camera at 240 a second, 8 of 16 sticks', {'': 240.0}, HALF_OF_MANY, (320, 240)),
    Scene('JPEG of 1280x720 at 30 a second, one stick', {'': 30.0},
          {'simulated.sticks': 1, 'cluster_size': 0, 'image_transport': 'compressed'},
          (1280, 720)))


class Camera:
    """Publishes the images of one camera at its rate, and keeps when detections came."""

    def __init__(self, node: Any, name: str, fps: float, message: Any) -> None:
        """Publish and subscribe below the name."""
        from vision_msgs.msg import Detection2DArray
        prefix = f'{name}/' if name else ''
        topic = 'image_raw/compressed' if hasattr(message, 'format') else 'image_raw'
        self.found: list[tuple[float, float]] = []   # when one came, and how long it took
        self._message, self._period_sec = message, 1.0 / fps
        self._publisher = node.create_publisher(type(message), prefix + topic, 1)
        node.create_subscription(Detection2DArray, f'{prefix}detections', self._take, 50)

    def film(self, stopping: threading.Event, delay_sec: float) -> None:
        """Publish until ``stopping`` is set."""
        due_at = time.monotonic() + delay_sec
        while not stopping.wait(max(due_at - time.monotonic(), 0.0)):
            stamp = self._message.header.stamp
            stamp.sec, stamp.nanosec = divmod(time.time_ns(), 10**9)
            self._publisher.publish(self._message)
            due_at += self._period_sec

    def figures(self, begin: float, end: float) -> str:
        """Return rates and latencies between two times, in words."""
        times = [came_at for came_at, _ in self.found if begin <= came_at < end]
        took = sorted(1000 * sec for came_at, sec in self.found if begin <= came_at < end)
        if not took:
            return 'no detection'
        starts = [begin + 0.5 * step for step in range(int(2 * (end - begin - WINDOW_SEC)) + 1)]
        windows = [sum(start <= moment < start + WINDOW_SEC for moment in times) / WINDOW_SEC
                   for start in starts]
        return (f'{len(times) / (end - begin):6.2f} a second ({min(windows):.2f} to '
                f'{max(windows):.2f}), latency p50 {took[len(took) // 2]:.0f} ms, p95 '
                f'{took[int(0.95 * len(took))]:.0f} ms, longest {took[-1]:.0f} ms')

    def _take(self, message):
        now = time.time()
        stamp = message.header.stamp
        self.found.append((now, now - stamp.sec - stamp.nanosec / 1e9))


def image_of(size: tuple[int, int], is_compressed: bool) -> Any:
    """Return a message with a picture that has some detail."""
    import cv2
    import numpy as np
    from sensor_msgs.msg import CompressedImage
    from sensor_msgs.msg import Image
    width, height = size
    detail = np.random.default_rng(1).integers(0, 255, (height // 8, width // 8, 3), np.uint8)
    picture = cv2.resize(detail, size)
    content = cv2.imencode('.jpg', picture)[1] if is_compressed else picture
    data = array('B', content.tobytes())
    if is_compressed:
        return CompressedImage(format='bgr8; jpeg compressed bgr8', data=data)
    return Image(width=width, height=height, encoding='bgr8', step=3 * width, data=data)


@contextmanager
def filming(node: Any, scene: Scene) -> Iterator[list[Camera]]:
    """Have the cameras of a scene publish, each from a moment of its own."""
    is_compressed = scene.parameters.get('image_transport') == 'compressed'
    cameras = [Camera(node, name, fps, image_of(scene.size, is_compressed))
               for name, fps in scene.rates.items()]
    stopping = threading.Event()
    threads = [threading.Thread(target=camera.film, args=(
        stopping, index / fps / len(cameras))) for index, (camera, fps) in enumerate(
            zip(cameras, scene.rates.values()))]
    for thread in threads:
        thread.start()
    try:
        yield cameras
    finally:
        stopping.set()
        for thread in threads:
            thread.join()


def cpu_sec(process: psutil.Process) -> tuple[float, float]:
    """Return the CPU seconds of the node, and of its workers."""
    of_workers = 0.0
    for child in process.children(recursive=True):
        used = child.cpu_times()
        of_workers += used.user + used.system
    used = process.cpu_times()
    return used.user + used.system, of_workers


def measure(scene: Scene, environment: dict[str, str]) -> None:
    """Run a scene and print its figures."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor
    names = {'cameras': list(scene.rates)} if '' not in scene.rates else {}
    command = node_command('detector', {
        'driver': 'simulated', 'graph_paths': ['shapes'], 'cluster_size': 2, **names,
        **scene.parameters})
    detector = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    node, executor = rclpy.create_node('cameras'), SingleThreadedExecutor()
    executor.add_node(node)
    spinning = threading.Thread(target=executor.spin)
    spinning.start()
    try:
        with filming(node, scene) as cameras:
            deadline = time.monotonic() + DEADLINE_SEC
            while not all(camera.found for camera in cameras):
                if time.monotonic() > deadline:
                    raise RuntimeError(f'{scene.title}: a camera got no detection within '
                                       f'{DEADLINE_SEC:g} s; does the node start by itself?')
                time.sleep(0.1)
            time.sleep(WARM_SEC)
            process = psutil.Process(detector.pid)
            begin, before = time.time(), cpu_sec(process)
            time.sleep(SECONDS)
            end, after = time.time(), cpu_sec(process)
    finally:
        detector.send_signal(signal.SIGINT)
        detector.wait()
        executor.shutdown()
        spinning.join()
        node.destroy_node()
    print(scene.title)
    for name, camera in zip(scene.rates, cameras):
        print(f'    {name or "camera":8} {camera.figures(begin, end)}')
    count = sum(begin <= came_at < end for camera in cameras for came_at, _ in camera.found)
    of_node, of_workers = (1000 * (late - early) / count for early, late in zip(before, after))
    print(f'    in all   {count / (end - begin):6.2f} a second, CPU a detection: node '
          f'{of_node:.2f} ms, workers {of_workers:.2f} ms')


def main() -> None:
    """Measure the scenes whose numbers are given, or all."""
    chosen = [SCENES[int(number) - 1] for number in sys.argv[1:]] or SCENES
    environment = run_environment.loopback_environment(
        os.environ, run_environment.claim_domain(os.getpid()))
    os.environ.update(environment)
    import rclpy
    with clean_shared_memory():
        rclpy.init()
        for scene in chosen:
            measure(scene, environment)
        rclpy.shutdown()


if __name__ == '__main__':
    main()
