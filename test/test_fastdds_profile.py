# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The transport profiles of Fast DDS: with one at the publisher, whole images arrive anywhere."""

import array
import os
from pathlib import Path
import subprocess
import sys
import time
from xml.etree import ElementTree

import pytest
import rclpy
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import UInt32

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = ROOT / 'config' / 'fastdds_large_images.xml'
LOOPBACK = ROOT / 'ncs_cluster_detector' / 'ros' / 'fastdds_loopback.xml'
VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
BUILTIN = 'FASTDDS_BUILTIN_TRANSPORTS'
NAMESPACE = {'dds': 'http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles'}
HEIGHT, WIDTH, FPS, FRAMES = 480, 640, 30.0, 60
MAY_BE_LOST = 3   # 0.05 of them
# So long a frame is waited for, by a machine that is busy with other things; then it is lost.
FRAME_DEADLINE_SEC = 5.0
START_DEADLINE_SEC = 30.0
BOTH = pytest.mark.parametrize('profile', [SHIPPED, LOOPBACK], ids=lambda path: path.name)


def subscribe():
    """Answer every image with its number, until killed; the part of a process."""
    rclpy.init()
    node = rclpy.create_node('subscriber')
    answers = node.create_publisher(UInt32, 'answers', QoSProfile(depth=2 * FRAMES))
    node.create_subscription(
        Image, 'images', lambda image: answers.publish(UInt32(data=image.header.stamp.nanosec)),
        QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT))
    rclpy.spin(node)


def publish():
    """
    Publish the images and print how many were answered; the part of a process.

    The next image is due when its time has come and the one before was answered or given up: a
    subscriber that gets no time from a busy machine has nothing overwritten, and what is lost was
    lost on the way.
    """
    rclpy.init()
    node = rclpy.create_node('publisher')
    answered = set()
    node.create_subscription(UInt32, 'answers', lambda answer: answered.add(answer.data),
                             QoSProfile(depth=2 * FRAMES))
    images = node.create_publisher(Image, 'images', QoSProfile(depth=1))
    image = Image(height=HEIGHT, width=WIDTH, step=3 * WIDTH, encoding='bgr8',
                  data=array.array('B', bytes(3 * WIDTH * HEIGHT)))

    def send(number, patience_sec):
        image.header.stamp.nanosec = number
        sent_at = time.monotonic()
        images.publish(image)
        while number not in answered and time.monotonic() < sent_at + patience_sec:
            rclpy.spin_once(node, timeout_sec=0.1)
        return sent_at

    deadline = time.monotonic() + START_DEADLINE_SEC
    while not answered and time.monotonic() < deadline:
        send(0, 0.5)   # until both have found each other, in both directions
    for number in range(1, FRAMES + 1):
        due_at = send(number, FRAME_DEADLINE_SEC) + 1.0 / FPS
        if len(set(range(1, number + 1)) - answered) > MAY_BE_LOST:
            break
        while (wait_sec := due_at - time.monotonic()) > 0.0:
            rclpy.spin_once(node, timeout_sec=wait_sec)
    print(len(answered - {0}))


@BOTH
def test_whole_images_arrive_at_a_subscriber_with_default_settings(profile):
    if rclpy.get_rmw_implementation_identifier() != 'rmw_fastrtps_cpp':
        pytest.skip('needs rmw_fastrtps_cpp, which is not in use here')
    default = {name: value for name, value in os.environ.items()
               if name not in (*VARIABLES, BUILTIN)}
    with subprocess.Popen([sys.executable, __file__, 'subscribe'], env=default) as subscriber:
        try:
            answer = subprocess.run(
                [sys.executable, __file__, 'publish'], stdout=subprocess.PIPE, text=True,
                env={**default, **dict.fromkeys(VARIABLES, str(profile))}, check=True,
                timeout=START_DEADLINE_SEC + FRAMES + MAY_BE_LOST * FRAME_DEADLINE_SEC)
            assert subscriber.poll() is None
        finally:
            subscriber.kill()
    assert int(answer.stdout) >= FRAMES - MAY_BE_LOST


def transports(profile):
    """Return what a profile says about each transport: texts by tag, by type."""
    root = ElementTree.parse(profile).getroot()
    found = [{element.tag.rpartition('}')[2]: element.text for element in transport}
             for transport in root.iterfind('.//dds:transport_descriptor', NAMESPACE)]
    return {transport['type']: transport for transport in found}


def test_both_profiles_have_the_same_shared_memory():
    shipped, loopback = transports(SHIPPED), transports(LOOPBACK)
    assert set(shipped) == set(loopback) == {'SHM', 'UDPv4'}
    assert shipped['SHM'] == loopback['SHM']
    assert int(shipped['SHM']['segment_size']) == 8 * 2**20
    assert int(shipped['SHM']['maxMessageSize']) == 8 * 2**20


def test_only_the_one_of_make_run_keeps_to_the_loopback_interface():
    assert 'interfaceWhiteList' in transports(LOOPBACK)['UDPv4']
    assert set(transports(SHIPPED)['UDPv4']) == {'transport_id', 'type'}


@BOTH
def test_every_participant_has_exactly_these_transports(profile):
    (participant,) = ElementTree.parse(profile).getroot().iterfind('dds:participant', NAMESPACE)
    assert participant.get('is_default_profile') == 'true'
    assert participant.find('.//dds:useBuiltinTransports', NAMESPACE).text == 'false'
    used = [found.text for found in participant.iterfind('.//dds:userTransports/*', NAMESPACE)]
    assert used == [found['transport_id'] for found in transports(profile).values()]


if __name__ == '__main__':
    {'publish': publish, 'subscribe': subscribe}[sys.argv[1]]()
