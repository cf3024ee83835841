# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Deadlines for the workers' answers; the vendor's library has none."""

from collections.abc import Sequence
from functools import cache

from ncs_cluster_detector.policy.reliability import restart
from ncs_cluster_detector.policy.stick_status import READING_VALID_SEC
from ncs_cluster_detector.sticks.stick import OpeningStep
from ncs_cluster_detector.supervision.records.stick_record import StickRecord
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.supervision.worker_handle import WorkerHandle

# How long a stick pauses between two inferences at each throttling level, without being hung.
# Source: what the host sent to the stick in the vendor's first library version.
THROTTLE_PAUSE_SEC = (0.0, 0.1, 10.0)


def of_start(
        record: StickRecord, options: SupervisorOptions, longest_start_sec: float | None,
        others_waiting: Sequence[StickRecord], others_slow: bool = False) -> tuple[float, str]:
    """
    Return when a worker that opens its stick must answer by.

    :param longest_start_sec: the longest successful start of any stick, or None.
    :param others_waiting: the sticks that wait for their turn to start.
    :param others_slow: whether another stick was not back from its boot in time.
    :return: ``(seconds of the monotonic clock, why it is given up then)``.
    """
    handle, setbacks = record.worker, record.setbacks
    # Giving up one that is slow to boot helps nobody when the others are as slow.
    faster = [other for other in others_waiting if not other.setbacks.slow]
    is_patient = setbacks.slow == 1 or setbacks.slow and not faster
    start_sec = restart.start_deadline_sec(
        setbacks.failures, None if is_patient else longest_start_sec, options.startup_timeout_sec)
    why = ('startup_timeout_ms' if start_sec == options.startup_timeout_sec else
           f'the longest start so far took {longest_start_sec:.1f} s')
    deadlines = [(handle.started_at + start_sec, f'not ready within {start_sec:.3g} s ({why})')]
    if handle.step is OpeningStep.BOOTED:
        deadlines.append((handle.step_at + restart.ANSWER_SEC, (
            f'it has booted, and has not answered for {restart.ANSWER_SEC:g} s')))
    if handle.step is OpeningStep.OPENED and longest_start_sec is not None:
        load_sec = restart.load_deadline_sec(setbacks.failures, longest_start_sec)
        deadlines.append((handle.step_at + load_sec, (
            f'its networks are not loaded within {load_sec:.3g} s')))
    if handle.step is OpeningStep.OPENING and _may_be_overtaken(
            faster, others_waiting, longest_start_sec, others_slow):
        deadlines.append((handle.step_at + restart.BOOT_SEC, (
            f'not back from its boot within {restart.BOOT_SEC:g} s, and others wait')))
    if setbacks.holds_up() and others_waiting and longest_start_sec is not None:
        deadlines.append((handle.started_at + longest_start_sec, (
            f'not ready within {longest_start_sec:.3g} s, and others wait')))
    return min(deadlines)


def of_start_beside_others(
        handle: WorkerHandle, options: SupervisorOptions, others: int = 0) -> tuple[float, str]:
    """
    Return when a worker must answer by that opens its stick while others may start, too.

    :param others: how many others start: a library may let one at a time boot its stick, and who
        waits for that has not begun.
    """
    limit_sec = options.startup_timeout_sec
    if handle.step is OpeningStep.WAITING:
        limit_sec *= 1 + others
    return (handle.turn_at + limit_sec,
            f'not ready within {limit_sec:.3g} s (startup_timeout_ms)')


def _may_be_overtaken(
        faster: Sequence[StickRecord], others_waiting: Sequence[StickRecord],
        longest_start_sec: float | None, others_slow: bool) -> bool:
    """
    Return whether others may start before a stick that is not back from its boot.

    While only one other stick waits, which has not booted yet, there is time for a slow one; see
    StickRegister.due. And there must be a reason to expect that the others are faster: a start
    that was faster, or, before any start, that no other stick was slow.
    """
    if not faster or len(others_waiting) == 1 and not faster[0].setbacks.failures:
        return False
    if longest_start_sec is None:
        return not others_slow
    return longest_start_sec < restart.BOOT_SEC


def of_work(
        handle: WorkerHandle, options: SupervisorOptions, pause_level: int) -> tuple[float, str]:
    """
    Return when a worker whose stick is open must answer by.

    :param pause_level: the highest throttling level since the stick got its oldest frame.
    :return: ``(seconds of the monotonic clock, why it is given up then)``.
    """
    inference_sec = options.inference_timeout_sec + THROTTLE_PAUSE_SEC[pause_level]
    silence_sec = max(READING_VALID_SEC, options.inference_timeout_sec)
    silent_at = handle.heard_at + silence_sec
    if handle.busy_since is not None and handle.busy_since + inference_sec <= silent_at:
        return handle.busy_since + inference_sec, _no_result(inference_sec)
    return silent_at, _no_reading(silence_sec)


@cache   # a text takes longer to make than all the rest, and is seldom needed
def _no_reading(silence_sec: float) -> str:
    return f'no temperature reading for {silence_sec:g} s'


@cache
def _no_result(inference_sec: float) -> str:
    return f'no result within {inference_sec:g} s (inference_timeout_ms)'
