# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The transport profiles of Fast DDS.

With one for whole images at the publisher, they arrive anywhere. With the one for several hosts,
messages leave in small packets, and those of others arrive in any size.
"""

import array
from contextlib import suppress
import os
from pathlib import Path
import shutil
import socket
import struct
import subprocess
import sys
import threading
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
NETWORK = ROOT / 'config' / 'fastdds_network.xml'
LOOPBACK = ROOT / 'ncs_cluster_detector' / 'ros' / 'fastdds_loopback.xml'
VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
BUILTIN = 'FASTDDS_BUILTIN_TRANSPORTS'
NAMESPACE = {'dds': 'http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles'}
HEIGHT, WIDTH, FPS, FRAMES = 480, 640, 30.0, 60
MAY_BE_LOST = 3   # 0.05 of them
# So long a frame is waited for, by a machine that is busy with other things; then it is lost.
FRAME_DEADLINE_SEC = 5.0
START_DEADLINE_SEC = 30.0
UDP_ONLY = """<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <transport_descriptors><transport_descriptor>
    <transport_id>udp</transport_id><type>UDPv4</type>
  </transport_descriptor></transport_descriptors>
  <participant profile_name="udp_only" is_default_profile="true"><rtps>
    <userTransports><transport_id>udp</transport_id></userTransports>
    <useBuiltinTransports>false</useBuiltinTransports>
  </rtps></participant>
