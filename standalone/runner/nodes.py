# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The nodes of a run: their parameters and commands, and a node's end in words."""

from collections.abc import Mapping
import json
from pathlib import Path
import signal
import sys
from typing import Any

from ncs_cluster_detector.checking.environment import loopback_environment
from ncs_cluster_detector.parameters.camera_names import frame_of
from ncs_cluster_detector.ros.environment import LOOPBACK_PROFILE
from runner.arguments import Options
from runner.names import below
from runner.names import DETECTOR
from runner.names import SIMULATED
from runner.names import STICK_SERVER

ROOT = Path(__file__).resolve().parents[2]
# The differences to a robot: no hardware, and a viewer who does not wait for minutes. A real stick
# takes 120 s for 63 % of its way to the final temperature.
TIME_CONSTANT_SEC = 20.0   # of simulated sticks
SHORT_CYCLE = {'cluster_switch_cycle_ms': 5000}
# With the name of its node each status tells which camera or host it is of.
WITH_NAMESPACE = {'diagnostic_updater.use_fqn': True}
EXECUTABLES = Path(sys.executable).parent


def node_commands(options: Options) -> dict[str, list[str]]:
    """Return the command of each node by its name, for the arguments.Options."""
    if options.video is None:
        camera = {'source': 'test_pattern'}
    else:
        camera = {'source': 'video', 'device': str(options.video), 'loop': True}
    networks = _given(options.networks._asdict())
    sticks = {'driver': options.driver} | networks
    if options.driver == SIMULATED:
        sticks |= {'simulated.time_constant_sec': TIME_CONSTANT_SEC} | _given({
            'simulated.sticks': options.sticks, 'simulated.ambient_celsius': options.ambient})
    detector = SHORT_CYCLE | _given({
        'cluster_size': options.cluster_size, 'cameras': list(options.cameras) or None})
    commands = {below(name, 'camera'): node_command(
        'camera', camera | _only_for(name), name) for name in options.cameras or ('',)}
    if options.hosts:
        commands |= {below(host, STICK_SERVER): node_command(
            STICK_SERVER, sticks | WITH_NAMESPACE, host) for host in options.hosts}
        # The networks must be the same there; all else of the sticks is the servers' alone.
        sticks = {'driver': SIMULATED, **networks, 'simulated.sticks': 0,
                  'remote_hosts': list(options.hosts), 'local_sticks': False}
    return commands | {DETECTOR: node_command(DETECTOR, sticks | detector)}


def _given(parameters):
    return {name: value for name, value in parameters.items() if value is not None}


def _only_for(camera):
    """Return the parameters by which the node of a named camera differs from the others."""
    return {'frame_id': frame_of(camera), **WITH_NAMESPACE} if camera else {}


def source_of(options: Options) -> str:
    """Return what the cameras show, in words."""
    video, cameras = options.video, len(options.cameras)
    if video is None:
        return f'{cameras} synthetic street scenes' if cameras else 'a synthetic street scene'
    return f'{cameras} times {video.name}' if cameras else video.name


def environment_for(
        options: Options, inherited: Mapping[str, str], domain: int) -> dict[str, str]:
    """Return the environment of all nodes in this ROS domain, from that of the caller."""
    found = loopback_environment(
        inherited, domain, LOOPBACK_PROFILE if options.with_profile else None)
    if options.hosts and not options.with_profile:
        # Where nothing is chosen, a detector with other hosts takes the profile for networks.
        found['FASTDDS_BUILTIN_TRANSPORTS'] = 'DEFAULT'
    return found


def missing_files(options: Options) -> list[Path]:
    """Return the files without which the nodes cannot start."""
    programs = [Path(program) for program, *_ in node_commands(options).values()]
    files = map(_parameter_file, ('camera', *[STICK_SERVER] * bool(options.hosts), DETECTOR))
    return [path for path in (*programs, *files) if not path.is_file()]


def shown_path(path: Path) -> Path:
    """Return a path for people: relative if it lies below the current folder."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def how_it_ended(exit_code: int) -> str:
    """Return an exit code in words; a negative one is the signal that ended the process."""
    if exit_code >= 0:
        return f'with exit code {exit_code}'
    try:
        return f'by {signal.Signals(-exit_code).name}'
    except ValueError:
        return f'by signal {-exit_code}'


def _parameter_file(name):
    return ROOT / 'config' / f'{name}.yaml'


def node_command(name: str, parameters: Mapping[str, Any], namespace: str = '') -> list[str]:
    """
    Return the command of a node with its parameter file, and other values of parameters.

    :param namespace: where it runs, without the slash before it.
    """
    executable = name if name == STICK_SERVER else f'{name}_node'
    command = [str(EXECUTABLES / executable), '--ros-args']
    if namespace:   # first, because lists of processes show only the beginning
        command += ['-r', f'__ns:=/{namespace}']
    command += ['--params-file', str(_parameter_file(name))]
    for parameter, value in parameters.items():
        # ROS reads a value as YAML, of which JSON is a part: as JSON a path with a colon, a
        # bracket or only digits in it arrives as a text.
        command += ['-p', f'{parameter}:={json.dumps(value, ensure_ascii=False)}']
    return command
