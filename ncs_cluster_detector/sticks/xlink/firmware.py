# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Find the sticks' firmware, which a host sends to a stick in its ROM.

It belongs to the vendor, so it is neither shipped nor downloaded here.
"""

import os

from ncs_cluster_detector.regular_file import read_file
from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.usb_bus import ROM_KINDS

# Where the vendor's installer puts it (api/src/Makefile: INSTALLDIR). The vendor's library looks
# in the folder ``mvnc`` beside itself (mvnc_api.c:521), also where LD_LIBRARY_PATH names it.
FOLDERS = ('/usr/local/lib/mvnc', '/usr/lib/mvnc')
_LIBRARY_PATH = 'LD_LIBRARY_PATH'
LARGEST_BYTES = 64 << 20   # the chip's memory is larger; a real one has some 2 MB


def file_name(kind: str) -> str:
    """Return the name of the firmware file for a kind of sticks, such as ``ma2450``."""
    return f'MvNCAPI-{kind}.mvcmd'


class Firmware:
    """
    Where the firmware is: a file for all sticks, a folder, or where NCSDK 2 puts it.

    It can be pickled.
    """

    def __init__(self, path: str = '', named_by: str = '-p firmware:=/path/to/it') -> None:
        """
        Look at ``path``, a file or a folder; empty means where NCSDK 2 puts it.

        :param named_by: how a user gives another path, for texts.
        """
        self._path = os.path.expanduser(path)
        self._named_by = named_by

    def check(self) -> None:
        """
        Check that there is firmware for some kind of sticks.

        :raises ValueError: there is none that can be read; the text names the parameter, what is
            wrong and the remedy.
        """
        reasons = []
        for kind in ROM_KINDS.values():
            try:
                self._content(kind)
                return
            except ValueError as error:
                reasons.append(error)
        raise ValueError(f'firmware={self._path!r}: {reasons[0]}')

    def read(self, kind: str, stick: str) -> bytes:
        """
        Return the firmware for a kind of sticks.

        :param stick: device name, for texts.
        :raises FirmwareMissingError: there is none that can be read.
        """
        try:
            return self._content(kind)
        except ValueError as error:
            raise FirmwareMissingError(f'booting stick {stick}: {error}') from error

    def _content(self, kind: str) -> bytes:
        """Return the first file that can be used; ValueError says what is wrong with others."""
        reason = ''
        for path in self._paths(kind):
            try:
                data = read_file(path, LARGEST_BYTES)
            except FileNotFoundError:
                continue
            except PermissionError:
                reason = reason or (f'{path} may not be read by this user, expected permission '
                                    'to read it; run chmod a+r on it, and a+x on its folders')
            except IsADirectoryError:
                reason = reason or f'{path} is a folder, {self._expected(kind)}'
            except OSError as error:
                reason = reason or f'reading {path}: {error.strerror}, {self._expected(kind)}'
            except ValueError as error:
                reason = reason or f'{error}, {self._expected(kind)}'
            else:
                if data:
                    return data
                reason = reason or f'{path} is an empty file, {self._expected(kind)}'
        raise ValueError(reason or f'{self._missing(kind)}, {self._expected(kind)}')

    def _paths(self, kind: str) -> list[str]:
        if os.path.isdir(self._path):
            return [os.path.join(self._path, file_name(kind))]
        if self._path:
            return [self._path]
        libraries = os.environ.get(_LIBRARY_PATH, '').split(os.pathsep)
        beside = [os.path.join(folder, 'mvnc') for folder in libraries if folder]
        # Most have no such folder; a text that names them all would not be read.
        folders = [folder for folder in beside if os.path.isdir(folder)]
        return [os.path.join(folder, file_name(kind)) for folder in (*folders, *FOLDERS)]

    def _missing(self, kind: str) -> str:
        if os.path.isdir(self._path):
            return f'the folder {self._path} has no file {file_name(kind)}'
        return f"the sticks' firmware is not there (looked for {', '.join(self._paths(kind))})"

    def _expected(self, kind: str) -> str:
        return (f'expected the file {file_name(kind)}; it is part of NCSDK 2, in api/src/mvnc '
                f'after its make, or in {FOLDERS[0]} of a machine where it is installed: copy it, '
                f'and name it with {self._named_by}')
