# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Says what is wrong with other hosts whose sticks are used."""

from collections.abc import Iterable

from diagnostic_msgs.msg import DiagnosticStatus
from ncs_cluster_detector.ros.diagnostic_status import counted
from ncs_cluster_detector.ros.diagnostic_status import make_status
from ncs_cluster_detector.supervision.snapshot import HostSnapshot
from ncs_cluster_detector.supervision.snapshot import HostState

NO_HOST = ('no stick found: no stick server is heard; is one running on another host, in this '
           'ROS_DOMAIN_ID, and its name in remote_hosts?')
_LEVELS = {HostState.SERVES: DiagnosticStatus.OK, HostState.FREE: DiagnosticStatus.WARN,
           HostState.TAKEN: DiagnosticStatus.WARN}   # ERROR for others
_NEVER_HEARD = ('is its stick_server running, in this ROS_DOMAIN_ID, and is its name right? '
                'Servers below the namespace of this node are heard')


def host_status(host: HostSnapshot, owner: str) -> DiagnosticStatus:
    """Return the status of a host; ``owner`` is the prefix of its name."""
    level = _LEVELS.get(host.state, DiagnosticStatus.ERROR)
    if host.state is HostState.SERVES:
        message = f'{counted(len(host.sticks), "stick")} in use'
    else:
        message = host.state.complaint(host.name, host.why)
        if host.state is HostState.NEVER_HEARD:
            message += f': {_NEVER_HEARD}'
        elif host.state is HostState.SILENT and not host.why:
            message += f', for {host.silent_sec:.1f} s'
    return make_status(f'{owner}: host {host.name}', host.name, level, message, {
        'state': host.state.name,
        'sticks': ','.join(map(str, host.sticks)),
        'server': host.node,
        'detector': host.owner,
        'silent_sec': 'never heard' if host.silent_sec is None else f'{host.silent_sec:.1f}'})


def complaints(hosts: Iterable[HostSnapshot]) -> list[str]:
    """Return what is wrong with hosts, one text for each that does not serve this detector."""
    return [host.state.complaint(host.name, host.why) for host in hosts
            if host.state is not HostState.SERVES]
