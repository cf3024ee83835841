# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The state of a run, gathered from diagnostics and detections; no ROS."""

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any
from typing import NamedTuple

from ncs_cluster_detector.checking import statuses
from runner.names import below
from runner.tally import DetectionTally
from runner.tally import PixelDetection


class Sample(NamedTuple):
    """The detector at one moment, in seconds since the start; one a second."""

    time_sec: float
    cluster: statuses.ReportedCluster
    sticks: tuple[statuses.ReportedStick, ...]
    cameras: tuple[statuses.ReportedCamera, ...] = ()
    hosts: tuple[statuses.ReportedHost, ...] = ()


class Change(NamedTuple):
    """A live change of a parameter, in seconds since the start; None is a value not known."""

    time_sec: float
    node: str
    name: str
    before: object
    after: object


class RunState:
    """All that was received; times are seconds of the monotonic clock, from the caller."""

    def __init__(self, started_at: float, camera_names: Sequence[str] = (),
                 host_names: Sequence[str] = ()) -> None:
        """
        Begin.

        :param camera_names: those of several cameras; none is one without a name.
        :param host_names: those of the other hosts that have the sticks, if there are any.
        """
        self.started_at = started_at
        self.camera_names = tuple(camera_names)
        self.host_names = tuple(host_names)
        self.up_at = None
        self.switched_at = None
        self.camera_nodes = {}   # by the node's name
        self.samples = []
        self.detections = DetectionTally()   # of all cameras
        self.tallies = {name: DetectionTally() for name in camera_names}
        self.parameters = {}
        self.changes = []

    @property
    def first_detection_at(self) -> float | None:
        """Return when the first message with detections came, or None."""
        return self.detections.first_at

    @property
    def cluster(self) -> statuses.ReportedCluster | None:
        """Return the newest ReportedCluster, or None."""
        return self.samples[-1].cluster if self.samples else None

    @property
    def sticks(self) -> tuple[statuses.ReportedStick, ...]:
        """Return the newest ReportedSticks."""
        return self.samples[-1].sticks if self.samples else ()

    @property
    def cameras(self) -> dict[str, statuses.ReportedCamera]:
        """Return the newest ReportedCameras by their names; there are none without names."""
        return {camera.name: camera for camera in self.samples[-1].cameras} if self.samples else {}

    @property
    def hosts(self) -> dict[str, statuses.ReportedHost]:
        """Return the newest ReportedHosts by their names."""
        return {host.name: host for host in self.samples[-1].hosts} if self.samples else {}

    def camera_node(self, camera: str) -> statuses.ReportedCameraNode | None:
        """Return the newest report of the node of a camera, or None."""
        return self.camera_nodes.get(below(camera, 'camera'))

    def take_statuses(self, published: Iterable[Any], now: float) -> None:
        """Take a DiagnosticArray's statuses (of a camera or of the detector)."""
        published = list(published)
        camera, cluster, sticks = statuses.read_statuses(published)
        if camera is not None:
            self.camera_nodes[camera.node] = camera
        if cluster is not None:
            if cluster.switches > (self.cluster.switches if self.cluster else 0):
                self.switched_at = now
            self.samples.append(Sample(now - self.started_at, cluster, sticks,
                                       statuses.read_cameras(published),
                                       statuses.read_hosts(published)))
        if self.up_at is None and self._all_are_up():
            # Diagnostics come once a second, so it may have been up before: a detection shows it.
            self.up_at = now if self.first_detection_at is None else self.first_detection_at

    def _all_are_up(self):
        """Return whether all cameras have reported, all hosts serve, and a stick is RUNNING."""
        serving = {name for name, host in self.hosts.items() if host.serves}
        return (all(map(self.camera_node, self.camera_names or ['']))
                and serving.issuperset(self.host_names)
                and any(stick.state == 'RUNNING' for stick in self.sticks))

    def take_parameters(self, node: str, values: dict[str, Any]) -> None:
        """
        Take all parameters of a node, as a dictionary by name.

        Changes since they were asked for are newer.
        """
        for index, change in enumerate(self.changes):
            if change.node == node:
                before = values.get(change.name)
                self.changes[index] = change._replace(
                    before=None if before == change.after else before)
                values[change.name] = change.after
        self.parameters[node] = values

    def take_changes(self, node: str, values: Mapping[str, Any], now: float) -> None:
        """Take the new values of some parameters of a node, as a dictionary by name."""
        known = self.parameters.get(node, {})
        for name, value in values.items():
            if name not in known or known[name] != value:
                self.changes.append(Change(
                    now - self.started_at, node, name, known.get(name), value))
        known.update(values)

    def sticks_at_work(self) -> int:
        """Return 2 when all run and as many as wanted are active, 1 when the latter, else 0."""
        size = self.parameters.get('detector', {}).get('cluster_size')
        count = len(self.sticks)
        if size is None or not count or len(self.cluster.active) < min(size or count, count):
            return 0
        return 2 if all(stick.state == 'RUNNING' for stick in self.sticks) else 1

    def take_detections(self, detections: Sequence[PixelDetection], latency_sec: float,
                        now: float, camera: str = '') -> None:
        """Take the PixelDetections of one message of a camera, and the age of its stamp."""
        self.detections.take(detections, latency_sec, now)
        if camera:
            self.tallies[camera].take(detections, latency_sec, now)

    def hottest(self) -> tuple[float, int] | None:
        """Return the highest temperature seen, as (celsius, stick number), or None."""
        seen = [(stick.celsius, stick.number) for sample in self.samples
                for stick in sample.sticks if stick.celsius is not None]
        return max(seen, default=None)

    def threshold_celsius(self) -> float | None:
        """Return the detector's switch temperature, or None while it is not known."""
        return self.parameters.get('detector', {}).get('switch_temperature')

    def critical_celsius(self) -> float | None:
        """Return the temperature at which a stick must rest, or None while it is not known."""
        margin = self.parameters.get('detector', {}).get('critical_margin')
        return None if margin is None else self.threshold_celsius() + margin
