# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Spoilt results."""

from ncs_cluster_detector.simulation.stick.garbage import spoil
import numpy as np

RESULT = np.arange(14, dtype=np.float16)


def test_random_bytes_are_the_same_in_every_run_and_others_for_the_next_inference():
    one, again, other = (spoil(RESULT, 'random', number) for number in (1, 1, 2))
    assert one.tobytes() == again.tobytes() != other.tobytes()
    assert (one.dtype, one.shape) == (RESULT.dtype, RESULT.shape)
    many = np.concatenate([spoil(RESULT, 'random', number) for number in range(300)])
    assert np.isnan(many).any()
    assert (many.astype(np.float32) < -1000).any()


def test_a_huge_count_stands_before_the_result():
    spoilt = spoil(RESULT, 'counts', 1)
    assert spoilt[0] == 65504.0
    assert spoilt[1:].tolist() == RESULT[1:].tolist()
    assert RESULT[0] == 0.0


def test_nothing_is_a_number():
    assert np.isnan(spoil(RESULT, 'nan', 1)).all()
    assert np.isposinf(spoil(RESULT, 'inf', 1)).all()
