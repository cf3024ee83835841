# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
A cluster of real processes: camera, detector and a listener in host 0, stick servers in others.

Every stick is simulated and finds rectangles; what the listener hears is in ``record``.
"""

import json
from pathlib import Path
import sys
import time

import cluster_listener
from cluster_record import ClusterRecord
from ncs_cluster_detector.processes.module_path import python_command
import numbered_camera

ROOT = Path(__file__).resolve().parents[2]
LOCAL_PROFILE = ROOT / 'config' / 'fastdds_large_images.xml'
NETWORK_PROFILE = ROOT / 'config' / 'fastdds_network.xml'
DEADLINE_SEC = 60.0
# They stay cool for any length of a test.
STICKS = {'driver': 'simulated', 'graph_paths': ['shapes'], 'simulated.rise_celsius': 20.0}


class HostCluster:
    """The processes of a cluster in hosts, which it is given and does not end."""

    def __init__(self, hosts, folder, sticks=2, inference_ms=65.0, rate=100.0, local=False,
                 profile=NETWORK_PROFILE, camera_profile=LOCAL_PROFILE, **parameters):
        """
        Describe it; nothing runs yet.

        :param hosts: NetworkHosts or LoopbackHosts: the first one has the detector, the others
            stick servers.
        :param folder: where logs and the record go.
        :param sticks: of each server.
        :param rate: of the camera, images a second.
        :param local: the detector has all sticks itself, and there are no servers; a number of
            sticks instead of True.
        :param profile: of Fast DDS, for all processes but the camera.
        :param camera_profile: the camera's, whose images stay in its host.
        :param parameters: more of the detector.
        """
        for path in filter(None, (profile, camera_profile)):
            # Fast DDS would go on without it.
            assert Path(path).is_file(), f'there is no profile of Fast DDS at {path}'
        self.hosts, self.folder, self.rate = hosts, Path(folder), rate
        self.servers = [] if local else list(range(1, len(hosts.names)))
        self.stick_count = int(local) or sticks * len(self.servers)
        self.record = ClusterRecord(self.folder / 'record.jsonl')
        self.running = {}
        self._profile, self._camera_profile = profile, camera_profile
        simulated = STICKS | {'simulated.inference_ms': inference_ms}
        self._of_server = simulated | {'simulated.sticks': sticks}
        self._of_detector = simulated | (
            {'simulated.sticks': self.stick_count} if local else
            {'local_sticks': False, 'remote_hosts': ['*']}) | parameters

    def start(self):
        """Start all processes; return the cluster."""
        for host in self.servers:
            self.start_server(host)
        self.start_listener()
        self.start_detector()
        self.start_camera()
        return self

    def start_listener(self):
        """Start what fills the record."""
        names = [self.hosts.names[host] for host in self.servers]
        self._start(0, 'listener', [sys.executable, cluster_listener.__file__,
                                    str(self.folder / 'record.jsonl'), *names])

    def start_camera(self):
        """Start the camera."""
        self._start(0, 'camera', [sys.executable, numbered_camera.__file__, str(self.rate)])

    def start_detector(self, **parameters):
        """Start the detector, with other parameters than before."""
        self._start(0, 'detector', node_command(
            'detector_node', self._of_detector | parameters))

    def start_server(self, host, **parameters):
        """Start the stick server of a host, given by its index."""
        name = self.hosts.names[host]
        self._start(host, name, node_command(
            'stick_server', self._of_server | parameters, '-r', f'__ns:=/{name}'))

    def log(self, name):
        """Return what a process has printed: ``detector``, ``camera`` or the name of a host."""
        return (self.folder / f'{name}.log').read_text(errors='replace')

    def wait_for(self, condition, what, timeout=DEADLINE_SEC):
        """Wait for a condition on the record, which it is given; return its value, or fail."""
        deadline = time.monotonic() + timeout
        while True:
            value = condition(self.record.read())
            if value:
                return value
            for name, process in self.running.items():
                assert process.exit_code() is None, (
                    f'waiting for {what}: {name} ended ({process.exit_code()}):\n'
                    f'{process.text()[-2000:]}')
            assert time.monotonic() < deadline, (
                f'waiting for {what}: not within {timeout} s; detections {len(self.record.found)}'
                f', sticks {self.record.states()}; the detector printed:\n'
                f'{self.log("detector")[-2000:]}')
            time.sleep(0.02)

    def wait_until_running(self, count=None, after=None):
        """
        Wait until detections come and so many sticks are shown RUNNING, by default all.

        :param after: what was heard before does not count, in ns; None = before the call.
        """
        count = self.stick_count if count is None else count
        after = time.time_ns() if after is None else after
        self.wait_for(lambda record: record.between(after) and list(
            record.states(after=after).values()).count('RUNNING') >= count,
            f'{count} sticks and detections')

    def observe(self, seconds):
        """Let time pass; return when that began and ended, in ns of the wall clock."""
        begin = time.time_ns()
        time.sleep(seconds)
        end = time.time_ns()
        # What arrived before the end is in the file by then.
        self.wait_for(lambda record: any(
            one.arrival >= end for one in (*record.found[-1:], *record.shown[-1:])),
            'anything after the time that is observed')
        return begin, end

    def cpu_sec(self):
        """Return the CPU seconds of the detector, of all servers and of all their workers."""
        used = {'detector': 0.0, 'servers': 0.0, 'workers': 0.0}
        for name, process in self.running.items():
            if name in ('camera', 'listener'):
                continue
            for place, member in enumerate(process.family()):
                times = member.cpu_times()
                part = 'workers' if place else 'detector' if name == 'detector' else 'servers'
                used[part] += times.user + times.system
        return used

    def stop(self):
        """Stop all processes in order; return their exit codes by name."""
        order = sorted(self.running, key=('camera', 'detector', 'listener').__contains__)
        return {name: self.running.pop(name).stop() for name in reversed(order)}

    def forget(self, host):
        """Expect the processes of a host no longer: it was switched off."""
        for name in ('camera', 'listener', 'detector') if not host else [self.hosts.names[host]]:
            self.running.pop(name, None)

    def _start(self, host, name, command):
        environment = self.hosts.environment(
            host, self._camera_profile if name == 'camera' else self._profile)
        environment['ROS_LOG_DIR'] = str(self.folder / 'ros')
        self.running[name] = self.hosts.start(
            host, command, self.folder / f'{name}.log', environment)


def node_command(executable, parameters, *more):
    """Return the command of a node of this checkout, with parameters and more words for ROS."""
    words = [word for name, value in parameters.items()
             for word in ('-p', f'{name}:={json.dumps(value)}')]
    return [*python_command(f'from ncs_cluster_detector.executables import {executable}\n'
                            f'raise SystemExit({executable}())'), '--ros-args', *words, *more]
