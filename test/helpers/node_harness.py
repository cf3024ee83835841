# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the tests of nodes share: node processes, and a probe that talks to them over DDS."""

import array
import os
from pathlib import Path
import signal
import subprocess
import sys
import threading
import time

from diagnostic_msgs.msg import DiagnosticArray
from ncs_cluster_detector.processes.module_path import python_command
import psutil
from rcl_interfaces.srv import SetParameters
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from rclpy.time import Time
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

DEADLINE_SEC = 40.0   # the lease of a DDS participant that is gone without a word is 20 s
# Diagnostics show a snapshot of the sticks that is renewed every 0.2 s, on a late machine later.
SHOWN_LATE_NS = 500_000_000


class NodeProcess:
    """An executable of this package in a process of its own."""

    def __init__(self, executable, parameters, environment=None, remappings=None,
                 more_arguments=(), through=(), before='', **more):
        """
        Start it with parameters, a dictionary of name and YAML text.

        :param executable: its name, or the path of its script.
        :param environment: dictionary of variables in addition to those of this process.
        :param remappings: dictionary of old and new names; ``__ns`` is the namespace.
        :param more_arguments: further words for ROS, such as ``--params-file`` and a path.
        :param through: words of a program that becomes the node, whose words follow.
        :param before: Python statements that the process runs first.
        :param more: what subprocess.Popen takes, such as ``cwd``.
        """
        arguments = [word for flag, pairs in (('-p', parameters), ('-r', remappings or {}))
                     for name, value in pairs.items() for word in (flag, f'{name}:={value}')]
        command = [sys.executable, str(executable)] if isinstance(executable, Path) else (
            python_command(f'{before}\nfrom ncs_cluster_detector.executables import {executable}\n'
                           f'raise SystemExit({executable}())'))
        self._popen = subprocess.Popen(
            [*through, *command, '--ros-args', *arguments, *more_arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
            env={**os.environ, **(environment or {})}, **more)
        self._lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.pid = self._popen.pid

    @property
    def output(self):
        """Return all that it has printed."""
        return '\n'.join(self._lines)

    def wait_for_line(self, text, count=1, timeout=DEADLINE_SEC):
        """Wait until ``count`` lines with a text were printed; fail after the timeout."""
        with self._news:
            assert self._news.wait_for(
                lambda: sum(text in line for line in self._lines) >= count,
                timeout), f'no line with {text!r} in:\n{self.output}'

    def forget(self):
        """Forget what it has printed so far, for the next test that shares it."""
        with self._news:
            self._lines.clear()

    def signal(self, number):
        """Send it a signal."""
        self._popen.send_signal(number)

    def wait(self, timeout=DEADLINE_SEC):
        """Wait for its end and return its exit code."""
        code = self._popen.wait(timeout)
        self._reader.join(timeout)
        return code

    def family(self):
        """Return the process and all its descendants as psutil objects."""
        process = psutil.Process(self.pid)
        return [process, *process.children(recursive=True)]

    def end(self):
        """End it, and whatever it left behind."""
        if self._popen.poll() is None:
            self.signal(signal.SIGINT)
            try:
                self.wait(10.0)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self.wait()

    def _read(self):
        with self._popen.stdout as lines:
            for line in lines:
                with self._news:
                    self._lines.append(line.rstrip())
                    self._news.notify_all()


class Probe:
    """A node beside the tested one: publishes images, hears detections and diagnostics."""

    def __enter__(self):
        """Start talking."""
        self._context = rclpy.Context()
        rclpy.init(context=self._context)
        self.node = rclpy.create_node('probe', context=self._context)
        self.detections = []
        self.diagnostics = []
        self._news = threading.Condition()
        self.listen(Detection2DArray, 'detections', self.detections)
        self.listen(DiagnosticArray, '/diagnostics', self.diagnostics)
        self._images = self.node.create_publisher(Image, 'image_raw', QoSProfile(depth=1))
        self._clients = {}
        self._stamp_ns = 1_000_000_000
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._stopping = False
        self._thread = threading.Thread(target=self._spin, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_):
        """Stop talking; the executor's thread goes first."""
        self._stopping = True
        self._executor.wake()
        self._thread.join()
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self._context)

    def listen(self, message_type, topic, received, qos=10):
        """Add every message on a topic to the list ``received``."""
        def take(message):
            with self._news:
                received.append(message)
                self._news.notify_all()
        self.node.create_subscription(message_type, topic, take, qos)

    def wait_for(self, condition, timeout=DEADLINE_SEC):
        """Wait until a condition on what was received holds; return its value, or fail."""
        with self._news:
            value = self._news.wait_for(condition, timeout)
        assert value, f'not within {timeout} s'
        return value

    def image_message(self, image, frame_id='camera', stamp_ns=None):
        """Return an Image message with the next stamp for an array, height x width x 3."""
        self._stamp_ns += 1_000_003
        stamp_ns = stamp_ns or self._stamp_ns
        message = Image(height=image.shape[0], width=image.shape[1], encoding='bgr8',
                        step=image.shape[1] * 3)
        message.header.frame_id = frame_id
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        message.data = array.array('B')
        message.data.frombytes(image.tobytes())
        return message

    def publish(self, message):
        """Publish an Image message."""
        self._images.publish(message)

    def destroy_publisher(self, publisher):
        """End a publisher, in the executor's thread: rclpy's bear it in no other."""
        self._executor.create_task(self.node.destroy_publisher, publisher)

    def detect(self, image, **header):
        """Return the image message and the detections for it, sending it until they come."""
        deadline = time.monotonic() + DEADLINE_SEC
        while time.monotonic() < deadline:
            message = self.image_message(image, **header)
            self.publish(message)
            with self._news:
                # A large image may be lost on the way, and no stick may be ready yet.
                self._news.wait_for(lambda: self._answer_to(message), timeout=0.5)
                if self._answer_to(message):
                    return message, self._answer_to(message)
        shown = [self.status('detector: cluster'), self.node.count_subscribers('image_raw')]
        raise AssertionError(f'no detections for an image within {DEADLINE_SEC} s: {shown}')

    def status(self, name, after_ns=-1):
        """Return the newest status with a name, stamped later, as (status, values), or None."""
        for array_message in reversed(self.diagnostics):
            if Time.from_msg(array_message.header.stamp).nanoseconds <= after_ns:
                continue
            for status in array_message.status:
                if status.name == name:
                    return status, {item.key: item.value for item in status.values}
        return None

    def next_status(self, name):
        """Return the values of a status that was certainly written after this call."""
        # By the node's own stamps: on a late machine, messages of before may arrive after the
        # call, and two may be made within a moment. Each may show what is 0.2 s old.
        written_ns = self.node.get_clock().now().nanoseconds + SHOWN_LATE_NS
        return self.wait_for(lambda: self.status(name, written_ns))[1]

    def wait_for_running(self, sticks):
        """Wait until the newest diagnostics show this many sticks RUNNING."""
        self.wait_for(lambda: self.diagnostics and sum(
            item.value == 'RUNNING' for status in self.diagnostics[-1].status
            for item in status.values) >= sticks)

    def set_parameter(self, name, value, node='detector'):
        """Set a parameter of a node by its service; return (successful, reason)."""
        parameter = Parameter(name, value=value)
        answer = self.call(SetParameters, f'{node}/set_parameters', SetParameters.Request(
            parameters=[parameter.to_parameter_msg()]))
        return answer.results[0].successful, answer.results[0].reason

    def call(self, service_type, name, request):
        """Call a service and return its answer; fail after the deadline."""
        client = self._clients.get(name)
        if client is None:
            client = self._clients[name] = self.node.create_client(service_type, name)
        assert client.wait_for_service(DEADLINE_SEC), f'no service {name}'
        deadline = time.monotonic() + DEADLINE_SEC
        while time.monotonic() < deadline:
            # A server that has not yet found this client's ear answers into the void, so that the
            # very first question may have to be asked again.
            future = client.call_async(request)
            done = threading.Event()
            future.add_done_callback(lambda _, done=done: done.set())
            if done.wait(DEADLINE_SEC / 5):
                return future.result()
        raise AssertionError(f'no answer from {name}')

    def _answer_to(self, message):
        return next((array_message for array_message in reversed(self.detections)
                     if array_message.header == message.header), None)

    def _spin(self):
        while not self._stopping:
            self._executor.spin_once(timeout_sec=0.5)


def complaints(output):
    """
    Return the lines of a node's output that warn of something or name an error.

    Not that nobody sends images, which the detector says after 5 s, as it starts slowly on a busy
    machine.
    """
    return [line for line in output.splitlines() if ('[WARN]' in line or '[ERROR]' in line)
            and 'no image for 5 s' not in line]


def overrides(words, namespace='/'):
    """
    Return what rclpy gives a node ``detector`` of the parameters in a command line, by name.

    :param words: the command line, with ``--ros-args``.
    :param namespace: of the node.
    """
    context = rclpy.Context()
    rclpy.init(args=words, context=context)
    node = rclpy.create_node('detector', namespace=namespace, context=context)
    found = {name: given.value for name, given in node._parameter_overrides.items()}
    node.destroy_node()
    rclpy.shutdown(context=context)
    return found
