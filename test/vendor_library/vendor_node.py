# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A detector node on the vendor's library, and all that is heard of it: results, statuses, log."""

import array
import contextlib
from dataclasses import dataclass
import os
import random
import signal
import time

from node_harness import NodeProcess
import psutil
from sensor_msgs.msg import Image

WIDTH, HEIGHT = 160, 120
END_SEC = 15.0


@dataclass(frozen=True)
class Result:
    """One message of detections: when, how long after its image, from which port's stick."""

    at: float
    latency_sec: float
    last_port: int
    is_of_its_frame: bool


@dataclass(frozen=True)
class Status:
    """What the diagnostics tell about one stick at one moment."""

    at: float
    port: str
    message: str
    values: dict

    @property
    def state(self):
        """Return the state of its worker."""
        return self.values['state']

    @property
    def pid(self):
        """Return the process that has the stick, or None."""
        return int(self.values['pid']) if self.values['pid'] else None


class VendorNode:
    """One detector node, with images from a ``vendor_ear.Ear``."""

    def __init__(self, ear, namespace, parameters, environment):
        """Start it."""
        self.namespace = namespace
        self.results = []
        self.statuses = []
        self._ear = ear
        self._sent = {}
        self._random = random.Random(1)
        self.started_at = time.monotonic()
        with ear.news:   # its thread publishes images as soon as it knows this node
            self._images = ear.add(self)
        parameters = {'driver': 'mvnc', 'diagnostic_updater.use_fqn': 'true', **parameters}
        self.process = NodeProcess(
            'detector_node', parameters, environment, {'__ns': f'/{namespace}'})

    # ---- waiting

    def wait_for(self, condition, timeout, what, since=None):
        """Wait until a condition holds, ``timeout`` seconds from ``since`` on; fail after it."""
        deadline = (time.monotonic() if since is None else since) + timeout
        with self._ear.news:
            while not condition():
                left = deadline - time.monotonic()
                assert self.is_running(), f'the node has ended; waited for {what}'
                assert left > 0, f'not within {timeout} s: {what}; {self.summary()}'
                self._ear.news.wait(min(left, 0.5))

    def wait_for_result(self, timeout, since=None):
        """Wait for the first result that comes after a time, by default the node's start."""
        since = self.started_at if since is None else since
        self.wait_for(lambda: self.results and self.results[-1].at > since, timeout,
                      'a result', since)

    def wait_for_running(self, *ports, timeout, since=None):
        """Wait until the sticks of ports are RUNNING; return their processes by port."""
        self.wait_for(lambda: all(self.state(port) == 'RUNNING' for port in ports), timeout,
                      f'{ports} RUNNING', since)
        return {port: self.status(port).pid for port in ports}

    def wait_for_new_worker(self, port, old_pid, timeout, since=None):
        """Wait until a stick is RUNNING in another process; return that."""
        self.wait_for(lambda: self.state(port) == 'RUNNING' and self.status(port).pid != old_pid,
                      timeout, f'{port} RUNNING again', since)
        return self.status(port).pid

    def is_running(self):
        """Tell whether its process has not ended."""
        return psutil.Process(self.process.pid).status() != psutil.STATUS_ZOMBIE

    # ---- what was heard

    def status(self, port):
        """Return the newest Status of a port's stick, or None."""
        with self._ear.news:
            return next((status for status in reversed(self.statuses) if status.port == port),
                        None)

    def state(self, port):
        """Return the state of a port's stick, or None."""
        status = self.status(port)
        return status and status.state

    def longest_gap(self, since):
        """Return the longest time without a result from a moment until now."""
        with self._ear.news:
            times = [since, *(result.at for result in self.results if result.at > since),
                     time.monotonic()]
        return max(after - before for before, after in zip(times, times[1:]))

    def summary(self):
        """Return a line with the newest state of each stick."""
        ports = dict.fromkeys(status.port for status in self.statuses)
        states = ', '.join(f'{port} {self.state(port)}' for port in ports)
        return f'{len(self.results)} results, {states or "no stick"}'

    def report(self):
        """Return all that one wants to know after a failure, in seconds from its start."""
        lines, shown = [], {}   # the last state and process of each port
        for status in self.statuses:
            facts = status.state, status.pid, status.message
            if shown.get(status.port) != facts[:2]:
                shown[status.port] = facts[:2]
                lines.append(f'{status.at - self.started_at:8.2f} {status.port} {facts}')
        times = [result.at - self.started_at for result in self.results]
        gaps = [f'{after - before:.2f} s from {before:.2f}'
                for before, after in zip(times, times[1:]) if after - before > 0.5]
        return '\n'.join([
            f'node {self.namespace!r}, started at {self.started_at:.3f}: {self.summary()}',
            f'first result {times[:1]}, gaps {gaps}', *lines, self.process.output])

    # ---- its end

    def end(self):
        """End it, then whatever of its session is left; return the processes that were left."""
        try:
            self.process.end()
        finally:
            left = self.wait_for_nobody(END_SEC)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self._ear.remove(self)
        return left

    def wait_for_nobody(self, timeout):
        """Wait until no process of its session is left; return those that still are."""
        deadline = time.monotonic() + timeout
        while (left := self._session()) and time.monotonic() < deadline:
            time.sleep(0.05)
        return left

    def _session(self):
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.Error):
                if (os.getsid(process.pid) == self.process.pid
                        and process.status() != psutil.STATUS_ZOMBIE):
                    found.append((process.pid, process.cmdline()[-3:]))
        return found

    # ---- called by the Ear

    def publish(self, node):
        """Publish an image of one random grey, which its result must tell."""
        value = self._random.randrange(256)
        stamp = node.get_clock().now().to_msg()
        message = Image(height=HEIGHT, width=WIDTH, encoding='bgr8', step=3 * WIDTH)
        message.header.frame_id = 'camera'
        message.header.stamp = stamp
        message.data = array.array('B', bytes([value]) * (3 * WIDTH * HEIGHT))
        self._sent[stamp.sec, stamp.nanosec] = time.monotonic(), value
        self._images.publish(message)

    def on_detections(self, message):
        """Take a result."""
        now = time.monotonic()
        sent = self._sent.get((message.header.stamp.sec, message.header.stamp.nanosec))
        if sent is None or not message.detections:
            self.results.append(Result(now, 0.0, 0, False))
            return
        detection, *_ = message.detections   # of the first network
        left = (detection.bbox.center.position.x - detection.bbox.size_x / 2) / WIDTH
        port = round((detection.results[0].hypothesis.score - 0.8) * 100)
        self.results.append(Result(now, now - sent[0], port, abs(left - sent[1] / 510) < 0.01))

    def on_diagnostics(self, message):
        """Take the statuses of this node's sticks."""
        for status in message.status:
            if status.name.startswith(f'{self.namespace}/detector: stick '):
                self.statuses.append(Status(
                    time.monotonic(), status.hardware_id.partition('-')[0], status.message,
                    {item.key: item.value for item in status.values}))
