# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Says which sticks are missing and why, and what the reserve does about it."""

from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.detector_node.explanations import judge_stick
from ncs_cluster_detector.detector_node.explanations import short_reason
from ncs_cluster_detector.detector_node.hosts.host_explanation import complaints
from ncs_cluster_detector.detector_node.hosts.host_explanation import NO_HOST
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.parameters.setting_effects import too_few_of
from ncs_cluster_detector.policy.settings import Settings
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.ros.diagnostic_status import counted
from ncs_cluster_detector.ros.diagnostic_status import make_status
from ncs_cluster_detector.ros.sticks.stick_values import stick_values
from ncs_cluster_detector.supervision.snapshot import ReserveSnapshot
from ncs_cluster_detector.supervision.snapshot import Snapshot
from ncs_cluster_detector.supervision.snapshot import StickSnapshot
from ncs_cluster_detector.supervision.supervisor_options import Logger

MOST_NAMED = 4   # sticks named in one message; the others are counted


def judge_sticks(snapshot: Snapshot, driver: str) -> tuple[bytes, str]:
    """
    Return the level and what is wrong with the sticks together, or an empty text.

    While detection is disabled, those count that could be active.

    :param driver: name of the sticks' driver.
    """
    reserve = snapshot.reserve
    if reserve is None or reserve.works_since is None:
        return _judge_without_reserve(snapshot, driver)
    can_work = reserve.usable or reserve.worker.status.state is StickState.RUNNING
    return (DiagnosticStatus.WARN if can_work else DiagnosticStatus.ERROR,
            _why_reserve_works(reserve, snapshot, driver))


def _judge_without_reserve(snapshot: Snapshot, driver: str) -> tuple[bytes, str]:
    able: Collection[int]
    if snapshot.settings.enabled:
        able, what = snapshot.active, 'active'
    else:
        able, what = _usable(snapshot), 'usable'
    lost = complaints(snapshot.hosts)
    if not snapshot.sticks:
        return DiagnosticStatus.ERROR, '; '.join(_why_none(snapshot, driver, lost))
    if not able:
        return DiagnosticStatus.ERROR, (
            f'no stick is usable: {_why_not(able, snapshot, lost)}')
    if len(able) < snapshot.asked_size:
        return DiagnosticStatus.WARN, (f'{len(able)} of {snapshot.asked_size} sticks {what}: '
                                       f'{_why_not(able, snapshot, lost)}')
    return (DiagnosticStatus.WARN, '; '.join(lost)) if lost else (DiagnosticStatus.OK, '')


def _usable(snapshot: Snapshot) -> list[int]:
    return [stick.status.number for stick in snapshot.sticks if stick.condition.reason.is_usable]


def _why_none(snapshot: Snapshot, driver: str, lost_hosts: Sequence[str]) -> list[str]:
    """Return why there is no stick, and what to check."""
    if snapshot.local_sticks:
        return [DRIVERS[driver].no_stick_found, *lost_hosts]
    return list(lost_hosts) or [NO_HOST]


def _why_not(able: Collection[int], snapshot: Snapshot, lost_hosts: Sequence[str],
             least: int | None = None,
             tell: Callable[[StickSnapshot, Settings], str] = short_reason) -> str:
    """
    Return why sticks are not among the able ones.

    :param least: how many there should be; None for the size of the cluster.
    :param tell: returns what is wrong with one stick.
    """
    reasons = [f'stick {stick.status.number} {tell(stick, snapshot.settings)}'
               for stick in snapshot.sticks
               if stick.status.number not in able and not stick.away]
    if len(reasons) > MOST_NAMED:
        reasons[MOST_NAMED:] = [f'{len(reasons) - MOST_NAMED} more']
    if len(snapshot.sticks) < (least or snapshot.asked_size):
        reasons.append(f'only {counted(len(snapshot.sticks), "stick")} found')
    return ', '.join([*lost_hosts, *reasons])


