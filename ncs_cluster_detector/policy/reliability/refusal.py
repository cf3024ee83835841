# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Decides whether the networks are at fault, not the sticks that refuse them."""

from collections.abc import Mapping
from collections.abc import Sequence
from typing import TypeAlias

# How often a stick's start has failed, and how often it gave each reason for a refusal.
Tries: TypeAlias = tuple[int, Mapping[str, int]]
# So many sticks that refuse for one reason are enough, whatever else is plugged in.
ENOUGH_STICKS = 5


def is_proven(sticks: Sequence[Tries], untried: int = 0) -> bool:
    """
    Tell whether networks that no stick has loaded yet cannot be loaded at all.

    The library judges a file by the answers of a stick, so that a stick with a bad cable refuses a
    good file. A reason is believed when two sticks give it and all others that are there have been
    tried; from a single stick when it gives it twice and the others, if there are any, have failed
    twice. Different reasons prove nothing together: for a bad file all sticks give the same.

    :param sticks: the Tries of each stick that is there.
    :param untried: how many more there are that may be tried.
    """
    return any(_is_believed(reason, sticks, untried)
               for reason in {reason for _, reasons in sticks for reason in reasons})


def _is_believed(reason: str, sticks: Sequence[Tries], untried: int) -> bool:
    refusing = [reasons[reason] for _, reasons in sticks if reason in reasons]
    if len(refusing) >= ENOUGH_STICKS:
        return True
    tries = 1 if len(refusing) > 1 else 2
    return not untried and sum(refusing) > 1 and all(failed >= tries for failed, _ in sticks)
