# Copyright 2026 ncs_cluster_detector contributors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""When a failed worker is started again."""

from dataclasses import dataclass

FIRST_DELAY_SEC = 0.5
# Short enough that a stick is back within five seconds of the end of what ailed it, its reset and
# its boot of 1.5 s each included.
LONGEST_DELAY_SEC = 2.0
# A stick that fails this often without a result in between, for a minute or more, is given up for
# a long rest: it needs a hand, and each attempt keeps the others from being started.
BUDGET = 20
REST_SEC = 300.0


@dataclass(frozen=True)
class RestartPlan:
    """What follows a failure: how long to wait, and whether the stick counts as broken."""

    delay_sec: float
    fatal: bool


def after_failure(failures):
    """
    Return what follows the latest failure of a stick's worker.

    The delay doubles from half a second up to two; after twenty failures in a row the stick is
    FATAL and is tried again after five minutes.

    :param failures: failures since the stick last gave a result, this one included, at least 1.
    """
    if failures >= BUDGET:
        return RestartPlan(REST_SEC, fatal=True)
    return RestartPlan(min(FIRST_DELAY_SEC * 2 ** (failures - 1), LONGEST_DELAY_SEC), fatal=False)
