# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Frame slots across a real process boundary."""

from multiprocessing import connection
import os

from ncs_cluster_detector.processes.child_process import ChildProcess
from ncs_cluster_detector.wire.frame_slots import FrameSlots
from ncs_cluster_detector.wire.frame_slots import ReceivedSlots
import numpy as np
import pytest
from shared_memory import shared_memory_names


def answer_with_sums(theirs, slots):
    """Answer each (slot, height, width), or (slot, bytes), with the sum, in a child process."""
    while True:
        request = theirs.recv()
        if request is None:
            return
        read = slots.image if len(request) == 3 else slots.encoded
        theirs.send(int(read(*request).sum()))


@pytest.fixture
def slots():
    """Return two slots."""
    slots = FrameSlots(2)
    yield slots
    slots.close()


def test_frames_of_growing_and_shrinking_size_arrive_whole(slots):
    child = ChildProcess(answer_with_sums, slots)
    random = np.random.default_rng(1)
    for height, width in [(240, 320), (720, 1280), (1, 1), (480, 640), (1080, 1920), (480, 640)]:
        image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
        number = slots.put(image)
        child.send((number, height, width))
        assert connection.wait([child.connection], 20)
        assert [*child.messages()] == [int(image.sum())]
        slots.release(number)
    child.send(None)
    assert connection.wait([child.sentinel], 20)
    assert child.how_it_ended().endswith('ended with exit code 0')
    child.close()


def test_encoded_pictures_of_any_size_arrive_whole_among_others(slots):
    child = ChildProcess(answer_with_sums, slots)
    random = np.random.default_rng(4)
    # One page less and more a byte, one byte, and whole pictures before and after.
    for shape in [(1,), (4095,), (4096,), (4097,), (48, 64, 3), (7,), (100_003,), (1, 1, 3), (2,)]:
        content = random.integers(1, 256, shape, dtype=np.uint8)
        number = slots.put(content)
        child.send((number, *(shape[:2] if len(shape) == 3 else shape)))
        assert connection.wait([child.connection], 20)
        assert [*child.messages()] == [int(content.sum())]
        slots.release(number)
    child.kill()
    child.close()


def test_an_encoded_picture_is_seen_without_what_was_in_its_slot_before(slots):
    received = ReceivedSlots([os.dup(slot.file) for slot in slots._slots])
    slots.release(slots.put(np.full(1000, 9, np.uint8)))
    number = slots.put(np.frombuffer(bytes(range(1, 14)), np.uint8))   # of a message: not writable
    np.testing.assert_array_equal(received.encoded(number, 13), range(1, 14))
    for slot in received._slots:
        slot.close()


def test_slots_that_are_given_back_take_no_memory_until_the_next_frame(slots):
    child = ChildProcess(answer_with_sums, slots)
    image = np.random.default_rng(3).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    slots.give_back()   # before any frame
    for _ in range(2):
        number = slots.put(image)
        child.send((number, 480, 640))
        assert connection.wait([child.connection], 20)
        assert [*child.messages()] == [int(image.sum())]
        assert os.fstat(slots._slots[number].file).st_blocks * 512 >= image.nbytes
        slots.release(number)
        slots.give_back()
        assert os.fstat(slots._slots[number].file).st_blocks == 0
    child.kill()
    child.close()


def test_a_slice_of_a_wider_image_is_copied_right(slots):
    wide = np.random.default_rng(2).integers(0, 256, (48, 80, 3), dtype=np.uint8)
    number = slots.put(wide[:, :64])
    np.testing.assert_array_equal(slots._slots[number].image(48, 64, 3), wide[:, :64])


def test_there_are_only_as_many_slots_as_asked_for(slots):
    image = np.zeros((2, 2, 3), dtype=np.uint8)
    assert {slots.put(image), slots.put(image)} == {0, 1}
    with pytest.raises(IndexError):
        slots.put(image)
    slots.release(1)
    assert slots.put(image) == 1


def test_nothing_is_left_when_slots_are_closed():
    def open_files():
        return len(os.listdir('/proc/self/fd'))
    before, names = open_files(), shared_memory_names()
    slots = FrameSlots(2)
    slots.put(np.zeros((480, 640, 3), dtype=np.uint8))
    assert shared_memory_names() <= names
    slots.close()
    assert open_files() == before
