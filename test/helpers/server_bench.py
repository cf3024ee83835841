# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A stick server at work on simulated sticks, without ROS; links to it, for a detector."""

import threading
import time

import cv2
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.networks.labels import PASCAL_VOC
from ncs_cluster_detector.policy.stick_status import StickState
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.networks import graphs
from ncs_cluster_detector.supervision.serving.forms import frame_of
from ncs_cluster_detector.supervision.serving.pool_server import Identity
from ncs_cluster_detector.supervision.serving.pool_server import PoolServer
from ncs_cluster_detector.supervision.supervisor_options import SupervisorOptions
from ncs_cluster_detector.wire.graph_files import GraphFiles
from ncs_cluster_detector.wire.host_messages import Answer
from ncs_cluster_detector.wire.host_messages import Claim
from ncs_cluster_detector.wire.host_messages import networks_of
from ncs_cluster_detector.wire.host_messages import ServerReport
from ncs_cluster_detector.wire.host_messages import Ticket
from ncs_cluster_detector.wire.json_form import from_json
from ncs_cluster_detector.wire.json_form import to_json
from ncs_cluster_detector.wire.messages import WorkerConfig
import numpy as np
from supervisor_bench import DEADLINE_SEC
from supervisor_bench import Log
from supervisor_bench import picture

RUNNING = StickState.RUNNING
JPEG = cv2.imencode('.jpg', picture())[1].reshape(-1)


class ServerBench:
    """
    A PoolServer in its thread, and what it has sent.

    ``take`` is called with each of its messages, in its thread.
    """

    def __init__(self, bus=BusSpec(), host='pi2', take=None,
                 graph=graphs.read_graph('shapes'), **options):
        self.log = Log()
        self.bus = SimulatedBus(bus)
        self.options = SupervisorOptions(
            workers=WorkerConfig(SimulatedDriver(self.bus), GraphFiles([graph]), (PASCAL_VOC,)),
            **options)
        self.id = f'{host}-{id(self)}'
        self.answers, self.reports, self.report_times = [], [], []
        self.take = take or (lambda message: None)
        self.server = PoolServer(
            self.options, Identity(self.id, host, f'/{host}/stick_server',
                                   networks_of(self.options.workers),
                                   f'/{host}/stick_server/frames/compressed'),
            self._keep_answer, self._keep_report, self.log)
        self._sequence = 0
        self.failure = None
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        try:
            self.server.run()
        except Exception as error:
            self.failure = error

    def _keep_answer(self, answer):
        self.answers.append(from_json(Answer, to_json(answer)))
        self.take(self.answers[-1])

    def _keep_report(self, report):
        self.report_times.append(time.monotonic())
        self.reports.append(from_json(ServerReport, to_json(report)))
        self.take(self.reports[-1])

    @property
    def is_at_work(self):
        return self._thread.is_alive()

    def wait_for(self, condition, timeout=DEADLINE_SEC):
        deadline = time.monotonic() + timeout
        while not condition():
            assert self._thread.is_alive(), f'the server has ended: {self.failure!r}'
            assert time.monotonic() < deadline, (self.log.lines, self.reports[-1:])
            threading.Event().wait(0.005)

    def wait_until_all_run(self):
        self.wait_for(lambda: self.reports and self.reports[-1].sticks and all(
            stick.state is RUNNING for stick in self.reports[-1].sticks))

    def stick(self, number):
        """Return the latest report of a stick."""
        return next(stick for stick in self.reports[-1].sticks if stick.number == number)

    def claim(self, session='a', leaves=False, restarts=()):
        """Let a detector claim the sticks."""
        self.server.take_claim(Claim(session, f'/{session}', restarts, leaves, self.id))

    def send(self, stick=0, session='a', server=None, data=JPEG, **values):
        """Let a detector send a frame; return its sequence."""
        self._sequence += 1
        ticket = Ticket(server or self.id, session, stick, self._sequence, **values)
        self.server.take_frame(frame_of(
            ticket, np.asarray(data).reshape(-1), self.server.next_number(), time.monotonic()))
        return self._sequence

    def answer_to(self, sequence, timeout=DEADLINE_SEC):
        """Wait for an answer to a frame; return it."""
        def found():
            return [answer for answer in self.answers if answer.sequence == sequence]
        self.wait_for(found, timeout)
        return found()[0]

    def stop(self):
        """End it, as the node does, and wait for that."""
        self.server.stop()
        self.wait_for_end()

    def wait_for_end(self):
        """Wait until it has ended, and all of its workers."""
        self._thread.join(DEADLINE_SEC)
        assert not self._thread.is_alive()
        assert self.server.all_ended

    def close(self):
        self.stop()
        self.bus.close()


class DirectLink:
    """
    The way between a detector's RemotePool and a ServerBench, over JSON but without ROS.

    While it ``is_cut``, or if ``loses`` says so of a message, that does not arrive.
    """

    def __init__(self, bench, remote, loses=lambda: False):
        self.bench, self._remote, self._loses = bench, remote, loses
        self.is_cut = False
        self.frames = 0
        bench.take = self._to_detector

    def _to_detector(self, message):
        if not (self.is_cut or self._loses()):
            self._remote.take(self, message)

    def send_frame(self, ticket, data, header):
        """Bring a frame to the server."""
        self.frames += 1
        if not (self.is_cut or self._loses()):
            server = self.bench.server
            server.take_frame(frame_of(
                from_json(Ticket, to_json(ticket)), np.array(data).reshape(-1),
                server.next_number(), time.monotonic()))

    def send_claim(self, claim):
        """Bring a claim to the server."""
        if not (self.is_cut or self._loses()):
            self.bench.server.take_claim(from_json(Claim, to_json(claim)))
