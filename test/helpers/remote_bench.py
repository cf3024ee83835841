# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A RemotePool in invented time, and servers of other hosts that say what a test has them say."""

from dataclasses import replace
from itertools import count

from ncs_cluster_detector.networks.detection import Detection
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.supervision.frame import Frame
from ncs_cluster_detector.supervision.remote.remote_pool import RemotePool
from ncs_cluster_detector.supervision.supervisor_options import RemoteOptions
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import Networks
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import StickReport
from ncs_cluster_detector.wire.host_messages import VERSION
from ncs_cluster_detector.wire.json_form import from_json
from ncs_cluster_detector.wire.json_form import to_json
import numpy as np
from supervisor_bench import Log

NETWORKS = Networks(('a graph',), ('labels',), 'a format')
RUNNING = StickState.RUNNING
CAR = Detection('car', 0.9, 0.1, 0.2, 0.3, 0.4)
DETECTOR = '/detector'
PERIOD_SEC = 0.2   # of a server's reports


class FakeServer:
    """
    A stick server and the link to it: keeps what it is sent, and obeys claims.

    ``sticks`` are its StickReports by number, ``says`` what else a report says; while ``is_cut``
    is true, nothing passes in either direction.
    """

    _ids = count(1)

    def __init__(self, pool, host='pi2', sticks=2, **says):
        self._pool = pool
        self.id = f'server{next(self._ids)}'
        node = says.get('node', f'/{host}/stick_server')
        self.says = {'version': VERSION, 'host': host, 'node': node, 'networks': NETWORKS,
                     'frames': f'{node}/frames/compressed', 'input_size': (30, 20), **says}
        self.sticks = {number: StickReport(number, f'1.{number + 1}-ma2450', RUNNING, 40.0, 1, 0.1)
                       for number in range(sticks)}
        self.claims, self.frames, self.held = [], [], {}
        self.owner = self.owner_name = ''
        self.is_cut = False

    def send_claim(self, claim):
        """Take a claim."""
        if self.is_cut:
            return
        self.claims.append(claim)
        if claim.leaves and claim.session == self.owner:
            self.owner = self.owner_name = ''
        elif not claim.leaves and not self.owner:
            self.owner, self.owner_name = claim.session, claim.name

    def send_frame(self, ticket, picture, header):
        """Take a frame."""
        if not self.is_cut:
            self.frames.append((ticket, picture, header))
            self.held.setdefault(ticket.stick, {})[ticket.sequence] = ticket

    def change(self, number, **values):
        """Let a stick have other values from now on."""
        self.sticks[number] = replace(self.sticks[number], **values)

    def report(self, **says):
        """Send a report, over JSON as all do."""
        sticks = tuple(replace(stick, held=tuple(self.held.get(number, ())))
                       for number, stick in self.sticks.items())
        report = ServerReport(**{
            'server': self.id, 'owner': self.owner, 'owner_name': self.owner_name,
            'sticks': sticks, **self.says, **says})
        if not self.is_cut:
            self._pool.take(self, from_json(ServerReport, to_json(report)))

    def answer(self, which=0, ticket=None, **values):
        """Answer to one of the frames that came, the oldest by default."""
        ticket = ticket or self.frames[which][0]
        self.held.get(ticket.stick, {}).pop(ticket.sequence, None)
        answer = Answer(ticket.server, ticket.session, ticket.stick, ticket.sequence, **{
            'detections': () if values.get('lost') or values.get('unreadable') else (CAR,),
            'inference_sec': 0.05, 'result_age_sec': 0.001, 'on_stick_age_sec': 0.04, **values})
        if not self.is_cut:
            self._pool.take(self, from_json(Answer, to_json(answer)))


class RemoteBench:
    """The pool, its clock, and the servers of a test."""

    def __init__(self, hosts=('*',), jpeg_quality=90, numbers=None):
        self.now = 1000.0
        self.log = Log()
        self.woken = 0
        self.pool = RemotePool(RemoteOptions(hosts, DETECTOR, NETWORKS, jpeg_quality),
                               numbers or count(), self.log, self._wake_up)
        self.servers = []
        self._sequences = count(1)
        self.results, self.lost = [], []

    def _wake_up(self):
        self.woken += 1

    def server(self, host='pi2', sticks=2, **says):
        """Return a new server, which has said nothing yet."""
        self.servers.append(FakeServer(self.pool, host, sticks, **says))
        return self.servers[-1]

    def serving(self, host='pi2', sticks=2, **says):
        """Return a new server that serves this detector."""
        server = self.server(host, sticks, **says)
        self.let_report()
        self.let_report()
        assert server.owner
        return server

    def step(self, seconds=0.0):
        """Let time pass without a word, and the pool do what is due."""
        self.now += seconds
        self.pool.receive(self.now)
        self.pool.judge(self.now)
        self.pool.views.refresh(self.now)
        self.results += self.pool.take_results()
        self.lost += self.pool.take_lost()

    def let_report(self, times=1, seconds=PERIOD_SEC):
        """Let all servers report, and time pass."""
        for _ in range(times):
            for server in self.servers:
                server.report()
            self.step()
            self.step(seconds)

    def send(self, number, frame=None):
        """Send a frame, by default a new picture, to a stick; return it."""
        if frame is None:
            frame = Frame(next(self._sequences), np.zeros((40, 60, 3), np.uint8), 'header',
                          self.now)
        self.pool.post(number, frame, self.now)
        return frame

    def states(self):
        """Return the states of all sticks by number."""
        return {number: status.state for number, status in self.pool.views.statuses.items()}

    def snapshots(self):
        """Return the StickSnapshots by number."""
        return {stick.status.number: stick for stick in self.pool.views.snapshots(self.now, ())}

    def host(self, name='pi2'):
        """Return the HostSnapshot of a host."""
        return next(host for host in self.pool.hosts(self.now) if host.name == name)

    def lines(self, *levels):
        """Return what was logged."""
        return [text for level, text in self.log.lines if not levels or level in levels]
