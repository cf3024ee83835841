# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A small RTSP server for the tests of streams."""

import socketserver
import struct
import threading
import time

from camera_media import write_video
import cv2

RTP_CLOCK_HZ = 90000   # RFC 3016 for MPEG-4


def mpeg4_packets(path):
    """Return the compressed pictures, as bytes, of a new MPEG-4 video of numbered frames."""
    capture = cv2.VideoCapture(write_video(path, 256, 25.0, 'mp4v'), cv2.CAP_FFMPEG,
                               [cv2.CAP_PROP_FORMAT, -1])   # raw: not decoded
    header = capture.retrieve(flag=int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX)))[1]
    packets = []
    while capture.grab():
        packets.append(header.tobytes() * (not packets) + capture.retrieve()[1].tobytes())
    capture.release()
    return packets


class Threads(socketserver.ThreadingTCPServer):
    """One thread for each reader; the port can be taken again at once."""

    allow_reuse_address = True
    daemon_threads = True


class RtspServer:
    """Sends the compressed pictures to every reader from the first, RTP in the TCP connection."""

    def __init__(self, packets, port=0, fps=25.0):
        """Start to serve; port 0 takes a free one."""
        self._packets, self._period_sec = packets, 1.0 / fps
        self._stopping = threading.Event()
        outer = self

        class Handler(socketserver.StreamRequestHandler):

            def handle(self):
                while request := self._request():
                    self.wfile.write(outer._answer(request))
                    if request[0].startswith('PLAY'):
                        outer._send_frames(self.wfile)
                        return

            def _request(self):
                lines = []
                while (line := self.rfile.readline().decode().strip()):
                    lines.append(line)
                return lines

        self._server = Threads(('127.0.0.1', port), Handler)
        self.port = self._server.server_address[1]
        self.url = f'rtsp://127.0.0.1:{self.port}/stream'
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def __enter__(self):
        """Return the running server."""
        return self

    def __exit__(self, *_):
        """Hang up."""
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _answer(self, request):
        number = next(line for line in request if line.startswith('CSeq'))
        head, body = ['RTSP/1.0 200 OK', number, 'Session: 1'], ''
        if request[0].startswith('OPTIONS'):
            head.append('Public: DESCRIBE, SETUP, PLAY')
        elif request[0].startswith('DESCRIBE'):
            body = ('v=0\r\ns=test\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\nc=IN IP4 127.0.0.1\r\n'
                    f'a=rtpmap:96 MP4V-ES/{RTP_CLOCK_HZ}\r\na=control:video\r\n')
            head += ['Content-Type: application/sdp', f'Content-Length: {len(body)}']
        elif request[0].startswith('SETUP'):
            head.append('Transport: RTP/AVP/TCP;unicast;interleaved=0-1')
        return '\r\n'.join([*head, '', body]).encode()

    def _send_frames(self, stream):
        due = time.monotonic()
        for number in range(10**9):
            if self._stopping.wait(max(0.0, due - time.monotonic())):
                return
            payload = self._packets[number % len(self._packets)]
            stamp = round(number * self._period_sec * RTP_CLOCK_HZ)
            rtp = struct.pack('>BBHII', 0x80, 0x80 | 96, number % 65536, stamp, 1) + payload
            try:
                stream.write(struct.pack('>cBH', b'$', 0, len(rtp)) + rtp)
            except OSError:
                return   # the reader has hung up
            due += self._period_sec
