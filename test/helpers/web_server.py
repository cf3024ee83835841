# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A web server on 127.0.0.1 whose answers are given."""

from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
import threading
import time


class WebServer:
    """
    Answers each path with a body, and remembers what it was asked.

    ``requests`` holds the Authorization header, or None, of each request.
    """

    def __init__(self, answers, challenge=None, accepted=None, delay_sec=0.0):
        """
        Start to serve.

        :param answers: dictionary of path, without the slash, and (Content-Type or None, body).
        :param challenge: WWW-Authenticate of who does not authorise himself; None lets all in.
        :param accepted: how an Authorization header that is accepted begins.
        :param delay_sec: how long it takes to answer.
        """
        self.requests = []
        self._delay_sec = delay_sec
        self._answers, self._challenge, self._accepted = answers, challenge, accepted
        self._server = ThreadingHTTPServer(('127.0.0.1', 0), self._handler())
        self._server.daemon_threads = True
        self.address = f'127.0.0.1:{self._server.server_address[1]}'
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def url(self, path):
        """Return the address of a path."""
        return f'http://{self.address}/{path}'

    def __enter__(self):
        """Return the running server."""
        self._thread.start()
        return self

    def __exit__(self, *_):
        """Stop it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _handler(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):

            def do_GET(self):
                given = self.headers.get('Authorization')
                outer.requests.append(given)
                time.sleep(outer._delay_sec)
                if outer._challenge and not (given or '').startswith(outer._accepted):
                    self.send_response(401)
                    self.send_header('WWW-Authenticate', outer._challenge)
                    self.end_headers()
                    return
                if self.path[1:] not in outer._answers:
                    self.send_error(404)
                    return
                content_type, body = outer._answers[self.path[1:]]
                self.send_response(200)
                if content_type is not None:
                    self.send_header('Content-Type', content_type)
                self.send_header('Content-Length', str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                """Keep the tests' output clean."""

        return Handler
