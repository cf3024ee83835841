# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Writes what a cluster publishes into a file: ``python cluster_listener.py FILE [HOST ...]``.

Each line is a JSON object with ``kind`` and ``arrival``, the wall clock in ns:

- ``detections``: ``stamp`` in ns, ``frame`` (the header's frame_id), ``boxes`` (label, score,
  left, top, right, bottom);
- ``status``: ``name``, ``hardware_id``, ``level`` (0 to 3), ``message``, ``values``;
- ``result``: ``host``, of each message in ``<host>/stick_server/results``, of the hosts that are
  named.
"""

from contextlib import suppress
import json
import sys
import time


def main(path, hosts):
    """Listen until the process is asked to end."""
    from diagnostic_msgs.msg import DiagnosticArray
    import rclpy
    from rclpy.qos import QoSProfile
    from rclpy.qos import ReliabilityPolicy
    from std_msgs.msg import String
    from vision_msgs.msg import Detection2DArray
    rclpy.init()
    node = rclpy.create_node('cluster_listener')
    output = open(path, 'a', buffering=1)   # a reader sees each line at once

    def write(kind, **content):
        output.write(json.dumps({'kind': kind, 'arrival': time.time_ns(), **content}) + '\n')

    def take_detections(message):
        header = message.header
        write('detections', stamp=header.stamp.sec * 10**9 + header.stamp.nanosec,
              frame=header.frame_id, boxes=list(map(_box, message.detections)))

    def take_statuses(message):
        for status in message.status:
            write('status', name=status.name, hardware_id=status.hardware_id,
                  level=status.level[0], message=status.message,
                  values={item.key: item.value for item in status.values})

    node.create_subscription(Detection2DArray, 'detections', take_detections, 100)
    node.create_subscription(DiagnosticArray, '/diagnostics', take_statuses, 100)
    # Nobody sends again what this one misses, so that it adds no traffic of its own.
    light = QoSProfile(depth=100, reliability=ReliabilityPolicy.BEST_EFFORT)
    for host in hosts:
        node.create_subscription(
            String, f'{host}/stick_server/results',
            lambda _, host=host: write('result', host=host), light)
    rclpy.spin(node)


def _box(detection):
    hypothesis, box = detection.results[0].hypothesis, detection.bbox
    x, y = box.center.position.x, box.center.position.y
    return [hypothesis.class_id, hypothesis.score, x - box.size_x / 2, y - box.size_y / 2,
            x + box.size_x / 2, y + box.size_y / 2]


if __name__ == '__main__':
    from rclpy.executors import ExternalShutdownException
    with suppress(KeyboardInterrupt, ExternalShutdownException):   # the usual end
        main(sys.argv[1], sys.argv[2:])
