# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Random addresses of streams with credentials in every place that an address has."""

import random
import string
from urllib.parse import quote

SCHEMES = ('rtsp', 'rtsps', 'http', 'https', 'RTSP', 'rtmp', 'tls+tcp', 'srt', 'udp')
HOSTS = ('camera', 'cam.local', '192.168.1.5', '[fe80::1]', 'my-cam.example.org', 'localhost')
PATHS = ('', '/', '/stream1', '/Streaming/Channels/101', '/cam/realmonitor', '/video.cgi')
NAMES = ('password', 'PASSWORD', 'loginpas', 'loginuse', 'pwd', 'usr', 'passwd', 'pass', 'token',
         'access_token', 'apikey', 'auth', 'sig', 'key', 'sid', 'session', 'user')
UNRESERVED = string.ascii_letters + string.digits
ODD = '/#?@:%&=;+!$*(){}[]|\\^~,.-_"\'<>' + 'éß密'


def secret(chance, odd=''):
    """Return a random text of 12 to 20 characters, which is no word."""
    letters = [chance.choice(UNRESERVED) for _ in range(chance.randint(12, 20))]
    letters[5:5] = '7xQ9'   # never just a word
    for _ in range(chance.randint(1, 3) if odd else 0):
        letters[chance.randrange(1, len(letters))] = chance.choice(odd)
    return ''.join(letters)


def random_urls(number, seed, spaces=True):
    """
    Return pairs of an address and the list of secrets in it.

    :param spaces: whether secrets may hold spaces, with which nobody can tell where one ends.
    """
    chance = random.Random(seed)
    return [_random_url(chance, ODD + ' ' * spaces) for _ in range(number)]


def _random_url(chance, odd):
    secrets = []

    def new(signs=''):
        value = secret(chance, signs)
        secrets.append(value)
        if chance.random() < 0.2:
            secrets.append(quote(value, safe=''))
            return secrets[-1]
        return value

    place = chance.choice(('userinfo', 'odd userinfo', 'token@', 'path', 'key path', 'query',
                           'matrix', 'fragment', 'nested', 'all'))
    userinfo = path = ''
    if place in ('userinfo', 'all'):
        userinfo = f'admin:{new()}@'
    if place == 'odd userinfo':
        userinfo = f'admin:{new(odd)}@'
    if place == 'token@':
        userinfo = f'{new(odd)}@'
    path = chance.choice(PATHS)
    if place in ('path', 'all'):
        path += f'/{new()}'
    if place == 'key path':
        name, sign = chance.choice(NAMES), chance.choice('=/_')
        path += f'/user=admin{chance.choice("&_")}{name}{sign}{new(odd)}_channel=1.sdp'
    if place in ('matrix', 'all'):
        path += f';{chance.choice(NAMES)}={new()}'
    if place in ('query', 'all'):
        path += chance.choice(('?', '?channel=1&', '?a=b;')) + (
            f'{chance.choice(NAMES)}={new(odd)}' + chance.choice(('', '&channel=1', '&x')))
    if place == 'nested':
        path += f'?url=rtsp://me:{new()}@inner/stream'
    if place in ('fragment', 'all'):
        path += f'#{new(odd)}'
    port = chance.choice(('', ':554', ':8080'))
    scheme = chance.choice(SCHEMES) + chance.choice(('://', '://', '://', ':/'))
    return f'{scheme}{userinfo}{chance.choice(HOSTS)}{port}{path}', secrets


def revealed(text, secrets):
    """Return the secrets of which a text shows six characters in a row."""
    return [one for one in secrets
            if any(one[at:at + 6] in text for at in range(len(one) - 5))]
