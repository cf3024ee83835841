# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Shared memory for the frames of one worker; used on both sides of the process boundary.

Each slot is an anonymous memory file, given to the worker as a file descriptor: it has no name, so
nothing is left behind, however the processes end.
"""

from __future__ import annotations

from collections.abc import Sequence
import math
import mmap
import os

from ncs_cluster_detector.processes.fork_server import Descriptor
import numpy as np
import numpy.typing as npt


class FrameSlots:
    """
    The slots for the frames that a worker holds, written by the supervisor.

    A slot grows with the frames; the message holds the size. A slot is written
    again only after its result has come back.
    """

    def __init__(self, count: int) -> None:
        """Make empty slots, which take memory with their first frame."""
        self._slots = [_Slot(os.memfd_create('ncs_frame_slot')) for _ in range(count)]
        self.free = list(range(count))

    def put(self, image: npt.NDArray[np.uint8]) -> int:
        """
        Copy an image (uint8, of any shape) into a free slot and return the slot's number.

        :raises IndexError: no slot is free; ask ``free`` first.
        """
        number = self.free.pop()
        slot = self._slots[number]
        slot.reserve(image.nbytes)
        np.copyto(slot.image(*image.shape), image)
        return number

    def release(self, number: int) -> None:
        """Free a slot whose frame has its result."""
        self.free.append(number)

    def give_back(self) -> None:
        """Give the memory of all slots back to the system until the next frames; all are free."""
        for slot in self._slots:
            slot.give_back()

    def __reduce__(self) -> tuple[type[ReceivedSlots], tuple[list[Descriptor]]]:
        """Become :class:`ReceivedSlots` as an argument of the worker's process."""
        return ReceivedSlots, ([Descriptor(slot.file) for slot in self._slots],)

    def close(self) -> None:
        """Free the memory; the worker's own mapping ends with the worker."""
        for slot in self._slots:
            slot.close()


class ReceivedSlots:
    """The same slots as the worker sees them."""

    def __init__(self, files: Sequence[int]) -> None:
        """Open the slots from their file descriptors, duplicated for this process."""
        self._slots = [_Slot(file) for file in files]

    def image(self, number: int, height: int, width: int) -> npt.NDArray[np.uint8]:
        """Return the frame in a slot: uint8, height x width x 3, until the result is sent."""
        return self._read(number, height, width, 3)

    def encoded(self, number: int, size: int) -> npt.NDArray[np.uint8]:
        """Return the ``size`` bytes of the encoded frame in a slot, until the result is sent."""
        return self._read(number, size)

    def _read(self, number: int, *shape: int) -> npt.NDArray[np.uint8]:
        slot = self._slots[number]
        slot.map_at_least(math.prod(shape))
        return slot.image(*shape)


class _Slot:
    """One memory file and its mapping into this process."""

    def __init__(self, file: int) -> None:
        self.file = file
        self._map: mmap.mmap | None = None
        self._memory: npt.NDArray[np.uint8] | None = None
        self._bytes = 0
        self._is_used = False   # since the latest give_back

    def reserve(self, size: int) -> None:
        """Make the file at least ``size`` bytes long and map it."""
        if size > self._bytes:
            os.ftruncate(self.file, size)
        self.map_at_least(size)
        self._is_used = True

    def give_back(self) -> None:
        """Leave a hole in the file; both sides keep their mappings of it."""
        if self._is_used:
            assert self._map is not None
            self._map.madvise(mmap.MADV_REMOVE)
            self._is_used = False

    def map_at_least(self, size: int) -> None:
        """Map the whole file if less than ``size`` bytes of it are mapped."""
        if size > self._bytes:
            self._bytes = os.fstat(self.file).st_size
            self._map = mmap.mmap(self.file, self._bytes)
            self._memory = np.frombuffer(self._map, dtype=np.uint8)

    def image(self, *shape: int) -> npt.NDArray[np.uint8]:
        assert self._memory is not None
        return self._memory[:math.prod(shape)].reshape(shape)

    def close(self) -> None:
        self._map = self._memory = None
        self._bytes = 0
        os.close(self.file)
