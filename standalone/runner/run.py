# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Runs the camera nodes and the detector node on a machine without ROS, and shows what they do."""

from collections.abc import Sequence
import contextlib
from datetime import datetime
from datetime import timezone
import faulthandler
from io import FileIO
import os
import signal
import sys
import time

from ncs_cluster_detector.checking import environment
from ncs_cluster_detector.checking.shared_memory import clean_shared_memory
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.shown_text import shown
from runner import arguments as run_arguments
from runner import node_process
from runner import nodes
from runner.names import DETECTOR
from runner.names import SIMULATED
from runner.names import STICK_SERVER
from runner.one_line_parser import refuse
from runner.report import output_folder
from runner.report import report
from runner.report import summary
from runner.state import RunState
from runner.view.live_view import Facts
from runner.view.terminal import Terminal

UP_DEADLINE_SEC = 60.0
LONGEST_WAIT_SEC = 0.1
NOTICE = 'Simulated sticks: here they heat and cool 6 times as fast as real ones.'


class Run:
    """One run, from the start of the nodes to the report."""

    def __init__(self, options: run_arguments.Options, log: FileIO | None) -> None:
        """Start all nodes; ``log`` is an unbuffered binary file for their output, or None."""
        self._options = options
        self._began = datetime.now(timezone.utc)
        self._state = RunState(time.monotonic(), options.cameras, options.hosts)
        self._recorders, self._listener = {}, None
        self._stopped_by = self._ended_at = None
        self.complaints = []
        self._nodes = []
        for name, command in nodes.node_commands(options).items():
            self._nodes.append(
                node_process.NodeProcess(name, command, dict(os.environ), log))

    def listen(self) -> None:
        """Join the ROS domain, while the nodes are still starting."""
        # Late, because importing ROS and OpenCV takes half a second.
        if self._options.out is not None:
            from runner.report.recorder import Recorder
            self._recorders = {
                camera: Recorder(self._options.out, self._options.source_fps, camera)
                for camera in self._options.cameras or ('',)}
        from runner.listener import RunListener
        self._listener = RunListener(self._state, self._recorders)

    def follow(self, terminal: Terminal, asked_to_stop: list[str]) -> None:
        """
        Show the run until its time is over, somebody stops it or a node ends by itself.

        :param asked_to_stop: signal handlers add the name of a signal.
        """
        terminal.say(f"ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']} "
                     'ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST leads to these nodes')
        while self._stopped_by is None:
            self._listener.spin(LONGEST_WAIT_SEC)
            now = time.monotonic()
            self._show_warnings(terminal)
            if terminal.due(now) and (self._listener.heard or self._state.up_at is None):
                self._listener.heard = False
                terminal.show(self._state, self._facts(now))
            self._stopped_by = self._reason_to_stop(now, asked_to_stop, terminal)
        if terminal.redraws:
            terminal.show(self._state, self._facts(time.monotonic()))
        self._ended_at = time.monotonic()

    def stop(self, terminal: Terminal) -> None:
        """Stop the nodes and leave the ROS domain; may be called at any time."""
        if self._ended_at is None:
            self._ended_at = time.monotonic()
        went_by_itself = {node.name for node in self._nodes if node.exit_code() is not None}
        # Servers last: the detector would complain that its hosts are gone.
        servers = [node for node in self._nodes if node.name.endswith(STICK_SERVER)]
        self.complaints += node_process.stop([
            node for node in self._nodes if node not in servers])
        self.complaints += node_process.stop(servers)
        self._show_warnings(terminal)
        for node in self._nodes:
            code = node.exit_code()
            # A node that is stopped while it loads its libraries may end with another code. A node
            # that had to be killed has a complaint of its own.
            if (code not in (0, -signal.SIGKILL) and self._state.up_at is not None
                    and node.name not in went_by_itself):
                self.complaints.append(f'the {node.name} node, asked to stop, ended '
                                       f'{nodes.how_it_ended(code)}; see its last lines')
                self._show_last_lines(node, terminal)
        if self._listener is not None:
            self._listener.close()

    def report(self) -> list[str]:
        """Write the report, if one was asked for; return lines that sum up the run."""
        out, written = self._options.out, []
        for recorder in self._recorders.values():
            files, complaints = recorder.close()
            written += files
            self.complaints += complaints * out.is_dir()
        made = report.make_report(self._state, self._run_facts(), self._recorders, nodes.ROOT)
        if out is not None and not out.is_dir():
            self.complaints.append(
                f'OUT={nodes.shown_path(out)}: the folder was removed during the run, so there is '
                'no report; leave it alone until a run ends')
            out = None
        if out is None:
            return summary.summary_lines(made)
        try:
            report.write_report(made, out / 'report.json')
            from runner.report.chart import draw_chart
            draw_chart(made, out / 'report.png')
        except OSError as error:
            self.complaints.append(f'writing the report to {out} failed ({error.strerror}); '
                                   'make room there, or name another folder as OUT')
        else:
            written = [out / 'report.json', out / 'report.png', *written]
        files = ', '.join(
            path.name for path in [*written, out / 'run.log'] if path.exists())
        return summary.summary_lines(made) + [
            f'written to {nodes.shown_path(out)}: {files}']

    def _reason_to_stop(self, now, asked_to_stop, terminal):
        """Return why the run is over, in words, or None."""
        for node in self._nodes:
            code = node.exit_code()
            if code is not None:
                self._show_warnings(terminal)
                self._show_last_lines(node, terminal)
                self.complaints.append(
                    f'the {node.name} node ended by itself {nodes.how_it_ended(code)} after '
                    f'{now - self._state.started_at:.1f} s, though nobody asked it to; see what '
                    'it wrote above')
                return f'the {node.name} node was gone'
        if asked_to_stop:
            return f'stopped by {asked_to_stop[0]}'
        if terminal.closed:
            return 'nobody reads its output any more'
        up_at, seconds = self._state.up_at, self._options.seconds
        if up_at is None and now - self._state.started_at > UP_DEADLINE_SEC:
            heard = ', '.join([*self._state.camera_nodes, *(
                f'host {host.name} {host.state}' for host in self._state.hosts.values()), *(
                f'stick {stick.number} {stick.state}' for stick in self._state.sticks)])
            wanted = ', '.join(node.name for node in self._nodes if node.name != DETECTOR)
            all_ = f'all {len(self._nodes)}' if len(self._nodes) > 2 else 'both'
            self.complaints.append(
                f'not {all_} nodes were up within {UP_DEADLINE_SEC:g} s (heard of: '
                f'{heard or "none"}; expected: {wanted} and a RUNNING stick); is the machine '
                'overloaded?')
            return 'the nodes were not up in time'
        if up_at is not None and seconds is not None and now - up_at >= seconds:
            return f'its {seconds:g} s were over'
        return None

    def _show_warnings(self, terminal):
        for node in self._nodes:
            while node.warnings:
                terminal.say(node.warnings.popleft())

    def _show_last_lines(self, node, terminal):
        node.wait_for_output()
        self._show_warnings(terminal)
        for line in node.last_lines:
            terminal.say(line)
        node.last_lines.clear()

    def _facts(self, now):
        since = self._state.up_at
        return Facts(nodes.source_of(self._options), now - (since or self._state.started_at),
                     self._options.seconds if since else None, now, self._options.driver)

    def _run_facts(self):
        began = self._state.up_at or self._ended_at
        video = self._options.video
        return {
            'began': self._began.isoformat(timespec='seconds'),
            'ros_domain_id': int(os.environ['ROS_DOMAIN_ID']),
            'sticks': self._options.driver,   # what drives them
            'source': nodes.source_of(self._options),
            'video': None if video is None else str(video),
            'asked_for_sec': self._options.seconds,
            'duration_sec': round(self._ended_at - began, 3),
            'stopped_by': self._stopped_by or 'an error in the runner'}


