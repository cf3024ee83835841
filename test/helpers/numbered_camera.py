# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A camera whose frames are numbered: ``python numbered_camera.py RATE``, until SIGINT.

It publishes pictures of 640x480 on ``image_raw``, bgr8, reliable, keep last 1, so many a second.
The ``frame_id`` is the number of the frame, and a blue rectangle is where it is in no other frame
near: so detections tell which frame they are of, and if they are of the right one.
"""

import array
from contextlib import suppress
import sys
import time

WIDTH, HEIGHT = 640, 480
BLUE = (255, 0, 0)
CAR_WIDTH, CAR_HEIGHT = 150, 110
# Primes, so that a place comes again only after COLUMNS * ROWS frames.
COLUMNS, ROWS, STEP = 41, 31, 11


def box_of(number):
    """Return the box of the rectangle in a frame in pixels: left, top, right, bottom."""
    left, top = number % COLUMNS * STEP + 10, number % ROWS * STEP + 10
    return left, top, left + CAR_WIDTH, top + CAR_HEIGHT


def background():
    """Return a picture with so much detail that its JPEG is as large as a photograph's."""
    import cv2
    import numpy as np
    # No pixel is of a pure colour, so that nothing but the rectangle is found.
    detail = np.random.default_rng(1).integers(60, 180, (HEIGHT // 6, WIDTH // 6, 3), np.uint8)
    return cv2.resize(detail, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)


def main(rate):
    """Publish until the process is asked to end."""
    import rclpy
    from rclpy.qos import QoSProfile
    from sensor_msgs.msg import Image
    rclpy.init()
    node = rclpy.create_node('camera')
    publisher = node.create_publisher(Image, 'image_raw', QoSProfile(depth=1))
    plain = background()
    message = Image(width=WIDTH, height=HEIGHT, encoding='bgr8', step=3 * WIDTH)
    message.data = array.array('B', plain.tobytes())
    pixels = memoryview(message.data)
    picture = plain.copy()
    due_at, number, stamp = time.monotonic(), 0, message.header.stamp
    while rclpy.ok():
        left, top, right, bottom = box_of(number)
        picture[top:bottom, left:right] = BLUE
        pixels[:] = picture.reshape(-1).data
        picture[top:bottom, left:right] = plain[top:bottom, left:right]
        time.sleep(max(due_at - time.monotonic(), 0.0))
        message.header.frame_id = str(number)
        stamp.sec, stamp.nanosec = divmod(time.time_ns(), 10**9)
        publisher.publish(message)
        number += 1
        # After a stall it goes on at its rate, and does not catch up.
        due_at = max(due_at + 1.0 / rate, time.monotonic() - 1.0 / rate)


if __name__ == '__main__':
    with suppress(KeyboardInterrupt):   # the usual end
        main(float(sys.argv[1]))
