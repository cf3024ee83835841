# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures how whole images arrive at the detector node and at others, and how fast.

``.venv/bin/python bench/image_transport.py`` runs both nodes as they are launched, on this machine
only, beside a subscriber with the same transport profile and one without any, and prints a table.
"""

import math
import os
from pathlib import Path
import sys
import tempfile
import time
from typing import Any
from typing import Callable
from typing import Mapping
from typing import Sequence

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / 'standalone'))

from ncs_cluster_detector.checking import environment as run_environment  # noqa: E402, I100
from ncs_cluster_detector.checking.shared_memory import clean_shared_memory  # noqa: E402
from runner import node_process  # noqa: E402, I100
from runner.nodes import node_command  # noqa: E402

PROFILE = ROOT / 'config' / 'fastdds_large_images.xml'
SIZES = ((640, 480), (1280, 720))
FPS, FRAMES = 30.0, 200
SETTLED = 30   # frames that everybody has had before the first that counts, and after the last
DEADLINE_SEC = 60.0
LISTENERS = {'profile': PROFILE, 'default': None}
COLUMNS = ('size', 'published', 'lost to subscriber', 'lost to detector', 'p50 ms', 'p95 ms',
           'default received')


def listen() -> None:
    """Print stamp and receipt, in ns, of every image, until SIGINT, as a subscriber."""
    import rclpy
    from rclpy.executors import ExternalShutdownException
    from rclpy.qos import QoSProfile
    from rclpy.qos import ReliabilityPolicy
    from sensor_msgs.msg import Image
    rclpy.init()
    node = rclpy.create_node(f'listener_{os.getpid()}')
    node.create_subscription(
        Image, 'camera/image_raw',
        lambda message: print(stamp_of(message), time.time_ns(), flush=True),
        QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass   # the usual end


class Recorder:
    """Records the stamps of all camera infos and detections, and the diagnostics."""

    def __init__(self) -> None:
        from diagnostic_msgs.msg import DiagnosticArray
        import rclpy
        from rclpy.qos import QoSProfile
        from sensor_msgs.msg import CameraInfo
        from vision_msgs.msg import Detection2DArray
        self._rclpy, self._context = rclpy, rclpy.Context()
        rclpy.init(context=self._context)
        self._node = rclpy.create_node('recorder', context=self._context)
        self._executor = rclpy.executors.SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        # Small and reliable, with the stamp of their image: a list of all that was published.
        self.infos, self.detections, self.statuses = [], [], []
        deep = QoSProfile(depth=1000)
        self._node.create_subscription(
            CameraInfo, 'camera/camera_info', lambda m: self.infos.append(stamp_of(m)), deep)
        self._node.create_subscription(
            Detection2DArray, 'detections', lambda m: self.detections.append(stamp_of(m)), deep)
        self._node.create_subscription(DiagnosticArray, '/diagnostics', self._take, deep)

    def wait_for(self, what: str, condition: Callable[[], Any],
                 nodes: Sequence[node_process.NodeProcess]) -> None:
        """Spin until the condition holds; fail after the deadline, or when a process ends."""
        deadline = time.monotonic() + DEADLINE_SEC
        while not condition():
            gone = [f'{node.name} ended: {" / ".join(node.last_lines)}' for node in nodes
                    if node.exit_code() is not None]
            if gone or time.monotonic() > deadline:
                raise RuntimeError(f'waiting for {what} failed: ' + (
                    '; '.join(gone) or f'not within {DEADLINE_SEC:g} s, is the machine busy?'))
            self._executor.spin_once(0.1)

    def said(self, name: str, key: str) -> list[tuple[int, str]]:
        """Return (stamp in ns, value) of every status with a name, oldest first."""
        return [(stamp, values[key]) for stamp, found, values in self.statuses if found == name]

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()
        self._rclpy.shutdown(context=self._context)

    def _take(self, message):
        for status in message.status:
            self.statuses.append((stamp_of(message), status.name,
                                  {item.key: item.value for item in status.values}))


def stamp_of(message: Any) -> int:
    """Return the stamp of a message in ns."""
    return message.header.stamp.sec * 10**9 + message.header.stamp.nanosec


def measure(width: int, height: int, environments: Mapping[str, dict[str, str]],
            folder: Path) -> tuple[str, ...]:
    """Return the row of the table for a size."""
    paths = {name: folder / f'{name}-{width}' for name in LISTENERS}
    logs = {name: path.open('wb', buffering=0) for name, path in paths.items()}
    nodes, complaints, recorder = [], [], Recorder()

    def start(name, command, environment, log=None):
        nodes.append(node_process.NodeProcess(name, command, environments[environment], log))

    try:
        # All sticks work, so that every frame that the detector sees has its detections.
        for name in LISTENERS:
            start(name, [sys.executable, __file__, '--listen'], name, logs[name])
        start('detector', [*node_command('detector', {'driver': 'simulated'}),
                           '-r', 'image_raw:=camera/image_raw'], 'profile')
        recorder.wait_for('the sticks', lambda: [
            state for stick in range(5)
            for _, state in recorder.said(f'detector: stick {stick}', 'state')[-1:]
        ] == ['RUNNING'] * 5, nodes)
        start('camera', [*node_command('camera', {
            'source': 'test_pattern', 'width': width, 'height': height, 'fps': FPS}),
            '-r', '__ns:=/camera'], 'profile')
        recorder.wait_for(
            'the first images',
            lambda: recorder.detections and all(map(receipts, paths.values())), nodes)
        first = len(recorder.infos) + SETTLED
        recorder.wait_for(
            'all images', lambda: len(recorder.infos) >= first + FRAMES + SETTLED, nodes)
        complaints += node_process.stop([nodes.pop()])
        # After two more reports the detector has answered all that it got.
        told = len(recorder.said('detector: cluster', 'driver'))
        recorder.wait_for('the detector', lambda: len(
            recorder.said('detector: cluster', 'driver')) >= told + 2, nodes)
    finally:
        complaints += node_process.stop(nodes)
        for log in logs.values():
            log.close()
        recorder.close()
    window = recorder.infos[first:first + FRAMES]
    for line in complaints + doubts(recorder, window):
        print(f'image_transport: {line}', file=sys.stderr)
    return row(f'{width}x{height}', window, set(recorder.detections), {
        name: receipts(path) for name, path in paths.items()})


def receipts(path: Path) -> dict[int, int]:
    """Return what a listener has written: times of receipt by stamp, in ns."""
    lines = [line.split() for line in path.read_text().split('\n')[:-1]]
    return {int(words[1]): int(words[2]) for words in lines
            if len(words) == 3 and words[1].isdigit()}


def doubts(recorder: Recorder, window: Sequence[int]) -> list[str]:
    """Return why the figures may be wrong, in lines."""
    lines = []
    counts = [(stamp, int(dropped) - int(missing)) for (stamp, dropped), (_, missing) in zip(
        *(recorder.said('detector: cluster', key)
          for key in ('frames_dropped', 'dropped_before_node')), strict=True)]
    before = max(count for stamp, count in counts if stamp < window[0])
    if counts[-1][1] != before:
        lines.append(f'frames_dropped without dropped_before_node went from {before} to '
                     f'{counts[-1][1]}: the detector saw so many of those that it seems to have '
                     'lost')
    span = round((window[-1] - window[0]) / 1e9 * FPS) + 1
    # The info of each frame comes first, and the frame counts when its image is out.
    surplus = [sum(info <= stamp for info in recorder.infos) - int(count)
               for stamp, count in recorder.said('camera: test_pattern', 'frames_published')
               if window[0] < stamp < window[-1]]
    if span != len(window) or max(surplus) - min(surplus) > 1:
        lines.append(f'{len(window)} camera infos in the time of {span} frames, and by '
                     f'frames_published {min(surplus)} to {max(surplus)} too many: the list of '
                     'what was published has gaps, measure again')
    return lines


def row(size: str, window: Sequence[int], detected: set[int],
        received: Mapping[str, dict[int, int]]) -> tuple[str, ...]:
    """Return the texts of a row, all about the frames with the stamps of the window."""
    # A frame that never came is late for ever.
    late_ms = sorted((received['profile'].get(stamp, math.inf) - stamp) / 1e6 for stamp in window)
    got = sum(stamp in received['default'] for stamp in window) / len(window)
    return (size, str(len(window)), str(late_ms.count(math.inf)),
            str(len(set(window) - detected)),
            *(f'{late_ms[math.ceil(len(window) * share) - 1]:.1f}' for share in (0.5, 0.95)),
            f'{got:.3f}')


def main() -> None:
    """Measure every size, and print the table."""
    domain = run_environment.claim_domain(os.getpid())
    environments = {name: run_environment.loopback_environment(os.environ, domain, profile)
                    for name, profile in LISTENERS.items()}
    run_environment.use(environments['profile'])
    try:
        with clean_shared_memory(), tempfile.TemporaryDirectory() as folder:
            rows = [COLUMNS, *(measure(*size, environments, Path(folder)) for size in SIZES)]
    except RuntimeError as error:
        sys.exit(f'image_transport: {error}')
    widths = [max(map(len, column)) for column in zip(*rows)]
    for texts in rows:
        print('  '.join(text.rjust(width) for text, width in zip(texts, widths)))


if __name__ == '__main__':
    listen() if '--listen' in sys.argv else main()