def main(arguments: Sequence[str]) -> int:
    """
    Run until the time is over or until SIGINT, SIGTERM or SIGHUP.

    :return: exit code: 0, or 1 when something went wrong; wrong arguments exit with 2.
    """
    faulthandler.enable()   # a crash in a native library says where it was
    sys.stdout.reconfigure(errors='replace')   # degrees in a terminal that knows only ASCII
    asked_to_stop = []
    # All but the first are ignored: stopping has deadlines, and make and a terminal may both pass
    # on the same Ctrl-C.
    for number in stop_signals():
        signal.signal(number, lambda got, _: asked_to_stop.append(signal.Signals(got).name))
    options = run_arguments.parse(arguments)
    missing = nodes.missing_files(options)
    if missing:
        refuse(f'there is no {nodes.shown_path(missing[0])}, which a run needs; '
               '`make setup` makes the environment')
    environment.use(nodes.environment_for(
        options, os.environ, environment.claim_domain(os.getpid())))
    with contextlib.ExitStack() as stack:
        log = None
        if options.out is not None:
            log = output_folder.open_log(options.out, stack, options.video)
        terminal = stack.enter_context(Terminal(sys.stdout, os.environ))
        with clean_shared_memory():
            run = Run(options, log)
            try:
                if options.driver == SIMULATED:
                    terminal.say(NOTICE)
                run.listen()
                run.follow(terminal, asked_to_stop)
            finally:
                run.stop(terminal)
        terminal.leave_picture()
        terminal.say('\n'.join(run.report()))
    for line in run.complaints:
        print(f'run: {shown(line, *arguments)}', file=sys.stderr)
    return 1 if run.complaints else 0
