# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Invented cameras for the tests of the grab thread."""

import threading

from ncs_cluster_detector.cameras.camera import Camera


class Film(Camera):
    """Some frames, then the end."""

    def __init__(self, frames, fps=1000.0):
        """Prepare."""
        self.frames, self.fps = frames, fps
        self.number = -1
        self.rewound = 0

    def grab(self):
        """Go on."""
        self.number += 1
        return self.number < self.frames

    def retrieve(self):
        """Return the number in place of a picture."""
        return self.number

    def rewind(self):
        """Go back."""
        self.number = -1
        self.rewound += 1


class Tap(Camera):
    """A live camera that delivers when the test says so."""

    live = True

    def __init__(self):
        """Prepare."""
        self.permits = threading.Semaphore(0)
        self.number = -1
        self.broken = None
        self.retrieved = 0
        self.damaged = False
        self.closed = False

    def grab(self):
        """Wait for the test."""
        self.permits.acquire()
        if self.broken:
            raise self.broken
        self.number += 1
        return True

    def retrieve(self):
        """Return the number in place of a picture."""
        self.retrieved += 1
        return None if self.damaged else self.number

    def close(self):
        """Note it."""
        self.closed = True

    def deliver(self, count=1):
        """Let the camera deliver."""
        self.permits.release(count)

    def break_with(self, error):
        """Let the camera fail."""
        self.broken = error
        self.permits.release()


class Log:
    """Takes the lines."""

    def __init__(self):
        """Start empty."""
        self.lines = []

    def info(self, line):
        """Note a line."""
        self.lines.append(('info', line))

    def error(self, line):
        """Note a line."""
        self.lines.append(('error', line))
