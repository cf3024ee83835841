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

"""The supervisor's record of one stick, which outlives the stick's workers."""

from ncs_cluster_detector.policy import restart
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.policy.stick_status import StickStatus
from ncs_cluster_detector.workers.measurement import Durations
from ncs_cluster_detector.workers.measurement import Duty
from ncs_cluster_detector.workers.snapshot import StickSnapshot


class StickRecord:
    """One stick: number, USB port, the state of its worker, and its figures."""

    def __init__(self, number, device_name, now):
        """Start with a stick that waits for its first worker."""
        self.number = number
        self.device_name = device_name
        self.state = StickState.BACKOFF
        self.start_at = now     # when a new worker is due, in BACKOFF and FATAL
        self.handle = None
        self.restarts = 0
        self.inferences = 0
        self.last_error = ''
        self._failures = 0
        self._celsius = None
        self._measured_at = None
        self._throttle_level = 0
        self._last_given_at = float('-inf')
        self._duty = Duty(now)
        self._inference_times = Durations()

    def wants_worker(self, now):
        """Tell whether a worker is due."""
        return self.handle is None and now >= self.start_at

    def starting(self, handle):
        """Take a worker that opens this stick (BACKOFF, FATAL or ABSENT -> STARTING)."""
        self.handle = handle
        self.state = StickState.STARTING

    def running(self):
        """Take note that the stick is open (STARTING -> RUNNING)."""
        self.state = StickState.RUNNING

    def failed(self, text, now):
        """Take note of a failure (STARTING or RUNNING -> BACKOFF or FATAL); return the plan."""
        self._failures += 1
        self.restarts += 1
        self.last_error = text
        plan = restart.after_failure(self._failures)
        self.state = StickState.FATAL if plan.fatal else StickState.BACKOFF
        self.start_at = now + plan.delay_sec
        self._drop_worker(now)
        return plan

    def absent(self, now, look_again_at):
        """Take note that the stick is not plugged in (any state -> ABSENT)."""
        self.state = StickState.ABSENT
        self.start_at = look_again_at
        self._drop_worker(now)

    def given(self, now):
        """Take note of a frame given to the stick."""
        self._last_given_at = now
        self._duty.begin(now)

    def inferred(self, inference_sec, now):
        """Take note of a result; a stick that gives results has no failures to its name."""
        self.inferences += 1
        self._failures = 0
        self._inference_times.add(inference_sec)
        if not self.handle.outstanding:
            self._duty.end(now)

    def measured(self, reading):
        """Take in a temperature reading."""
        self._celsius = reading.celsius
        self._measured_at = reading.measured_at
        self._throttle_level = reading.throttle_level

    def status(self):
        """Return what the policies know of this stick."""
        return StickStatus(
            number=self.number, state=self.state, celsius=self._celsius,
            measured_at=self._measured_at, throttle_level=self._throttle_level,
            outstanding=len(self.handle.outstanding) if self.handle else 0,
            last_given_at=self._last_given_at)

    def snapshot(self, now, active):
        """Return the record's public face."""
        return StickSnapshot(
            status=self.status(), device_name=self.device_name, active=active,
            duty_60s=self._duty.share(now), inferences=self.inferences,
            inference_p50_sec=self._inference_times.percentile(50), restarts=self.restarts,
            last_error=self.last_error, pid=self.handle.pid if self.handle else None)

    def _drop_worker(self, now):
        self.handle = None
        self._duty.end(now)
        self._celsius = None
        self._throttle_level = 0
