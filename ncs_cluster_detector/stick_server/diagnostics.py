# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Makes the stick server's statuses on ``/diagnostics``: of the host and of its sticks."""

from collections.abc import Sequence

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.ros.diagnostic_status import counted
from ncs_cluster_detector.ros.diagnostic_status import make_status
from ncs_cluster_detector.ros.diagnostic_status import shortened
from ncs_cluster_detector.ros.sticks.stick_values import stick_values
from ncs_cluster_detector.supervision.snapshot import StickSnapshot


def statuses(sticks: Sequence[StickSnapshot], host: str, served: str, now: float, driver: str,
             owner: str, rivals: str = '') -> list[DiagnosticStatus]:
    """
    Return the statuses of the host and of every stick.

    :param served: full name of the detector's node, or empty.
    :param now: seconds of the monotonic clock.
    :param owner: prefix of the names of the statuses.
    :param rivals: what is wrong with other nodes of the same name, or empty.
    """
    return [_host(sticks, host, served, driver, owner, rivals),
            *(_stick(stick, host, now, owner) for stick in sticks)]


def _host(sticks, host, served, driver, owner, rivals):
    running = sum(stick.status.state is StickState.RUNNING for stick in sticks)
    message = f'{running} of {counted(len(sticks), "stick")} running, ' + (
        f'in the service of {served}' if served else 'no detector uses them')
    level = DiagnosticStatus.OK
    if not sticks:
        level, message = DiagnosticStatus.ERROR, DRIVERS[driver].no_stick_found
    elif not running:
        level = DiagnosticStatus.ERROR
    elif running < len(sticks):
        level = DiagnosticStatus.WARN
    if rivals:
        level, message = max(level, DiagnosticStatus.WARN), f'{message}; {rivals}'
    return make_status(f'{owner}: host {host}', host, level, message, {
        'driver': driver, 'sticks': len(sticks), 'running': running, 'detector': served})


def _stick(stick, host, now, owner):
    status = stick.status
    celsius = status.reading(now)
    level, message = DiagnosticStatus.OK, f'{counted(status.outstanding, "frame")} under way'
    if status.state is not StickState.RUNNING:
        level = DiagnosticStatus.ERROR
        message = f'{status.state.value}: {shortened(stick.last_error) or "starting"}'
    elif status.throttle_level or celsius is None and status.has_thermometer:
        level = DiagnosticStatus.WARN
        message = (f'throttles itself (level {status.throttle_level})' if status.throttle_level
                   else 'temperature unknown')
    name, device = f'{owner}: {host} stick {status.number}', f'{host}/{stick.device_name}'
    return make_status(name, device, level, message, stick_values(stick, celsius))
