# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The detector's record of another host: its stick server, and the sticks that it offers."""

from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import Protocol

from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.remote.remote_stick import RemoteStick
from ncs_cluster_detector.supervision.snapshot import HostSnapshot
from ncs_cluster_detector.supervision.snapshot import HostState
from ncs_cluster_detector.wire.host_messages import Claim
from ncs_cluster_detector.wire.host_messages import MOST_STICKS
from ncs_cluster_detector.wire.host_messages import Networks
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.host_messages import VERSION
import numpy as np
import numpy.typing as npt

# A server reports every 0.2 s, and a lost report is sent again within 50 ms: two are missing. With
# the snapshot and the message on /diagnostics, everybody knows within a second.
SILENCE_SEC = 0.6


class Link(Protocol):
    """The way to one stick server."""

    def send_frame(self, ticket: Ticket, picture: npt.NDArray[np.uint8], header: Any) -> None:
        """Send a picture: uint8, the bytes of a JPEG or PNG, or height x width x 3."""

    def send_claim(self, claim: Claim) -> None:
        """Send a claim."""


class RemoteHost:
    """
    One host: what its server said last, and its sticks by their numbers at the server.

    ``ours`` says whether this detector may use the sticks now.
    """

    def __init__(self, name: str) -> None:
        """Start before anything was heard of the host."""
        self.name = name
        self.state = HostState.NEVER_HEARD
        self.why = ''              # more about the state, for people
        self.link: Link | None = None
        self.report: ServerReport | None = None
        self.heard_at = float('-inf')
        self.told_at = float('-inf')   # when a frame was sent
        # How long it was silent before it was heard again, until it serves this detector again.
        self.was_silent_sec: float | None = None
        self.sticks: dict[int, RemoteStick] = {}
        self.known: list[RemoteStick] = []   # all that there ever were
        self.restarts: dict[int, int] = {}   # how often a restart was asked for, by stick

    @property
    def ours(self) -> bool:
        """Tell whether this detector uses the sticks."""
        return self.state is HostState.SERVES

    @property
    def is_heard(self) -> bool:
        """Tell whether reports come."""
        return self.state not in (HostState.NEVER_HEARD, HostState.SILENT)

    def claim(self, session: str, name: str, leaves: bool = False) -> None:
        """Tell the server who uses its sticks, if this detector does or may."""
        if self.state in (HostState.FREE, HostState.SERVES):
            assert self.link is not None and self.report is not None
            self.link.send_claim(Claim(session, name, tuple(sorted(self.restarts.items())),
                                       leaves, self.report.server))

    def on_report(self, report: ServerReport, session: str, networks: Networks) -> None:
        """Take in a report of its server, without those of the sticks."""
        if self.report is None or self.report.server != report.server:
            self.sticks = {}   # another process may number them otherwise
            self.restarts.clear()
        self.report = report
        self.why = ''
        difference = networks.difference(report.networks)
        if report.leaves:
            self.state, self.why = HostState.SILENT, 'its stick server has ended'
        elif report.version != VERSION:
            self.state = HostState.REFUSED
            self.why = (f'its stick server speaks version {report.version} of the messages, '
                        f'expected {VERSION}; install the same version of this package')
        elif difference:
            self.state = HostState.REFUSED
            self.why = (f'its stick server has other networks ({difference} differs); start both '
                        'with the same files and values')
        elif report.owner == session:
            self.state = HostState.SERVES
        elif report.owner:
            self.state = HostState.TAKEN
            self.why = f'{report.owner_name}; stop one of the two detectors'
        else:
            self.state = HostState.FREE

    def take_sticks(self, make: Callable[[StickReport], RemoteStick],
                    now: float) -> list[tuple[int, Frame]]:
        """
        Take in what its server reports of the sticks, which this detector uses.

        A stick keeps its record at its port, also when the server was started again.

        :param make: makes the record of a new stick.
        :return: the frames that are lost, each with the number of its stick.
        """
        assert self.report is not None
        before, self.sticks, lost = self.sticks, {}, []
        for report in self.report.sticks:
            stick = before.get(report.number)
            if stick is None:
                stick = next((one for one in self.known if one.port == port_of(report.device_name)
                              and one not in self.sticks.values()), None)
            if stick is None:
                if len(self.known) >= MOST_STICKS:   # never of a real host
                    continue
                stick = make(report)
                self.known.append(stick)
            self.sticks[report.number] = stick
            lost += [(stick.number, frame) for frame in stick.on_report(report, now)]
        left_out = [stick for stick in self.known if stick not in self.sticks.values()
                    and stick.state is not StickState.ABSENT]
        return lost + self._lose(left_out, f'host {self.name} does not list it any more', now)

    def on_silence(self) -> None:
        """Record that no report comes any more."""
        self.state, self.why = HostState.SILENT, ''

    def on_return(self) -> None:
        """Let the sticks join as new ones: what failed before was not theirs."""
        for stick in self.known:
            stick.on_return()

    def lose_sticks(self, now: float) -> list[tuple[int, Frame]]:
        """Give up all sticks, because the server cannot be used; return the frames they had."""
        return self._lose(self.known, self.complaint, now)

    @property
    def complaint(self) -> str:
        """Return what is wrong with the host, and why, in one line."""
        return self.state.complaint(self.name, self.why)

    def _lose(self, sticks: Iterable[RemoteStick], why: str,
              now: float) -> list[tuple[int, Frame]]:
        return [(stick.number, frame) for stick in sticks for frame in stick.on_absence(why, now)]

    def snapshot(self, now: float) -> HostSnapshot:
        """Return the HostSnapshot for other threads."""
        report = self.report
        return HostSnapshot(
            self.name, self.state, self.why, tuple(sorted(stick.number for stick in self.known)),
            report.node if report else '', report.owner_name if report else '',
            now - self.heard_at if report else None)
