# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Checks changes of state: each names its allowed predecessors."""

from collections.abc import Collection
from enum import Enum


class WrongTransitionError(Exception):
    """A state has changed in a way that is not allowed."""


def check_transition(owner: str, state: Enum, new: Enum, predecessors: Collection[Enum]) -> None:
    """
    Check that a new state may follow the present one.

    :param owner: what has the state, for the error's text.
    :raises WrongTransitionError: ``state`` is not among the ``predecessors`` of ``new``.
    """
    if state not in predecessors:
        expected = ', '.join(sorted(one.name for one in predecessors)) or 'never'
        raise WrongTransitionError(
            f'changing {owner} from {state.name} to {new.name}: expected from {expected}; this is '
            'a defect of the program: report it with its log')
