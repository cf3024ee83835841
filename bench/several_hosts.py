# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Measures one pool of sticks on several hosts, with real links between them that are made here.

``.venv/bin/python bench/several_hosts.py --link 100mbit --hosts 3 --sticks 2 --seconds 20`` makes
the hosts as network namespaces, which needs root: camera and detector in the first one, a stick
server with simulated sticks in each of the others. It prints one line of figures. ``--local`` has
the same number of sticks in the detector instead, to compare. ``--cut`` cuts the link of one host
again and again, ``--reboot`` switches the detector's host off and on. Without root only
``--link free`` is measured, on loopback.
"""

import argparse
from collections.abc import Callable
import json
from pathlib import Path
import sys
import tempfile
import time
from typing import Any

from camera_cpu import clean_shared_memory
from camera_cpu import ROOT

sys.path[:0] = [str(ROOT / 'test' / 'helpers'), str(ROOT)]

from cluster_record import percentile  # noqa: E402
from cluster_record import SECOND  # noqa: E402
from host_cluster import HostCluster  # noqa: E402
from host_cluster import LOCAL_PROFILE  # noqa: E402
from host_cluster import NETWORK_PROFILE  # noqa: E402
from loopback_hosts import some_hosts  # noqa: E402
from network_hosts import NetworkHosts  # noqa: E402
from network_hosts import UnavailableError  # noqa: E402

LINKS: dict[str, Callable[[Any], None]] = {
    'free': lambda hosts: None,
    '100mbit': lambda hosts: hosts.set_rate(100),
    'loss': lambda hosts: hosts.set_loss(0.01)}
WARM_SEC, DOWN_SEC = 3.0, 5.0
CUT, DETECTOR = 1, 0   # hosts
SHOWN_SEC = 2.0   # diagnostics come once a second, of a state that is renewed every 0.2 s


def measure(cluster: HostCluster, seconds: float, inference_ms: float) -> str:
    """Return the figures of a cluster that is running."""
    before = cluster.cpu_sec()
    begin, end = cluster.observe(seconds)
    after = cluster.cpu_sec()
    record = cluster.record
    frames = max(len(record.between(begin, end)), 1)
    least, most = record.window_rates(begin, end)
    possible = cluster.stick_count * 1000 / inference_ms
    cpu = ', '.join(f'{name} {1000 * (after[name] - before[name]) / frames:.2f}'
                    for name in before)
    return (f'{record.rate(begin, end):6.2f} a second ({least:.0f} to {most:.0f}), '
            f'{record.rate(begin, end) / possible:.3f} of {possible:.1f}, {order(cluster)}, '
            f'gap {record.largest_gap_sec(begin, end):.3f} s, {latency(cluster, begin, end)}, '
            f'CPU a frame: {cpu} ms')


def order(cluster: HostCluster) -> str:
    """Return what is wrong with the order and the content of all detections, in words."""
    record = cluster.record
    return (f'{record.duplicates()} twice, {record.steps_back()} back, '
            f'{len(record.wrong())} wrong')


def latency(cluster: HostCluster, begin: int, end: int) -> str:
    """Return the latencies between two times, in words."""
    took = cluster.record.latencies_ms(begin, end)
    return f'latency p50 {percentile(took, 0.5):.1f} ms, p95 {percentile(took, 0.95):.1f} ms'


def seconds_after(moment: int | None, begin: int) -> str:
    """Return how long after ``begin`` something was, in words."""
    return 'never' if moment is None else f'{(moment - begin) / SECOND:.2f} s'


def cut(cluster: HostCluster, times: int) -> str:
    """Cut the link of a host several times, print a line for each, and return the worst gap."""
    record, name = cluster.record, cluster.hosts.names[CUT]
    others = (len(cluster.servers) - 1) / len(cluster.servers)
    gaps = []
    for number in range(times):
        calm_from, calm_until = cluster.observe(DOWN_SEC)
        usual = record.rate(calm_from, calm_until)
        cluster.hosts.cut(CUT)
        gone_at = time.time_ns()
        cluster.observe(DOWN_SEC)
        back_at = time.time_ns()
        cluster.hosts.restore(CUT)
        wait_for_return(cluster, name, back_at)
        _, end = cluster.observe(SHOWN_SEC)
        gaps.append(record.largest_gap_sec(calm_from, end))
        # From when the loss is noticed; until then its frames are waited for.
        of_others = record.rate(gone_at + SECOND, back_at) / (others * usual) if others else 1.0
        print(f'    cut {number + 1:2}: gap {gaps[-1]:.3f} s, '
              f'ABSENT after {seconds_after(record.when_all("ABSENT", name, gone_at), gone_at)}, '
              f'results {seconds_after(record.first_result(name, back_at), back_at)} and RUNNING '
              f'{seconds_after(record.when_all("RUNNING", name, back_at), back_at)} after the '
              f'return, the others {of_others:.3f} of their rate', flush=True)
    return f'{times} cuts: largest gap {max(gaps, default=0.0):.3f} s, {order(cluster)}'


def wait_for_return(cluster: HostCluster, name: str, back_at: int) -> None:
    """Wait until all sticks of a host are shown RUNNING, and its results come."""
    cluster.wait_for(lambda record: record.when_all('RUNNING', name, back_at) and (
        record.first_result(name, back_at)), f'the sticks of {name} after the return of its link')


def reboot(cluster: HostCluster, times: int) -> str:
    """Switch the host of the detector off and on several times, and print a line for each."""
    slowest = 0.0
    for number in range(times):
        cluster.hosts.power_off(DETECTOR)
        cluster.forget(DETECTOR)
        time.sleep(DOWN_SEC)
        cluster.hosts.power_on(DETECTOR)
        cluster.start_listener()
        cluster.start_camera()
        cluster.start_detector()
        began = time.time_ns()
        cluster.wait_for(lambda record: record.between(began), 'the first detections')
        cluster.wait_until_running(after=began)
        first = cluster.record.between(began)[0].arrival
        slowest = max(slowest, (first - began) / SECOND)
        running = cluster.record.when_all('RUNNING', None, began)
        print(f'    start {number + 1:2}: first detections {seconds_after(first, began)} after '
              f'the start, all sticks RUNNING {seconds_after(running, began)}', flush=True)
        cluster.observe(WARM_SEC)
    return f'{times} starts: slowest {slowest:.2f} s, {order(cluster)}'


def read_arguments() -> argparse.Namespace:
    """Return the arguments of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument('--link', choices=LINKS, default='free', help='of every host')
    parser.add_argument('--hosts', type=int, default=3, help='hosts with sticks')
    parser.add_argument('--sticks', type=int, default=2, help='sticks of each host')
    parser.add_argument('--seconds', type=float, default=20.0, help='how long to measure')
    parser.add_argument('--rate', type=float, default=100.0, help='images a second')
    parser.add_argument('--inference-ms', type=float, default=65.0, help='of each stick')
    parser.add_argument('--times', type=int, default=10, help='cuts, or starts')
    parser.add_argument('--profile', type=Path, default=NETWORK_PROFILE, help='of Fast DDS')
    parser.add_argument('--camera-profile', type=Path, default=LOCAL_PROFILE, help='the same of '
                        'the camera')
    parser.add_argument('--parameter', action='append', default=[], metavar='NAME=JSON',
                        help='of the detector, such as remote_encoding=\'"raw"\'')
    parser.add_argument('--keep', type=Path, metavar='FOLDER', help='keep logs and record there')
    parser.add_argument('--local', action='store_true', help='all sticks at the detector')
    modes = parser.add_mutually_exclusive_group()
    modes.add_argument('--cut', action='store_true', help='cut the link of one host')
    modes.add_argument('--reboot', action='store_true', help='switch the host of the detector off')
    arguments = parser.parse_args()
    if arguments.local and arguments.cut:
        parser.error('--cut needs a host with sticks: leave out --local')
    return arguments


