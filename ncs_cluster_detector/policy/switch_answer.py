# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The answer to somebody who asked for a change of the cluster."""

from ncs_cluster_detector.policy.reliability.standing import Standing
from ncs_cluster_detector.policy.rotation import FORCED_REST_LEVEL
from ncs_cluster_detector.policy.stick_status import StickState

_WHY_NOT = {
    Standing.DOUBTED: 'is in doubt: it failed or was late just now',
    Standing.SLOW: 'is slower than the others',
    Standing.BLIND: 'tells no temperature',
    Standing.USELESS: 'is too slow',
    Standing.SPENT: 'tells no temperature',
    Standing.UNPROVEN: 'has failed, and given no results since',
    Standing.LATE: 'owes a result'}


def switch_answer(decision, sticks, heat, standings, settings):
    """
    Return whether the request was met, and one line of text: what changed, or why nothing did.

    :param decision: the Decision made on the request.
    :param sticks: list of StickStatus, all sticks.
    :param heat: the ClusterHeat.
    :param standings: dictionary of Standing by stick number, of all that run.
    :param settings: the Settings in force.
    """
    if decision.left and decision.joined:
        return True, (f'{_named(decision.left)} relieved by {_named(decision.joined)}; active: '
                      f'{_named(decision.active)}')
    if decision.joined:
        return True, f'{_named(decision.joined)} joined; active: {_named(decision.active)}'
    resting = [stick for stick in sticks if stick.number not in decision.active]
    if not resting:
        return False, (f'no other stick: all {len(sticks)} are active '
                       f'(cluster_size={settings.cluster_size}); lower it, or add sticks')
    return False, 'no other stick is fit: ' + '; '.join(
        _why_not(stick, heat, standings, settings) for stick in resting)


def _why_not(stick, heat, standings, settings):
    if stick.state is not StickState.RUNNING:
        return f'stick {stick.number} is {stick.state.value}'
    why = _WHY_NOT.get(standings[stick.number])
    if why is not None:
        return f'stick {stick.number} {why}'
    if stick.throttle_level >= FORCED_REST_LEVEL:
        return f'stick {stick.number} throttles itself (level {stick.throttle_level})'
    celsius = heat.now(stick.number)
    return (f'stick {stick.number} is too hot ({celsius:.1f} C, returns below '
            f'{settings.resume_temperature:.1f} C)')


def _named(numbers):
    return f'{"stick" if len(numbers) == 1 else "sticks"} {", ".join(map(str, numbers))}'
