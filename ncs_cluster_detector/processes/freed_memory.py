# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Gives memory that a process does not need any more back to the system."""

from contextlib import suppress
import ctypes
import mmap
import re

_libc = ctypes.CDLL(None)
_malloc_trim = getattr(_libc, 'malloc_trim', None)   # only glibc has it
_madvise = _libc.madvise
_madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
# See proc_pid_smaps(5): the first line of a mapping; the third group is there for a part of a
# library that is not written to. Libraries stay mapped until the process ends.
_MAPPING = re.compile(r'([0-9a-f]+)-([0-9a-f]+) (?:r-[-x]p .+(/.+\.so(?:\.\S+)?)$)?')


def give_back_freed_memory() -> None:
    """Give back all freed memory, also from between what is in use; without glibc do nothing."""
    if _malloc_trim is not None:
        _malloc_trim(0)


def give_back_loading() -> None:
    """
    Give back the pages of libraries that were read to load them; Linux only, else do nothing.

    Of OpenCV and NumPy that is most of what a process has in memory. Only parts that equal their
    file are given back: a page that is needed again comes from there.
    """
    with suppress(OSError), open('/proc/self/smaps') as mappings:
        for line in mappings:
            found = _MAPPING.match(line)
            if found:
                begin, end = (int(number, 16) for number in found.group(1, 2))
                is_library = found[3] is not None
            elif is_library and line.startswith('Anonymous:') and line.split()[1] == '0':
                _madvise(begin, end - begin, mmap.MADV_DONTNEED)
