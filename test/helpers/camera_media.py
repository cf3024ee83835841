# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Videos, pictures and a stream for the tests of cameras, in which every frame has a number."""

from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
import threading
import time

import cv2
import numpy as np

BITS = 8
WIDTH, HEIGHT = 160, 120


def numbered(number, width=WIDTH, height=HEIGHT):
    """Return a picture of black and white stripes, the bits of a number from 0 to 255."""
    stripes = [255 * (number >> bit & 1) for bit in range(BITS)]
    row = np.repeat(np.array(stripes, np.uint8), -(-width // BITS))[:width]
    return np.repeat(np.broadcast_to(row, (height, width))[:, :, np.newaxis], 3, axis=2)


def noise(seed=3):
    """Return a picture that does not compress well, so that every part of its file matters."""
    return np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def number_of(image):
    """Return the number in such a picture; it survives compression."""
    width = image.shape[1]
    columns = [int((bit + 0.5) * -(-width // BITS)) for bit in range(BITS)]
    levels = image[image.shape[0] // 2, columns].mean(axis=1)
    return sum(int(level > 127) << bit for bit, level in enumerate(levels))


def jpeg(image):
    """Return a picture as the content of a JPEG file."""
    return cv2.imencode('.jpg', image)[1].tobytes()


def write_video(path, frames, fps, code='MJPG'):
    """Write a video of numbered frames and return its path as a text."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), fps, (WIDTH, HEIGHT))
    for number in range(frames):
        writer.write(numbered(number))
    writer.release()
    return str(path)


def spoil_pictures(path, numbers, share=1.0):
    """Fill pictures of an AVI file, or the last share of each, with zeros; 0 is the first."""
    with open(path, 'r+b') as file:
        data = file.read()
        at = data.index(b'movi') + 4
        for number in range(max(numbers) + 1):
            at = data.index(b'00dc', at)
            size = int.from_bytes(data[at + 4:at + 8], 'little')
            if number in numbers:
                zeros = round(share * size)
                file.seek(at + 8 + size - zeros)
                file.write(bytes(zeros))
            at += 8 + size
    return path


def retime(path, milliseconds):
    """
    Give the pictures of an MP4 file that OpenCV wrote other durations.

    :param milliseconds: of each picture.
    """
    with open(path, 'rb') as file:
        data = file.read()
    rate = int.from_bytes(data[(at := data.index(b'mdhd')) + 16:at + 20], 'big')   # version 0
    at = data.index(b'stts') - 4   # the box of durations: size, name, version, number of entries
    old = int.from_bytes(data[at:at + 4], 'big')
    entries = b''.join((1).to_bytes(4, 'big') + (duration * rate // 1000).to_bytes(4, 'big')
                       for duration in milliseconds)
    box = b'stts' + bytes(4) + len(milliseconds).to_bytes(4, 'big') + entries
    data = data[:at] + (len(box) + 4).to_bytes(4, 'big') + box + data[at + old:]
    for name in (b'moov', b'trak', b'mdia', b'minf', b'stbl'):   # the boxes around it
        at = data.index(name) - 4
        size = int.from_bytes(data[at:at + 4], 'big') + len(box) + 4 - old
        data = data[:at] + size.to_bytes(4, 'big') + data[at + 4:]
    with open(path, 'wb') as file:
        file.write(data.replace(b'edts', b'free'))   # the list of edits knows the old length
    return path


class MjpegServer:
    """A camera on the network: an endless MJPEG stream of numbered frames on 127.0.0.1."""

    def __init__(self, port=0, fps=30.0, cut_after=None, jpeg_of=None):
        """
        Start to serve.

        :param port: port 0 takes a free one.
        :param fps: frames a second.
        :param cut_after: hang up before the end of the frame of this number; None = never.
        :param jpeg_of: returns what is sent as the frame of a number.
        """
        self.newest = 0
        self._cut_after = cut_after
        self._jpeg_of = jpeg_of or (lambda number: jpeg(numbered(number % 256)))
        self._period_sec = 1.0 / fps
        self._stopping = threading.Event()
        self._server = ThreadingHTTPServer(('127.0.0.1', port), self._handler())
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f'http://127.0.0.1:{self.port}/stream'
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def stop(self):
        """Hang up."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def __enter__(self):
        """Return the running server."""
        return self

    def __exit__(self, *_):
        """Hang up."""
        self.stop()

    def _handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):

            def do_GET(self):
                self.send_response(200)
                self.send_header('Content-Type', 'multipart/x-mixed-replace; boundary=frame')
                self.end_headers()
                outer._send_frames(self.wfile)

            def log_message(self, *_):
                """Keep the tests' output clean."""

        return Handler

    def _send_frames(self, stream):
        due = time.monotonic()
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            due += self._period_sec
            data = self._jpeg_of(self.newest)
            part = (b'--frame\r\nContent-Type: image/jpeg\r\n'
                    b'Content-Length: %d\r\n\r\n%s\r\n' % (len(data), data))
            cut = self.newest == self._cut_after
            try:
                stream.write(part[:-len(data) // 10] if cut else part)
            except OSError:
                return   # the reader has hung up
            if cut:
                return
            self.newest += 1