def run(arguments: argparse.Namespace, folder: str) -> str:
    """Run what the arguments ask for; return its line of figures."""
    count = 1 if arguments.local else arguments.hosts + 1
    is_plain = arguments.link == 'free' and not arguments.cut and not arguments.reboot
    parameters = {name: json.loads(value) for name, _, value in (
        pair.partition('=') for pair in arguments.parameter)}
    with (some_hosts if is_plain else NetworkHosts)(count) as hosts:
        LINKS[arguments.link](hosts)
        cluster = HostCluster(
            hosts, folder, arguments.sticks, arguments.inference_ms, arguments.rate,
            arguments.local * arguments.hosts * arguments.sticks, arguments.profile,
            arguments.camera_profile, **parameters)
        cluster.start()
        cluster.wait_until_running()
        cluster.observe(WARM_SEC)
        if arguments.cut:
            figures = cut(cluster, arguments.times)
        elif arguments.reboot:
            figures = reboot(cluster, arguments.times)
        else:
            figures = measure(cluster, arguments.seconds, arguments.inference_ms)
        codes = {name: code for name, code in cluster.stop().items() if code}
        if codes:
            print(f'several_hosts: exit codes {codes}', file=sys.stderr)
        where = 'local' if arguments.local else f'{type(hosts).__name__}, {arguments.link}'
        return f'{where}, {arguments.hosts} x {arguments.sticks} sticks: {figures}'


def main() -> None:
    """Measure, and print the line."""
    arguments = read_arguments()
    with clean_shared_memory(), tempfile.TemporaryDirectory() as folder:
        try:
            if arguments.keep:
                arguments.keep.mkdir(parents=True, exist_ok=True)
            print(run(arguments, arguments.keep or folder))
        except (UnavailableError, AssertionError) as error:
            sys.exit(f'several_hosts: {error}')


if __name__ == '__main__':
    main()
