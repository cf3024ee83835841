# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Makes texts fit to leave the process: in logs, statuses, answers and reports.

A text can hold the address of a stream with a password in it, or a file name that is not UTF-8,
which neither a log nor a ROS message can carry. All that is shown goes through ``shown``.
"""

import re
from typing import Any

HIDDEN = '...'
LONGEST_QUOTE = 100   # characters
# Of an address only this is shown: the scheme, the host and the port, a path as far as it is made
# of plain words and short numbers, and harmless numbers of the query. Everything else may be a
# credential, because cameras and servers take them in every place that an address has.
SCHEMES = ('https?|rtsps?|rtspu|rtspt|rtmp(?:s|e|t|te|ts)?|rtp|srtp|udp|tcp|tls|srt|rist|'
           'mms[ht]?|hls|wss?|s?ftp|webrtc|whep|unix|gopher|zmq|icecast')
BEFORE = r"""(?<![^\s'"(\[{<=|,;:])"""
ADDRESS = re.compile(
    rf'(?:{BEFORE}|(?<=/))(?:\w+\+)*(?:{SCHEMES}):[/\\]{{1,2}}(?=\S)'
    rf'|(?<!\S)(?:{SCHEMES}):(?=\S)'
    rf'|{BEFORE}(?!file:|package:)[a-z][\w+.-]{{0,11}}:[/\\]{{2}}'
    rf'|{BEFORE}//(?=[^\s/]*@)', re.IGNORECASE)
HOST = re.compile(r'(?:[^\W_][\w.-]{0,252}|\[[0-9a-f:.]+(?:%[\w.-]+)?\])(?::\d{1,5})?',
                  re.IGNORECASE)
# An address of the network can hardly be a part of a password; a name can.
NUMERIC_HOST = re.compile(
    r'(?:\d{1,3}(?:\.\d{1,3}){3}|localhost|\[[0-9a-f:.]+(?:%[\w.-]+)?\])(?::\d{1,5})?',
    re.IGNORECASE)
# A piece of a path that a person reads as a word, a number, or both (ch01, h264, stream1).
PLAIN_PIECE = re.compile(
    r'(?:[a-z]{1,8}|[A-Z][a-z]{1,7}|[A-Z]{1,5})\d{0,2}|[A-Za-z]{1,2}\d{1,3}|mpeg4|\d{1,4}p?')
LONG_WORDS = frozenset((
    'streaming', 'livestream', 'videostream', 'bytestream', 'faststream', 'realmonitor',
    'h264preview', 'mediainput', 'nphmotionjpeg', 'defaultprimary', 'defaultsecondary',
    'multicast', 'videofeed'))
MOST_PIECES = 3
CREDENTIAL = re.compile(
    r'pass|pwd|psw|token|secret|key|auth|login|user|usr|cred|session|account|admin|sign|'
    r'(?<![a-z])(?:sig|sid|pw|pin)(?![a-z])', re.IGNORECASE)
PLAIN_QUERY = re.compile(
    r'(?:channel|subtype|stream|camera|profile|resolution|fps|width|height|quality|action)='
    r'\d{1,4}(?:x\d{1,4})?', re.IGNORECASE)
# No name is longer than 99 before or after that word: for a long text it would take minutes.
# Without a scheme: user:password@, unless it is a path; password=... where a word may begin.
NO_PATH = r'(?![/~]|\.\.?/|file:///)'
LOOSE_USERINFO = re.compile(
    rf"""(?<![^\s'"(\[=,]){NO_PATH}[^\s'"(=:]+:\S*@""", re.IGNORECASE)
WHOLE_USERINFO = re.compile(rf'\s*{NO_PATH}[^@:]*:[^@]*@', re.IGNORECASE)
LOOSE_VALUE = re.compile(
    rf'((?:^|[\s\'"?&;#/])[^\s=&;/]{{0,99}}(?:{CREDENTIAL.pattern})[^\s=&;/]{{0,99}}=)'
    r'[^\s\'"]+?(?=[:;,)]*(?:[\s\'"]|$))', re.IGNORECASE)
# What is no address but the end of a sentence around it.
TRAILING = ''':;,.)]}>'"'''
UNPRINTABLE = re.compile('[\ud800-\udfff\x00-\x08\x0e-\x1f\x7f-\x9f]')


def shown(text: object, *known: str) -> str:
    """
    Return a text as it may be shown: on one line, without secrets, and encodable.

    :param text: a text, or anything that has one, such as an exception.
    :param known: texts that may be addresses and may occur in it, such as the value of a
        parameter: a known address is hidden whatever characters it holds.
    """
    return ' '.join(printable(without_secrets(str(text), *known)).split())


def all_shown(value: Any) -> Any:
    """
    Return a value as it may be shown, with all texts in it.

    :param value: of a parameter, or dictionaries and lists of such.
    """
    if isinstance(value, str):
        return printable(shown_url(value))
    if isinstance(value, dict):
        return {key: all_shown(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [all_shown(entry) for entry in value]
    return value


def printable(text: str) -> str:
    r"""
    Return a text that can be encoded in UTF-8 and holds no command for a terminal.

    A byte of a file name that is not UTF-8, which Python keeps as a surrogate, is written like
    ``\xe9``, and so is a control character; line breaks and tabs stay.
    """
    return UNPRINTABLE.sub(_escaped, text)


def brief(text: str) -> str:
    """Return a text that a line may quote: of a long one the begin."""
    return text if len(text) <= LONGEST_QUOTE else f'{text[:LONGEST_QUOTE]}...'


def _escaped(match):
    code = ord(match[0])
    if code >= 0xd800 and not 0xdc80 <= code <= 0xdcff:
        return f'\\u{code:04x}'
    return f'\\x{code & 0xff:02x}'


def without_secrets(text: str, *known: str) -> str:
    """
    Return a text in which every address is as ``shown_url`` shows it.

    :param known: texts that may be addresses and may occur in it.
    """
    for value in sorted(filter(None, known), key=len, reverse=True):
        safe = shown_url(value)
        if safe != value:
            for form in {value, value.strip(), ' '.join(value.split()), repr(value)[1:-1]}:
                text = text.replace(form, safe)
    matches = list(ADDRESS.finditer(text))
    starts = [match.start() for match in matches] + [len(text)]
    parts = [_without_loose_secrets(text[:starts[0]])]
    for match, end in zip(matches, starts[1:]):
        parts.append(match[0] + _rest_without_secrets(text[match.end():end]))
    return ''.join(parts)


def shown_url(url: str) -> str:
    """
    Return an address as it may be shown; a text that is none is returned as it is.

    ``rtsp://user:password@host:554/stream1?token=x`` becomes ``rtsp://host:554/stream1?...``. If a
    password may hold the signs that separate the parts of an address, the host is not certain, and
    only the scheme is left.
    """
    match = ADDRESS.search(url)
    if match is None:
        if WHOLE_USERINFO.match(url):
            return HIDDEN + url.rpartition('@')[2]
        return _without_loose_secrets(url)
    before = _without_loose_secrets(url[:match.start()])
    return before + match[0] + _shown_rest(url[match.end():])


def _rest_without_secrets(rest):
    """Return the rest of an address behind its scheme, which may go on with other words."""
    word = re.match(r'\S*', rest)[0]
    authority = re.split(r'[/\\?#]', word, maxsplit=1)[0].rstrip(TRAILING)
    if authority and '@' not in word and not HOST.fullmatch(authority):
        # A password may hold spaces.
        line = rest.split('\n', 1)[0]
        end = line.rfind('@')
        if end >= 0:
            word = line[:end + 1] + re.match(r'\S*', line[end + 1:])[0]
    core = word.rstrip(TRAILING)
    if word.startswith(HIDDEN, len(core)):
        core += HIDDEN   # it was shortened before, and should look the same
    return _shown_rest(core) + _without_loose_secrets(rest[len(core):])


def _shown_rest(rest):
    """Return what may be shown of an address behind its scheme."""
    match = re.search(r'[/\\?#]', rest)
    end = match.start() if match else len(rest)
    authority, place = rest[:end], rest[end:]
    if '@' in place:
        # Either the password holds a separating sign, or the path or the query holds an @.
        behind = re.split(r'[/\\?#]', place.rpartition('@')[2], maxsplit=1)[0]
        for host in (authority, behind):
            if NUMERIC_HOST.fullmatch(host):
                return f'{host}/{HIDDEN}'
        return HIDDEN
    host = authority.rpartition('@')[2]
    if not HOST.fullmatch(host):
        return HIDDEN
    return host + _shown_place(place)


def _shown_place(place):
    """Return what may be shown of path, query and fragment."""
    path = re.match(r'[^?#]*', place)[0]
    query, sign, _ = place[len(path):].partition('#')
    shown_path = ''
    for part in re.findall(r'/[^/]*|[^/]+', path):
        if not _is_plain(part):
            return f'{shown_path}/{HIDDEN}'
        shown_path += part
    if query in ('', '?'):
        return shown_path + query + (sign and f'#{HIDDEN}')
    pairs = []
    for pair in query[1:].split('&'):
        if not PLAIN_QUERY.fullmatch(pair):
            return f'{shown_path}?' + '&'.join([*pairs, HIDDEN])
        pairs.append(pair)
    return f'{shown_path}{query}' + (sign and f'#{HIDDEN}')


def _is_plain(part):
    """Return whether a part of a path, with its slash, is nothing but words and numbers."""
    name = part.removeprefix('/')
    if name in ('', HIDDEN):
        return True
    pieces = re.split('[-_.]', name)
    return len(pieces) <= MOST_PIECES and not CREDENTIAL.search(name) and all(
        PLAIN_PIECE.fullmatch(piece) or piece.lower() in LONG_WORDS for piece in pieces)


def _without_loose_secrets(text):
    # Without the sign that they need these expressions take long for a long text.
    text = LOOSE_USERINFO.sub(HIDDEN, text) if '@' in text else text
    return LOOSE_VALUE.sub(rf'\1{HIDDEN}', text) if '=' in text else text


def texts_in(value: object) -> list[str]:
    """Return all texts in the value of a parameter, or in a list of values."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)):
        return [text for entry in value for text in texts_in(entry)]
    return []
