# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What cameras and folders may give: answers of web servers, pictures, names of files."""

from pathlib import Path
import shutil
import socket
import tempfile
import threading

import cv2
from fuzz_door import ANY_TEXT
from fuzz_door import assert_one_line
from fuzz_door import door
from fuzz_door import spoilt
from fuzz_door import st
from fuzz_door import taken_or_refused
from ncs_cluster_detector.cameras.camera import CameraError
from ncs_cluster_detector.cameras.http_answer import ask
from ncs_cluster_detector.cameras.images import natural_key
from ncs_cluster_detector.cameras.images import Pictures
from ncs_cluster_detector.pictures.decoding import decode_picture
import numpy as np

FOLDER = Path(tempfile.mkdtemp(prefix='fuzz-cameras-'))


class Server:
    """A server of one connection after the other, whose answers are bytes."""

    def __init__(self):
        self.answer = b''
        self._socket = socket.create_server(('127.0.0.1', 0))
        self.address = '127.0.0.1:{}'.format(self._socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            asked, _ = self._socket.accept()
            with asked:
                try:
                    asked.settimeout(1.0)
                    asked.recv(65536)
                    asked.sendall(self.answer)
                except OSError:
                    continue   # who asked has left


HEADS = st.sampled_from(
    [b'HTTP/1.1 200 OK\r\n', b'HTTP/1.1 401 Unauthorized\r\n', b'HTTP/1.0 404\r\n',
     b'HTTP/9 1\r\n', b'HTTP/1.1 302 Found\r\nLocation: /\r\n',
     b'HTTP/1.1 302 Found\r\nLocation: ftp://\r\n',
     b'HTTP/1.1 302 Found\r\nLocation: http://[\r\n', b'HTTP/1.1 301 M\r\nLocation: \xff\r\n',
     b'HTTP/1.1 100 Continue\r\n\r\n', b'RTSP/1.0 200 OK\r\n', b'HTTP/1.1 999999999 x\r\n', b''])
FIELDS = st.sampled_from(
    [b'Content-Type: image/jpeg\r\n', b'Content-Type: multipart/x-mixed-replace;boundary=x\r\n',
     b'Content-Length: 5\r\n', b'Content-Length: -1\r\n', b'Content-Length: x\r\n',
     b'Transfer-Encoding: chunked\r\n', b'WWW-Authenticate: Basic realm="x"\r\n',
     b'WWW-Authenticate: Digest realm="x", nonce="y"\r\n', b'WWW-Authenticate: Digest realm=\r\n',
     b'WWW-Authenticate: Digest realm=x, nonce=y, algorithm=Z, qop=auth\r\n',
     b'WWW-Authenticate: Digest\r\n', b'WWW-Authenticate: Digest ,,=\r\n',
     b'WWW-Authenticate: Digest realm="x", nonce="y", qop="auth-int", algorithm=SHA\r\n',
     b'WWW-Authenticate: Negotiate\r\n', b'WWW-Authenticate:\r\n', b': \r\n', b' folded\r\n',
     b'Content-Type: \xff\xfe\r\n', b'X: ' + b'y' * 70000 + b'\r\n', b'X: y\r\n' * 101,
     b'\0\r\n', b'Connection: keep-alive\r\n'])
CHALLENGE = st.lists(st.sampled_from(
    ['realm=', '"x"', 'x', ',', ' ', 'nonce=', 'qop=', 'auth', 'algorithm=', 'MD5', 'SHA', '=',
     '"', 'opaque=', 'stale=true', '\\']), max_size=14).map(
         lambda parts: b'WWW-Authenticate: Digest ' + ''.join(parts).encode() + b'\r\n')
server = Server()


@door(60, also=[{'answer': b'HTTP/1.1 401 U\r\nWWW-Authenticate: Digest realm=\r\n\r\n',
                 'user': 'me:secret@'},
                {'answer': b'HTTP/1.1 401 U\r\nWWW-Authenticate: Basic realm=x\r\n\r\n',
                 'user': 'me:secret@'}],
      answer=st.tuples(HEADS, st.lists(FIELDS | CHALLENGE, max_size=4).map(b''.join),
                       st.sampled_from([b'\r\n', b'', b'\r\n\xff\xd8'])).map(b''.join)
      | st.binary(max_size=60), user=st.sampled_from(['', 'me:secret@', 'me@', ':@', '%ff:%00@']))
def test_any_answer_of_a_web_server_is_told_or_not(answer, user):
    server.answer = answer
    found = ask(f'http://{user}{server.address}/video', 1.0)
    if found is not None and str(found):
        assert_one_line(str(found))
        assert found.is_stream in (True, False) and found.is_refusal in (True, False)


@door(200, url=ANY_TEXT.map(lambda text: 'http://127.0.0.1:1/' + text)
      | st.lists(st.sampled_from(['http:', '//', '@', ':', '[', ']', '127.0.0.1', ':1', '%', '\0',
                                  '#', '?', ' ', '\n', 'https:', '::1', ':x', ':99999']),
                 max_size=8).map(''.join))
def test_any_address_has_an_answer_or_none(url):
    if 'localhost' not in url:
        assert ask(url, 0.2) is None or url.startswith('http')


def encoded(ending, size=(16, 12), **options):
    image = np.random.default_rng(1).integers(0, 256, (*size, 3), np.uint8)
    return bytes(cv2.imencode(ending, image, list(options.get('flags', ())))[1])


GOOD_PICTURES = [encoded('.jpg'), encoded('.png'), encoded('.bmp'), encoded('.tiff'),
                 encoded('.webp'), encoded('.jpg', flags=(cv2.IMWRITE_JPEG_PROGRESSIVE, 1)),
                 encoded('.ppm'), b'\xff\xd8\xff\xe0']


@door(150, data=spoilt(GOOD_PICTURES) | st.binary(max_size=64))
def test_a_picture_is_decoded_or_refused(data):
    image = taken_or_refused(lambda: decode_picture(np.frombuffer(data, np.uint8)), ValueError)
    assert image is None or image.dtype == np.uint8 and image.shape[2] == 3


# Of surrogates only those that stand for bytes that are no UTF-8.
NAMES = st.text(
    st.characters(exclude_characters='/\0', exclude_categories=['Cs'])
    | st.characters(min_codepoint=0xdc80, max_codepoint=0xdcff), min_size=1, max_size=30).filter(
        lambda name: name not in ('.', '..'))


@door(40, names=st.lists(st.tuples(NAMES | st.sampled_from(['١', '²', '9' * 200, '1.', '-1']),
                                   st.sampled_from(['.jpg', '.PNG', '.tif', '.txt', '']),
                                   st.sampled_from([*GOOD_PICTURES, b'', b'text'])), max_size=5))
def test_any_folder_of_pictures_is_shown_or_refused(names):
    folder = FOLDER / 'pictures'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, ending, content in names:
        path = (name + ending).encode(errors='surrogateescape')
        Path(str(folder), path.decode(errors='surrogateescape')).write_bytes(content)
    warnings = []
    camera = taken_or_refused(lambda: Pictures(str(folder), 10.0, warnings.append), CameraError)
    for line in warnings:
        assert_one_line(line)
    for _ in range(8 if camera else 0):
        if camera.grab():
            assert camera.retrieve().ndim == 3
        else:
            camera.rewind()
    assert len(sorted((name for name, _, _ in names), key=natural_key)) == len(names)
