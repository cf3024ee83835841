# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The folder of a run's files, for one run at a time, without those of an earlier one."""

from collections.abc import Sequence
from contextlib import ExitStack
import fcntl
from io import FileIO
import os
from pathlib import Path

from runner import nodes
from runner.names import CAMERA_NAMES
from runner.one_line_parser import refuse


def recorded_files(camera: str) -> tuple[str, str]:
    """Return the names of a camera's video and picture; an empty name is the only camera."""
    stem = f'annotated_{camera}' if camera else 'annotated'
    return f'{stem}.mp4', f'{stem}.png'


# Those of every number of cameras, as the earlier run may have had more of them.
REPORT_FILES = ('report.json', 'report.png', *(
    name for camera in ('', *CAMERA_NAMES) for name in recorded_files(camera)), 'run.log')


def open_log(folder: Path, stack: ExitStack, video: Path | None = None,
             files: Sequence[str] = REPORT_FILES, program: str = 'run') -> FileIO:
    """
    Take a folder for this run and return the log in it, an unbuffered binary file.

    The files of an earlier run are removed, so that they are not taken for those of this one. The
    folder itself is locked: the kernel ends the lock with the process, however that ends, and no
    file is left of it. A folder that cannot be used ends the program with status 2 and one line.

    :param folder: it exists.
    :param stack: closes it.
    :param video: what the run plays, or None.
    :param files: the names of all files that the program writes there; the last one is the log.
    :param program: its name.
    """
    name = 'files'
    if video is not None and video.resolve() in [
            (folder / name).resolve() for name in files]:
        refuse(f'VIDEO={nodes.shown_path(video)}: the run would replace it with a file of its '
               'own; name another folder as OUT, or move the video', program)
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        stack.callback(os.close, lock)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        for name in files:
            (folder / name).unlink(missing_ok=True)
        return stack.enter_context((folder / files[-1]).open('wb', buffering=0))
    except BlockingIOError:
        refuse(f'OUT={nodes.shown_path(folder)}: another run writes there now; wait until '
               'it has ended, or name another folder', program)
    except OSError as error:
        refuse(f'OUT={nodes.shown_path(folder)}: replacing {name} there failed '
               f'({error.strerror}); name another folder', program)
