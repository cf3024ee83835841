# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""What the detector logs about other hosts and their sticks."""

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.supervision.remote.remote_host import RemoteHost
from ncs_cluster_detector.supervision.remote.remote_stick import RemoteStick
from ncs_cluster_detector.supervision.snapshot import HostState
from ncs_cluster_detector.supervision.supervisor_options import Logger


# A detector that was started again waits until servers no longer hear the process before it.
PREDECESSOR_SEC = 2.0


class RemoteLog:
    """Logs what happens to hosts, in one line each, and what their servers say of sticks."""

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        # By the number of a stick: whether it runs, and its restarts, as last logged.
        self._logged: dict[int, tuple[bool, int]] = {}
        # By the name of a host: the session of another detector, and since when it serves it;
        # infinite when that is logged.
        self._taken: dict[str, tuple[str, float]] = {}

    def host_joined(self, host: RemoteHost) -> None:
        """Log that a host serves this detector, and how long it was silent before."""
        assert host.report is not None
        self._taken.pop(host.name, None)
        silent_sec, host.was_silent_sec = host.was_silent_sec, None
        after = '' if silent_sec is None else f' again, after {silent_sec:.1f} s of silence'
        sticks = _sticks_of(host) or 'no stick yet'
        self._logger.info(
            f'host {host.name} ({host.report.node}) serves this detector{after}: {sticks}')

    def host_lost(self, host: RemoteHost) -> None:
        """Log that a host cannot be used."""
        if host.state not in (HostState.FREE, HostState.TAKEN):
            sticks = _sticks_of(host)
            self._logger.error(
                host.complaint + (f'; {sticks} left out until it is back' if sticks else ''))

    def never_heard(self, host: RemoteHost) -> None:
        """Log that a host that is named was not heard since the start."""
        self._logger.warning(
            f'host {host.name} was not heard yet: is its stick_server running, in this '
            'ROS_DOMAIN_ID, and is its name right? It joins when it is heard')

    def taken(self, host: RemoteHost, now: float) -> None:
        """Log that a host goes on serving another detector."""
        assert host.report is not None
        owner, since = self._taken.get(host.name, ('', now))
        if owner != host.report.owner:
            since = now
        if now >= since + PREDECESSOR_SEC:
            self._logger.warning(f'{host.complaint}; its sticks are used when it is free')
            since = float('inf')
        self._taken[host.name] = host.report.owner, since

    def stick(self, stick: RemoteStick) -> None:
        """Log that a stick is ready or has failed, if that is news and its host is heard."""
        if stick.state is StickState.ABSENT:
            return
        runs, restarts = stick.state is StickState.RUNNING, stick.report.restarts
        ran, known_restarts = self._logged.get(stick.number, (False, restarts))
        self._logged[stick.number] = runs, restarts
        if restarts > known_restarts:
            self._logger.error(f'stick {stick.number} ({stick.device_name}): '
                               f'{shown(stick.report.last_error)}; its stick server starts it '
                               'again')
        if runs and (not ran or restarts > known_restarts):
            self._logger.info(f'stick {stick.number} ({stick.device_name}) is ready')

    def restart(self, stick: RemoteStick, reason: str) -> None:
        """Log that a stick is to be started again."""
        self._logger.error(f'stick {stick.number} ({stick.device_name}): {reason}')


def _sticks_of(host: RemoteHost) -> str:
    numbers = ', '.join(str(stick.number) for stick in host.known)
    return f'stick {numbers}' if len(host.known) == 1 else f'sticks {numbers}' if numbers else ''
