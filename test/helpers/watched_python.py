# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A Python of which is noted what it asks of the network, and what it writes to its home."""

import os
from pathlib import Path
import shutil
import subprocess
import sys
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
# A network namespace of its own has no way out: the kernel counts each try to find one.
NAMESPACE = ('unshare', '--map-root-user', '--net')
# What would keep telemetry silent by itself.
QUIET = ('CI', 'TF_BUILD', 'JENKINS_URL')
_WATCH = """
import os, sys

def _note(event, arguments):
    if event in ('socket.connect', 'socket.getaddrinfo', 'socket.gethostbyname', 'socket.sendto',
                 'socket.sendmsg'):
        line = f'{{event}} {{arguments}}\\n'
        notes = os.open({notes!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        os.write(notes, line.encode())
        os.close(notes)
        raise OSError('a test lets nothing out')

if {refuses}:
    sys.addaudithook(_note)
"""
_COUNT = """
def _tries():
    names, values = [line.split()[1:] for line in open('/proc/net/snmp') if line[:3] == 'Ip:']
    ip = dict(zip(names, map(int, values)))
    return ip['OutRequests'] + ip['OutNoRoutes']

import atexit
# Registered first, so it runs last: after threads that a library waits for at the end.
atexit.register(lambda: open({counted!r}, 'w').write(str(_tries())))
"""


class Watched(NamedTuple):
    """What became of it: its output, what it asked of the network, packets, files at home."""

    printed: str
    asked: str
    packets: int
    files: list[str]


def has_namespaces() -> bool:
    """Return whether this user may have a network namespace."""
    return shutil.which(NAMESPACE[0]) is not None and not subprocess.run(
        [*NAMESPACE, 'true'], stderr=subprocess.DEVNULL, check=False).returncode


def watched(folder, code, path=(), in_namespace=False):
    """
    Run code and return the Watched.

    Calls of Python's socket module are noted and refused; in a namespace they are let through, and
    what its kernel is asked to send is counted.

    :param folder: an empty one, for the home.
    :param path: folders in which modules are found before all others.
    """
    home, notes, counted = folder / 'home', folder / 'notes', folder / 'counted'
    home.mkdir()
    begin = _WATCH.format(notes=str(notes), refuses=not in_namespace)
    if in_namespace:
        begin += _COUNT.format(counted=str(counted))
    kept = {name: value for name, value in os.environ.items() if name not in QUIET}
    ended = subprocess.run(
        [*NAMESPACE * in_namespace, sys.executable, '-c', begin + code], capture_output=True,
        text=True, cwd=folder, env={
            **kept, 'HOME': str(home), 'XDG_CACHE_HOME': str(home / '.cache'),
            'PYTHONPATH': os.pathsep.join([*map(str, path), str(ROOT)])})
    assert ended.returncode == 0, ended.stderr
    return Watched(
        ended.stdout, notes.read_text() if notes.exists() else '',
        int(counted.read_text()) if counted.exists() else 0,
        sorted(str(found.relative_to(home)) for found in home.rglob('*')))
