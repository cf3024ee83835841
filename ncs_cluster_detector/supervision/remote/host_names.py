# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Which stick server belongs to which host that the detector is to use."""

from collections.abc import Sequence

from ncs_cluster_detector.supervision.remote.remote_host import RemoteHost
from ncs_cluster_detector.supervision.supervisor_options import Logger
from ncs_cluster_detector.wire.host_messages import ServerReport

ALL = '*'
MOST_HOSTS = 64   # one that says another name each time must not fill the memory


class HostNames:
    """
    The hosts to use, by the names that were given, and by what their servers say.

    A name means a host by its own name, by the last part of its server's namespace, or by the
    full name of its server's node or of the namespace.
    """

    def __init__(self, names: Sequence[str], logger: Logger) -> None:
        """Start with the hosts that are named, before they are heard; ``*`` names all."""
        self._names = names
        self._logger = logger
        self.hosts = [RemoteHost(name) for name in dict.fromkeys(names) if name != ALL]
        self._first_heard: dict[str, float] = {}   # servers that may be in place of another

    def with_server(self, server: str) -> RemoteHost | None:
        """Return the host of a server's process, or None."""
        return next((host for host in self.hosts
                     if host.report is not None and host.report.server == server), None)

    def host_of(self, report: ServerReport, now: float) -> RemoteHost | None:
        """
        Return the host that a report is of; None if it is not to be used, or not yet.

        A server that was started again takes the place of the one before, as soon as that is
        silent. If both speak, two hosts have the same name, and the second gets another one.
        """
        host = self.with_server(report.server)
        if host is not None or report.leaves or not self._is_wanted(report):
            return host
        taken = {host.name for host in self.hosts}
        host = next((host for host in self.hosts if host.report is None and host.name in (
            report.host, *_other_names(report))), None)
        if host is not None:
            host.name = host.name if report.host in taken else report.host
            # Another name for the same host.
            self.hosts = [other for other in self.hosts if other is host or (
                other.report is not None or other.name not in (host.name, *_other_names(report)))]
            return host
        same = [host for host in self.hosts if report.host in (
            host.name, host.report.host if host.report else '')]
        host = next((host for host in same if not host.is_heard), None)
        if host is not None:
            return host
        if len(self.hosts) >= MOST_HOSTS:
            return None
        if not same:
            return self._add(report.host)
        if len(self._first_heard) >= MOST_HOSTS:
            self._first_heard.clear()
        first_heard = self._first_heard.setdefault(report.server, now)
        if any(host.heard_at <= first_heard for host in same):
            return None
        name = next(name for number in range(2, len(taken) + 3)
                    if (name := f'{report.host}_{number}') not in taken)
        self._logger.warning(
            f'two stick servers call their host {report.host}: that of {report.node} is called '
            f'{name} here; give each host a name of its own (parameter host, or namespace)')
        return self._add(name)

    def _add(self, name: str) -> RemoteHost:
        self.hosts.append(RemoteHost(name))
        return self.hosts[-1]

    def _is_wanted(self, report: ServerReport) -> bool:
        return ALL in self._names or report.host in self._names or any(
            name in self._names for name in _other_names(report))


def _other_names(report: ServerReport) -> tuple[str, ...]:
    """Return what else a host may be called: by its server's node and namespace."""
    namespace, _, name = report.node.rpartition('/')
    return tuple(filter(None, (name, report.node, namespace, namespace.rpartition('/')[2])))