</profiles>"""
DATA_FRAG = 0x16   # kind of a submessage (RTPS 2.2, 9.4.5.1.1)
ETH_P_IP = 0x0800   # linux/if_ether.h
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


def publish(rows=HEIGHT):
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
    image = Image(height=int(rows), width=WIDTH, step=3 * WIDTH, encoding='bgr8',
                  data=array.array('B', bytes(3 * WIDTH * int(rows))))

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


def answered(publisher, subscriber, rows=HEIGHT):
    """
    Return how many images are answered between two processes.

    :param publisher: what the environment of the publisher has beyond that of none.
    :param subscriber: the same for the subscriber.
    :param rows: height of the images.
    """
    if rclpy.get_rmw_implementation_identifier() != 'rmw_fastrtps_cpp':
        pytest.skip('needs rmw_fastrtps_cpp, which is not in use here')
    default = {name: value for name, value in os.environ.items()
               if name not in (*VARIABLES, BUILTIN)}
    with subprocess.Popen([sys.executable, __file__, 'subscribe'],
                          env=default | subscriber) as other:
        try:
            answer = subprocess.run(
                [sys.executable, __file__, 'publish', str(rows)], text=True,
                stdout=subprocess.PIPE, env=default | publisher, check=True,
                timeout=START_DEADLINE_SEC + FRAMES + MAY_BE_LOST * FRAME_DEADLINE_SEC)
            assert other.poll() is None
        finally:
            other.kill()
    return int(answer.stdout)


def with_profile(path):
    """Return the environment variables that name a profile."""
    return dict.fromkeys(VARIABLES, str(path))


@BOTH
def test_whole_images_arrive_at_a_subscriber_with_default_settings(profile):
    assert answered(with_profile(profile), {}) >= FRAMES - MAY_BE_LOST


def test_a_detector_with_other_hosts_gets_the_images_of_the_cameras_on_its_own():
    assert answered(with_profile(SHIPPED), with_profile(NETWORK)) >= FRAMES - MAY_BE_LOST


def fragment_in(packet):
    """Return the bytes of a UDP message of DDS with a part of a larger one, else 0."""
    header = 4 * (packet[14] & 15) + 14
    payload = packet[header + 8:]
    if packet[23] != socket.IPPROTO_UDP or not payload.startswith(b'RTPS'):
        return 0
    at = 20
    while at + 4 <= len(payload):
        kind, flags = payload[at], payload[at + 1]
        if kind == DATA_FRAG:
            return len(payload)
        length, = struct.unpack_from('<H' if flags & 1 else '>H', payload, at + 2)
        at += 4 + length
    return 0


def watch(*arguments):
    """
    Print how many images are answered, and the sizes of UDP messages with parts of them.

    The part of a process in a network namespace of its own, in which only this happens: with
    discovery on this machine alone, ROS always adds shared memory.
    """
    publisher, subscriber, rows = arguments
    for words in ('link set lo up multicast on', 'route add default dev lo'):
        subprocess.run(['ip', *words.split()], check=True)
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'SUBNET'
    sizes, done = [], threading.Event()
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_IP)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**23)
        listener.bind(('lo', 0))
        listener.settimeout(0.1)

        def listen():
            while not done.is_set():
                with suppress(TimeoutError):
                    sizes.append(fragment_in(listener.recv(2**16)))

        thread = threading.Thread(target=listen)
        thread.start()
        count = answered(with_profile(publisher), with_profile(subscriber), int(rows))
        done.set()
        thread.join()
    print(count, *(size for size in sizes if size))


def over_network(tmp_path, publisher, subscriber, rows):
    """Return how many images are answered over UDP, and the sizes of the parts of images."""
    if shutil.which('unshare') is None or subprocess.run(
            ['unshare', '--net', 'true'], stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip('needs root, to make a network namespace')
    udp_only = tmp_path / 'udp_only.xml'
    udp_only.write_text(UDP_ONLY)
    names = [str(udp_only if profile is None else profile) for profile in (publisher, subscriber)]
    answer = subprocess.run(
        ['unshare', '--net', sys.executable, __file__, 'watch', *names, str(rows)],
        stdout=subprocess.PIPE, text=True, check=True)
    count, *sizes = map(int, answer.stdout.split())
    return count, sizes


def test_with_other_hosts_each_message_fits_into_one_packet(tmp_path):
    count, sizes = over_network(tmp_path, NETWORK, None, rows=20)
    assert count >= FRAMES - MAY_BE_LOST
    assert len(sizes) > 27 * count   # 38,400 bytes by 1400
    assert 1300 < max(sizes) <= 1400


def test_and_the_larger_messages_of_others_arrive(tmp_path):
    # A limit of the transport would be one for what it receives, too.
    count, sizes = over_network(tmp_path, None, NETWORK, rows=60)
    assert count >= FRAMES - MAY_BE_LOST
    assert max(sizes) > 60000


def transports(profile):
    """Return what a profile says about each transport: texts by tag, by type."""
    root = ElementTree.parse(profile).getroot()
    found = [{element.tag.rpartition('}')[2]: element.text for element in transport}
             for transport in root.iterfind('.//dds:transport_descriptor', NAMESPACE)]
    return {transport['type']: transport for transport in found}


def test_all_profiles_have_the_same_shared_memory():
    shipped, network, loopback = map(transports, (SHIPPED, NETWORK, LOOPBACK))
    assert set(shipped) == set(loopback) == set(network) == {'SHM', 'UDPv4'}
    assert shipped['SHM'] == loopback['SHM']
    assert network['SHM'] == shipped['SHM'] | {'port_queue_capacity': '4096'}
    assert int(shipped['SHM']['segment_size']) == 8 * 2**20
    assert int(shipped['SHM']['maxMessageSize']) == 8 * 2**20


def test_only_the_one_of_make_run_keeps_to_the_loopback_interface():
    assert 'interfaceWhiteList' in transports(LOOPBACK)['UDPv4']
    assert set(transports(SHIPPED)['UDPv4']) == {'transport_id', 'type'}
    # No maxMessageSize: it would cut off the larger messages of others.
    assert set(transports(NETWORK)['UDPv4']) == {
        'transport_id', 'type', 'sendBufferSize', 'receiveBufferSize'}


@pytest.mark.parametrize('profile', [SHIPPED, NETWORK, LOOPBACK], ids=lambda path: path.name)
def test_every_participant_has_exactly_these_transports(profile):
    (participant,) = ElementTree.parse(profile).getroot().iterfind('dds:participant', NAMESPACE)
    assert participant.get('is_default_profile') == 'true'
    assert participant.find('.//dds:useBuiltinTransports', NAMESPACE).text == 'false'
    used = [found.text for found in participant.iterfind('.//dds:userTransports/*', NAMESPACE)]
    assert used == [found['transport_id'] for found in transports(profile).values()]


if __name__ == '__main__':
    {'publish': publish, 'subscribe': subscribe, 'watch': watch}[sys.argv[1]](*sys.argv[2:])
