# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The delays between the starts of a failing worker."""

from ncs_cluster_detector.policy.reliability.refusal import ENOUGH_STICKS
from ncs_cluster_detector.policy.reliability.refusal import is_proven
import pytest

UNFIT, LARGE = 'UNSUPPORTED_GRAPH_FILE', 'OUT_OF_MEMORY'
UNTRIED, FAILED, FAILED_TWICE = (0, {}), (1, {}), (2, {})
REFUSED, REFUSED_TWICE = (1, {UNFIT: 1}), (2, {UNFIT: 2})
OTHERWISE = (1, {LARGE: 1})


@pytest.mark.parametrize('sticks, untried, expected', [
    ([], 0, False),
    ([UNTRIED], 0, False),
    ([FAILED_TWICE, FAILED_TWICE], 0, False),
    ([REFUSED], 0, False),
    ([REFUSED_TWICE], 0, True),
    ([REFUSED_TWICE], 1, False),
    ([(2, {UNFIT: 1})], 0, False),
    ([REFUSED, REFUSED], 0, True),
    ([REFUSED, REFUSED], 1, False),
    ([REFUSED, REFUSED, UNTRIED], 0, False),
    ([REFUSED, REFUSED, FAILED], 0, True),
    ([REFUSED, REFUSED, OTHERWISE], 0, True),
    ([REFUSED, OTHERWISE], 0, False),
    ([REFUSED_TWICE, OTHERWISE], 0, False),
    ([REFUSED_TWICE, (2, {LARGE: 2})], 0, True),
    ([REFUSED_TWICE, FAILED], 0, False),
    ([REFUSED_TWICE, FAILED_TWICE], 0, True),
    ([REFUSED_TWICE, UNTRIED], 0, False),
    ([REFUSED] * ENOUGH_STICKS + [UNTRIED], 3, True),
    ([REFUSED] * (ENOUGH_STICKS - 1) + [UNTRIED], 0, False)])
def test_whose_word_proves_that_the_networks_are_no_good(sticks, untried, expected):
    assert is_proven(sticks, untried) is expected
