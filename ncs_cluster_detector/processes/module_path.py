# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Keeps the current folder off Python's module path.

Python puts it there for ``python -m`` and ``python -c``, and for an empty or relative entry of
PYTHONPATH, as ``export PYTHONPATH=$PYTHONPATH:/x`` may make one. A user's own ``queue.py`` there
would be imported instead of Python's. ``-P`` and PYTHONSAFEPATH exist from Python 3.11 on, and do
not concern PYTHONPATH.
"""

import os
import sys

PACKAGE = 'ncs_cluster_detector'
# The folder that holds this package, for child processes whose module path may not lead to it.
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def leave_folder_of_option_m() -> None:
    """Take the current folder off the path after ``python -m`` with a module of this package."""
    # Python's name for the program while it looks for the module.
    if sys.argv[:1] != ['-m']:
        return
    module = sys.orig_argv[len(sys.orig_argv) - len(sys.argv)].removeprefix('-m')
    if module.partition('.')[0] == PACKAGE:
        if sys.path[:1] == [_current_folder()]:
            del sys.path[0]
        leave_current_folder()


def leave_current_folder() -> None:
    """Take the current folder off the module path of this process."""
    here, entries = _current_folder(), os.environ.get('PYTHONPATH', '').split(os.pathsep)
    sys.path[:] = filter(None, sys.path)
    if any(_is_relative_way_to(here, entry) for entry in entries) and (
            here in sys.path and here not in entries):
        sys.path.remove(here)


def python_command(program: str) -> list[str]:
    """Return the command that runs a program without modules from the current folder."""
    # From 3.13 on Python imports a module itself before the program of -c; -P exists from 3.11 on.
    safe = ['-P'] if sys.version_info >= (3, 11) else []
    # The first line needs no module that is not built into the interpreter.
    return [sys.executable, *safe, '-c',
            f'import sys; sys.path[:] = [*filter(None, sys.path), {ROOT!r}]\n{program}']


def environment_without_current_folder(
        environment: 'dict[str, str] | os._Environ[str]') -> dict[str, str]:
    """Return environment variables whose PYTHONPATH does not lead to the current folder."""
    here, kept = _current_folder(), dict(environment)
    entries = [entry for entry in kept.pop('PYTHONPATH', '').split(os.pathsep)
               if not _is_relative_way_to(here, entry)]
    return {**kept, 'PYTHONPATH': os.pathsep.join(entries)} if entries else kept


def _is_relative_way_to(folder, entry):
    if not entry or os.path.normpath(entry) == os.curdir:
        return True
    return not os.path.isabs(entry) and folder is not None and os.path.abspath(entry) == folder


def _current_folder():
    """Return the current folder, or None if it was deleted."""
    try:
        return os.getcwd()
    except OSError:
        return None
