# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The arguments of the runner, checked before anything is started."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from runner import values
from runner.names import CAMERA_NAMES
from runner.names import HOST_NAMES
from runner.names import SIMULATED
from runner.networks import Networks
from runner.networks import networks_of
from runner.one_line_parser import OneLineParser
from runner.one_line_parser import refuse

DESCRIPTION = """
Run a camera node, or several, and a detector node on simulated sticks, or with OpenVINO, show
what they do, and stop them on Ctrl-C. They see only this machine, and the parameter files are the
robot's, config/camera.yaml and config/detector.yaml, but for a few values: simulated sticks, two
at a time, a short switch cycle, and heat that comes and goes faster than in a real stick.
"""


class Options(NamedTuple):
    """
    What to run.

    ``seconds`` (None = until stopped), ``video`` and the frames a second of its source, ``out``:
    the folder of the report, ``with_profile``: whether Fast DDS gets the profile with which whole
    images arrive, the ``driver``, its ``networks``, the number of simulated ``sticks``,
    ``ambient``: the temperature in degrees Celsius of an idle one (None = the detector's default),
    ``cluster_size``: how many of them are active at a time (0 = all), the names of several
    ``cameras`` (none = one without a name), and the names of other ``hosts``, each of which has
    so many sticks (none = they are the detector's own).
    """

    seconds: float | None
    video: Path | None
    source_fps: float
    out: Path | None
    with_profile: bool = True
    driver: str = SIMULATED
    networks: Networks = Networks()
    sticks: int | None = None
    ambient: float | None = None
    cluster_size: int = values.DEFAULT_CLUSTER_SIZE
    cameras: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()


def parse(arguments: Sequence[str]) -> Options:
    """
    Return the Options in a list of command line arguments; OUT and the networks exist afterwards.

    A wrong argument ends the program with status 2 and one line on stderr.
    """
    parser = OneLineParser(prog='run', description=DESCRIPTION)
    add = parser.add_argument
    add('--seconds', metavar='N', help='stop by itself after N seconds, counted from the moment '
        'when all nodes are up: each camera has reported and at least one stick is RUNNING, '
        'or the first detection if that was earlier (without it: run until Ctrl-C)')
    add('--video', metavar='FILE', help='a video that the camera node plays, again and again '
        '(without it: a synthetic street scene)')
    add('--cameras', metavar='N', help=f'number of cameras, 1 to {len(CAMERA_NAMES)}, which share '
        f'the sticks; several are named {", ".join(CAMERA_NAMES[:3])} and so on, and each plays '
        'the video (without it: one, without a name)')
    add('--hosts', metavar='N', help=f'number of hosts with sticks, 1 to {len(HOST_NAMES)}: each '
        f'is a stick server on this machine, named {", ".join(HOST_NAMES[:3])} and so on, and the '
        'detector has no stick of its own (without it: the detector has all)')
    add('--out', metavar='DIR', help='write report.json, report.png, annotated.mp4, '
        'annotated.png and run.log there (the folder is made; older ones are replaced); of '
        'several cameras annotated_front.mp4 and so on')
    add('--fastdds-profile', metavar='none', help='leave out the transport settings of Fast DDS '
        'with which whole images arrive, ncs_cluster_detector/ros/fastdds_loopback.xml: most of '
        'them are lost then, as they are in ROS 2 by default')
    add('--driver', metavar='NAME', help='simulated (without it): simulated sticks; openvino: '
        "this machine's processor, by OpenVINO")
    add('--graphs', metavar='NAMES', help='the networks that every stick runs for every frame, '
        'with commas between them: people, faces, shapes, ONNX files, or Caffe networks '
        '(.caffemodel, its .prototxt beside it; without it: people); ssdlite (people) and res10 '
        '(faces) are fetched at their first use; with --driver openvino ssdlite or files that '
        'OpenVINO reads (without it: ssdlite)')
    add('--sticks', metavar='N', help=f'number of simulated sticks, 1 to {values.STICKS.high} '
        f'(without it: {values.STICKS.default}); with --hosts on each host, at most '
        f'{values.STICKS.high} on all (without it: {values.DEFAULT_STICKS_OF_HOST})')
    add('--cluster-size', metavar='N', help='how many of them are active at a time, 0 for all '
        f'(without it: {values.DEFAULT_CLUSTER_SIZE}, or the only one, or one a host; with '
        '--driver openvino all)')
    add('--ambient', metavar='C', help='temperature of an idle simulated stick in degrees '
        f'Celsius (without it: {values.AMBIENT.default:g})')
    given = parser.parse_args(arguments)
    try:
        driver = values.driver(given.driver)
        values.check_used(
            driver, HOSTS=given.hosts, STICKS=given.sticks, AMBIENT=given.ambient)
        video, fps = _if_given(values.video, given.video) or (None, values.DEFAULT_SOURCE_FPS)
        hosts = _if_given(values.hosts, given.hosts) or ()
        sticks = values.sticks(given.sticks, len(hosts))
        there, size = sticks, given.cluster_size
        if driver != SIMULATED:   # nobody knows yet how many there are
            there, size = values.STICKS.high, '0' if size is None else size
        # What is made comes last: networks are fetched, and the folder is created.
        return Options(
            _if_given(values.seconds, given.seconds), video, fps, driver=driver,
            with_profile=values.with_profile(given.fastdds_profile), sticks=sticks,
            ambient=_if_given(values.ambient, given.ambient),
            cluster_size=values.cluster_size(size, there, len(hosts)),
            cameras=_if_given(values.cameras, given.cameras) or (), hosts=hosts,
            networks=networks_of(_if_given(values.graphs, given.graphs) or (), driver),
            out=_if_given(values.folder, given.out))
    except ValueError as error:
        refuse(str(error))


def _if_given(read, text):
    return None if text is None else read(text)