def _why_reserve_works(
        reserve: ReserveSnapshot, snapshot: Snapshot, driver: str,
        tell: Callable[[StickSnapshot, Settings], str] = short_reason) -> str:
    """Return whether it works already, and why sticks are missing, with ``tell`` as above."""
    able, lost = _usable(snapshot), complaints(snapshot.hosts)
    why = _why_not(able, snapshot, lost, snapshot.settings.reserve_below, tell) if (
        snapshot.sticks) else '; '.join(_why_none(snapshot, driver, lost))
    # While it is about to leave, nothing may be wrong any more.
    shortage = _number_usable(snapshot) + (f': {why}' if why else '')
    if reserve.worker.status.state is StickState.RUNNING:
        return f'the reserve works, {shortage}'
    if reserve.failure:
        return f'the reserve is given up, {shortage}'
    return f'the reserve is not ready, {shortage}'


def _number_usable(snapshot: Snapshot) -> str:
    """Return how many sticks are usable, as the reserve sees them."""
    usable = len(_usable(snapshot))
    return f'{usable} of {counted(len(snapshot.sticks), "stick")} usable'


def reserve_statuses(snapshot: Snapshot, now: float, owner: str) -> list[DiagnosticStatus]:
    """
    Return the status of the reserve in a list, which is empty if there is none.

    :param now: seconds of the monotonic clock.
    :param owner: prefix of its name.
    """
    reserve = snapshot.reserve
    if reserve is None:
        return []
    worker, works = reserve.worker, reserve.works_since is not None
    level, message = _judge_reserve(reserve, snapshot, now)
    state = {} if worker.device_name else {
        'state': 'STARTING' if reserve.has_begun and not reserve.failure else 'NOT_LOADED'}
    return [make_status(f'{owner}: reserve', worker.device_name or 'reserve', level, message, {
        'active': 'true' if works else 'false',
        # How hot it is matters to nobody here, and its driver may not know it.
        **stick_values(worker, None), **state,
        'frames_lost': worker.frames_lost,
        'times_worked': reserve.uses,
        'works_for_sec': f'{now - reserve.works_since:.1f}' if works else '',
        'reserve_below': snapshot.settings.reserve_below,
        'usable_sticks': reserve.usable})]


def _judge_reserve(reserve: ReserveSnapshot, snapshot: Snapshot,
                   now: float) -> tuple[bytes, str]:
    worker, works = reserve.worker, reserve.works_since is not None
    if reserve.failure:
        return DiagnosticStatus.ERROR, (
            f'given up until the node is started again: {reserve.failure}')
    when = f'when {too_few_of(snapshot.settings)} usable'
    if not reserve.has_begun:
        return DiagnosticStatus.OK, f'not loaded, starts {when}'
    state = worker.status.state
    if state is StickState.RUNNING:
        return DiagnosticStatus.OK, (
            f'works for {now - reserve.works_since:.0f} s, {_number_usable(snapshot)}' if works
            else f'loaded, works {when}')
    if not worker.device_name or state in (StickState.STARTING, StickState.QUEUED):
        level = DiagnosticStatus.WARN if works else DiagnosticStatus.OK
        return level, 'needed, and is being loaded' if works else 'is being loaded'
    return DiagnosticStatus.ERROR, judge_stick(worker, snapshot.settings, now)[1]


class ReserveLog:
    """Logs when the reserve begins to work, with what would bring the sticks back, and ends."""

    def __init__(self, logger: Logger, driver: str) -> None:
        """Log nothing yet; ``driver`` is the name of the sticks' driver."""
        self._logger = logger
        self._driver = driver
        self._uses = 0         # at the latest note
        self._inferences = 0   # before it began to work
        self._since: float | None = None   # when it did, if that is logged

    def note(self, snapshot: Snapshot, now: float) -> None:
        """Take the newest Snapshot, about once a second."""
        reserve = snapshot.reserve
        if reserve is None:
            return
        if reserve.works_since is None:
            if self._since is not None:
                self._logger.info(
                    f'the reserve rests again, {_number_usable(snapshot)}; it was needed for '
                    f'{now - self._since:.0f} s, and inferred '
                    f'{counted(reserve.worker.inferences - self._inferences, "image")}')
            self._since, self._inferences = None, reserve.worker.inferences
        elif reserve.uses > self._uses:
            self._since = reserve.works_since
            self._logger.warning(_why_reserve_works(
                reserve, snapshot.at(now), self._driver,
                lambda stick, settings: judge_stick(stick, settings, now)[1]))
        self._uses = reserve.uses
