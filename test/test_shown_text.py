# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Tests of what may be shown of a text: no secret of an address, and nothing unprintable."""

import random
import string

from ncs_cluster_detector.shown_text import all_shown
from ncs_cluster_detector.shown_text import brief
from ncs_cluster_detector.shown_text import printable
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.shown_text import shown_url
from ncs_cluster_detector.shown_text import without_secrets
import pytest
from secret_urls import NAMES
from secret_urls import random_urls
from secret_urls import revealed


@pytest.mark.parametrize('url', [
    'http://192.168.1.5:8080/video', 'rtsp://cam.local/stream1', 'rtsp://camera', 'udp://:5000',
    'rtsp://192.168.1.9:554/h264/ch1/main/av_stream', 'rtsp://cam/Streaming/Channels/101',
    'rtsp://10.0.0.3/cam/realmonitor?channel=1&subtype=0', 'http://cam/axis-cgi/mjpg/video.cgi',
    'rtsp://[fe80::1]:8554/front_door', 'http://camera:81/?resolution=640x480',
    'rtmp://host/live/garden', 'HTTP://Cam.Local/snapshot.jpg',
    '/dev/video0', '2', '/dev/v4l/by-path/pci-0000:00:14.0-usb-0:1:1.0-video-index0',
    '/data/me@home/12:30@noon.mp4', 'people', '', 'film.mp4', 'file:///data/me@home/the eye.yaml',
    'package://robot/config/eye.yaml'])
def test_what_holds_no_credentials_is_shown_whole(url):
    assert shown_url(url) == url if not url.startswith('udp') else '...'
    assert without_secrets(f'opening {url} failed') == f'opening {shown_url(url)} failed'


@pytest.mark.parametrize('url, expected', [
    ('rtsp://user:secret@camera/stream', 'rtsp://camera/stream'),
    ('rtsp://user:s@cret@camera:554/stream', 'rtsp://camera:554/stream'),
    ('rtsp://secret@[::1]:554/stream', 'rtsp://[::1]:554/stream'),
    ('RTSP://user:secret@Camera', 'RTSP://Camera'),
    ('rtsp:/user:secret@camera/stream', 'rtsp:/camera/stream'),
    ('tls+tcp://user:secret@camera:7', 'tls+tcp://camera:7'),
    ('rstp://user:secret@camera/stream', 'rstp://camera/stream'),
    ('//user:secret@camera/stream', '//camera/stream'),
    ('user:secret@camera/stream', '...camera/stream'),
    ('rtsp//user:secret@camera', '...camera'), ('file://user:secret@camera/x', 'file://camera/x'),
    ('/run/rtsp:/user:secret@camera', '/run/rtsp:/camera'),
    ('rtsp://user:sec/re#t?@192.168.1.5:554/stream', 'rtsp://192.168.1.5:554/...'),
    ('rtsp://user:sec/ret@camera/stream', 'rtsp://...'),
    ('rtsp://user:sec ret@camera/stream', 'rtsp://camera/stream'),
    ('rtsp://user:secret/stream', 'rtsp://...'),
    ('http://camera/video?user=me&password=secret&size=1', 'http://camera/video?...'),
    ('http://camera/?channel=2&pwd=secret', 'http://camera/?channel=2&...'),
    ('http://camera/video?channel=s3cret', 'http://camera/video?...'),
    ('http://camera/video#secret', 'http://camera/video#...'),
    ('http://10.0.0.9:81/?mail=sec@ret', 'http://10.0.0.9:81/...'),
    ('http://camera/video.mjpg;jsessionid=secret', 'http://camera/...'),
    ('rtsp://camera/user=admin&password=secret&channel=1', 'rtsp://camera/...'),
    ('rtsp://camera:554/user=admin_password=secret_channel=1.sdp', 'rtsp://camera:554/...'),
    ('rtsp://camera/token/secret', 'rtsp://camera/...'),
    ('rtsps://camera:7441/s/AbCd3fGh1jKl?enableSrtp', 'rtsps://camera:7441/s/...'),
    ('http://camera/proxy?url=rtsp://me:secret@other/x', 'http://...'),
    ('camera/video?token=secret', 'camera/video?token=...')])
def test_of_an_address_with_credentials_what_is_certain_is_shown(url, expected):
    assert shown_url(url) == expected
    assert shown_url(expected) == expected
    for text in (f'opening {url} failed', f'device={url}: no; x@y', f"['{url}']"):
        safe = without_secrets(text, url)
        assert safe == text.replace(url, expected) == without_secrets(safe)


def test_every_address_in_a_text_is_hidden_and_the_rest_stays():
    assert without_secrets(
        'device=rtsp://u:p@h/x: cannot change (now http://u:p w@i:80/y?a=b); -p device:=rtsp://k'
    ) == 'device=rtsp://h/x: cannot change (now http://i:80/y?...); -p device:=rtsp://k'
    assert without_secrets("['rtsp://u:p@h/x', \"http://i/y\"]: no") == (
        "['rtsp://h/x', \"http://i/y\"]: no")
    assert without_secrets('-p device:=user:p@j -p x') == '-p ...j -p x'
    for text in ('source=http: must be one of usb', 'no such file: x', 'a@b, and 7:30 pm', ''):
        assert without_secrets(text) == text


def test_of_what_is_known_no_character_is_shown():
    url = "rtsp://camera/a 'b' \"c\"\n; secret"
    safe = 'rtsp://camera/...'
    for text in (url, ' '.join(url.split()), repr(url)[1:-1]):
        assert without_secrets(f'opening {text}: failed', url) == f'opening {safe}: failed'
    assert 'secret' in without_secrets(f'opening {url}: failed')   # so it has to be known


def test_no_secret_of_1000_random_addresses_is_shown_in_any_text():
    for url, secrets in random_urls(1000, seed=17):
        for text in (shown_url(url), without_secrets(f'{url}: no', url),
                     shown(f"device={url}: opening '{url}' failed (now {url!r})", url),
                     str(all_shown({'a': [url]}))):
            assert revealed(text, secrets) == [], (url, text)


def test_no_secret_without_spaces_is_shown_in_a_text_from_elsewhere():
    for url, secrets in random_urls(1000, seed=18, spaces=False):
        for text in (url, f'{url}: no', f"Couldn't parse '-p device:={url}'. Error: x",
                     f'<{url}> ({url}), "{url}"'):
            assert revealed(without_secrets(text), secrets) == [], (url, without_secrets(text))


@pytest.mark.parametrize('name', NAMES)
def test_a_value_with_a_telling_name_is_hidden_without_an_address(name):
    assert 'geheim' not in without_secrets(f'reading camera/x?{name}=geheim failed')


def test_what_is_not_encodable_is_escaped():
    assert printable('caf\udce9 caf\xe9 \ud800 \x1b[31m\x9b \x00') == (
        'caf\\xe9 caf\xe9 \\ud800 \\x1b[31m\\x9b \\x00')
    assert shown('one\n two\tthree\r\n') == 'one two three'
    assert shown(ValueError('x')) == 'x'
    letters = [chr(code) for code in range(0x110000)]
    printable(''.join(letters)).encode()


def test_random_texts_are_no_problem():
    chance = random.Random(3)
    signs = string.punctuation + ' ab19\n' + 'rtsp://http://user:@' * 2
    for _ in range(3000):
        text = ''.join(chance.choice(signs) for _ in range(chance.randrange(60)))
        shown(text, text[::2], text)
        shown_url(text)


def test_a_long_text_is_quoted_by_its_begin():
    assert brief('x' * 100) == 'x' * 100
    assert brief('x' * 101) == 'x' * 100 + '...'
