# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Asks a web server what it has at an address that is no stream; FFmpeg does not say."""

from dataclasses import dataclass
import http.client
import ssl
from urllib.error import HTTPError
from urllib.parse import unquote
from urllib.parse import urlsplit
from urllib.request import build_opener
from urllib.request import HTTPBasicAuthHandler
from urllib.request import HTTPDigestAuthHandler
from urllib.request import HTTPPasswordMgrWithDefaultRealm
from urllib.request import HTTPSHandler
from urllib.request import Request
import warnings

TIMEOUT_SEC = 2.0
ERRORS_FROM = 400
# Types of streams: the parts of MJPEG, and containers of videos.
STREAM_TYPES = ('multipart/', 'video/', 'application/vnd.apple.mpegurl', 'application/x-mpegurl')


@dataclass(frozen=True)
class HttpAnswer:
    """The head of an answer: its status and its Content-Type, or ''."""

    status: int
    content_type: str

    @property
    def is_stream(self) -> bool:
        return self.content_type.startswith(STREAM_TYPES)

    @property
    def is_refusal(self) -> bool:
        return self.status >= ERRORS_FROM

    def __str__(self) -> str:
        """Return what a person recognises, or an empty text when there is nothing."""
        if self.is_refusal:
            return f'{self.status} {http.client.responses.get(self.status, "")}'.strip()
        return self.content_type


def ask(url: str, timeout_sec: float = TIMEOUT_SEC) -> HttpAnswer | None:
    """
    Ask a web server as FFmpeg does, and stop after the head of its answer.

    :param url: the address, with user and password if it needs them.
    :param timeout_sec: how long to wait for each part of the answer.
    :return: None without an answer, or if this is no web address.
    """
    # Of a malformed challenge; it would go to the terminal.
    warnings.filterwarnings('ignore', 'Basic Auth Realm was unquoted', UserWarning)
    try:
        parts = urlsplit(url.strip())
        if parts.scheme not in ('http', 'https'):
            return None
        bare = parts._replace(netloc=parts.netloc.rpartition('@')[2], fragment='').geturl()
        with _opener(bare, parts).open(
                Request(bare, headers={'User-Agent': 'Lavf'}), timeout=timeout_sec) as answer:
            return _answer(answer.status, answer.headers)
    except HTTPError as refusal:
        with refusal:
            return _answer(refusal.code, refusal.headers)
    # Of a malformed challenge urllib raises also an IndexError.
    except (OSError, ValueError, LookupError, http.client.HTTPException):
        return None   # nothing to add to the failure of FFmpeg


def _answer(status, headers):
    content_type = (headers.get('Content-Type') or '').partition(';')[0].strip().lower()
    return HttpAnswer(status, content_type)


def _opener(bare_url, parts):
    # Many cameras have a certificate that nobody has signed; FFmpeg does not ask for one either.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    secured = HTTPSHandler(context=context)
    if parts.username is None:
        return build_opener(secured)
    passwords = HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, bare_url, unquote(parts.username), unquote(parts.password or ''))
    return build_opener(
        secured, HTTPBasicAuthHandler(passwords), HTTPDigestAuthHandler(passwords))
