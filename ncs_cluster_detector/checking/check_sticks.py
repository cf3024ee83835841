# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The command ``check_sticks``: run all steps and write the report."""

from collections.abc import Sequence
import contextlib
from datetime import datetime
import hashlib
from pathlib import Path
import signal
import sys
import tempfile
import time
import traceback

from ncs_cluster_detector.checking import shared_memory
from ncs_cluster_detector.checking import verdicts
from ncs_cluster_detector.checking.arguments import Options
from ncs_cluster_detector.checking.arguments import parse
from ncs_cluster_detector.checking.arguments import PROGRAM
from ncs_cluster_detector.checking.bench import Bench
from ncs_cluster_detector.checking.bench import NodeEndedError
from ncs_cluster_detector.checking.bench import StoppedError
from ncs_cluster_detector.checking.environment import CannotRunError
from ncs_cluster_detector.checking.environment import check_environment
from ncs_cluster_detector.checking.environment import use_own_domain
from ncs_cluster_detector.checking.facts.firmware_facts import firmware_facts
from ncs_cluster_detector.checking.facts.firmware_facts import usb_library_facts
from ncs_cluster_detector.checking.facts.machine_facts import machine_facts
from ncs_cluster_detector.checking.facts.sdk_facts import MODULE
from ncs_cluster_detector.checking.facts.sdk_facts import sdk_environment
from ncs_cluster_detector.checking.facts.sdk_facts import sdk_facts
from ncs_cluster_detector.checking.facts.usb_tree import usb_tree
from ncs_cluster_detector.checking.reporting.report import make_report
from ncs_cluster_detector.checking.reporting.report import write_report
from ncs_cluster_detector.checking.reporting.report import write_temperatures
from ncs_cluster_detector.checking.reporting.summary import result_line
from ncs_cluster_detector.checking.reporting.summary import summary_lines
from ncs_cluster_detector.checking.steps import kill_steps
from ncs_cluster_detector.checking.steps import start_steps
from ncs_cluster_detector.checking.steps.hands_step import hands_step
from ncs_cluster_detector.checking.steps.heat_step import heat_step
from ncs_cluster_detector.checking.terminal import Terminal
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.processes.process_start import as_command
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.shown_text import shown

STARTUP_ERROR = 2   # the node's exit code
REPORT_FILES = ('report.txt', 'report.json', 'temperatures.csv', 'node.log')
# How long a step waits if no stick runs when it begins.
COMES_BACK_SEC = 20.0
# (name, what is done, function); the end of the node follows in any case.
STEPS = (
    ('start', 'the node starts, and its sticks', start_steps.start_step),
    ('rates', 'rates of one, two, ... sticks', start_steps.rates_step),
    ('kill a worker', 'workers are killed while they infer', kill_steps.worker_step),
    ('kill the node', 'the node is killed and started again', kill_steps.node_step),
    ('heat', 'all sticks at full load, then rest', heat_step),
    ('unplug', 'a stick is pulled out and plugged in again', hands_step))


class Check:
    """One check, from the facts to the report."""

    def __init__(self, options: Options, terminal: Terminal, asked_to_stop: list[str]) -> None:
        """Prepare; the names of signals are added to ``asked_to_stop``."""
        self._options, self._terminal, self._asked_to_stop = options, terminal, asked_to_stop
        self._began = datetime.now().astimezone()
        began = time.monotonic()
        self._clock = lambda: time.monotonic() - began
        self._ended = 'at its end'

    def run(self) -> int:
        """Check, and write the report; return the exit code."""
        out, complaint = self._options.out, None
        with contextlib.ExitStack() as stack:
            log = stack.enter_context(_open_log(out))
            use_own_domain()
            environment = self._look_around(stack)
            # Imported here: ROS takes its domain from the environment.
            try:
                from ncs_cluster_detector.checking.observer import Observer
            except ImportError as error:
                raise CannotRunError(f'{error}; source the set-up of ROS 2 and of the workspace '
                                     'first, or use make check-sticks') from None
            observer = Observer(self._clock)
            bench = Bench(self._options, self._clock, observer, self._terminal, log, environment)
            stack.callback(lambda: shared_memory.remove_unused({
                name for name in shared_memory.shared_memory_names()
                if shared_memory.segment_of(name) in bench.shared_memory}))
            stack.callback(observer.close)   # runs before the callback above
            bench.asked_to_stop = self._asked_to_stop
            try:
                self._take_steps(bench)
            except CannotRunError as error:
                complaint = str(error)
                bench.add(verdicts.failed('start', 'a stick runs', complaint))
                self._ended = 'it could not run'
            finally:
                self._end(bench)
            report = self._write(bench)
        self._terminal.say('\n' + '\n'.join(summary_lines(report)))
        self._terminal.say(f'\nwritten to {out}: {", ".join(REPORT_FILES)}. Please send all of '
                           f'them in.\n{result_line(report)}')
        if complaint is not None:
            raise CannotRunError(complaint)
        return verdicts.exit_code(bench.verdicts, self._ended != 'at its end')

    def _look_around(self, stack):
        """Collect the facts; return the environment in which the node finds the SDK."""
        self._say(0, 'facts of this machine')
        driver, environment, facts = DRIVERS[self._options.driver], {}, {'sdk': None}
        if driver.sdk_module == MODULE:
            links = stack.enter_context(tempfile.TemporaryDirectory())
            environment = sdk_environment(self._options.sdk, links)
            facts['sdk'] = sdk_facts(environment)
        if driver.sends_firmware:
            facts['firmware'] = firmware_facts(self._options.parameters)
            facts['usb_library'] = usb_library_facts()
        self._facts = {**facts, 'machine': machine_facts(), 'usb': usb_tree()}
        return environment

    def _take_steps(self, bench):
        names = [name for name, _, _ in STEPS]
        for index, (name, what, step) in enumerate(STEPS):
            self._say(index + 1, what)
            try:
                if index and not bench.wait(bench.running, COMES_BACK_SEC):
                    bench.add(verdicts.failed(name, 'a stick runs', 'none', 'at least one'))
                    continue
                step(bench)
            except (StoppedError, NodeEndedError) as error:
                by_itself = isinstance(error, NodeEndedError)
                if by_itself and bench.node.exit_code() == STARTUP_ERROR:
                    raise CannotRunError(bench.node.last_words()) from None
                self._ended = 'the node ended by itself' if by_itself else f'stopped by {error}'
                if by_itself:
                    bench.add(verdicts.failed(name, 'the node runs', str(error), 'no end'))
                for left in names[index + by_itself:]:
                    bench.add(verdicts.skipped(
                        left, what if left == name else 'all of it', self._ended))
                return
            except CannotRunError:
                raise
            except Exception as error:   # a bug in one step must not stop the other steps
                bench.figures.setdefault(name, {})['traceback'] = traceback.format_exc()
                bench.add(verdicts.failed(name, 'the check itself', f'{type(error).__name__}: '
                                          f'{error}', 'no error; please send it in'))

    def _end(self, bench):
        if bench.node is None:
            return
        if bench.node.exit_code() is None:
            self._say(len(STEPS) + 1, 'the node is stopped cleanly')
            kill_steps.end_step(bench)
        bench.node.end_by_force()

    def _write(self, bench):
        history, out = bench.history, self._options.out
        for verdict in verdicts.judge_replug_needed(history.reports):
            bench.add(verdict)
        report = make_report(self._run_facts(history), self._facts, bench.verdicts, bench.figures)
        try:
            write_report(report, out / 'report.json')
            write_temperatures(history.reports, out / 'temperatures.csv')
            text = '\n'.join(summary_lines(report)) + '\n'
            (out / 'report.txt').write_text(text, encoding='utf-8')
        except OSError as error:
            raise CannotRunError(f'writing the report to {out} failed ({error.strerror}); make '
                                 'room there, or name another folder with --out') from None
        return report

    def _run_facts(self, history):
        options, sticks = self._options, history.newest_sticks()
        return {
            'began': self._began.strftime('%Y-%m-%d %H:%M'),
            'duration_sec': round(self._clock(), 1),
            'ended': self._ended,
            'driver': options.driver,
            'graph': _graph_facts(
                options.graph or Path(DRIVERS[options.driver].default_graph)),
            'quick': options.quick,
            'minutes_of_heat': options.minutes_of_heat,
            'parameters': list(options.parameters),
            'sticks': [{'stick': stick.number, 'port': stick.port,
                        'device_name': stick.device_name} for stick in sticks]}

    def _say(self, number, what):
        self._terminal.say(f'[{number}/{len(STEPS) + 1}] {what}')


def _open_log(out):
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in REPORT_FILES:   # nobody must take an earlier check's files for this one's
            (out / name).unlink(missing_ok=True)
        return (out / 'node.log').open('wb', buffering=0)
    except OSError as error:
        raise CannotRunError(f'--out {out}: {error.strerror}; name another folder') from None


def _graph_facts(graph):
    if not graph.is_file():
        return {'name': str(graph)}
    data = graph.read_bytes()
    return {'name': graph.name, 'bytes': len(data), 'sha256': hashlib.sha256(data).hexdigest()}


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run the command line.

    :param arguments: list of words, by default those of the process.
    :return: the exit code: 0, 1 when something was not ok, 2 with one line when it could not run.
    """
    sys.stdout.reconfigure(errors='replace')   # the degree sign in an ASCII terminal
    asked_to_stop = []
    # Only the first one counts: the steps have deadlines, and make and a terminal may both pass
    # the same Ctrl-C on.
    for number in stop_signals():
        signal.signal(number, lambda got, _: asked_to_stop.append(signal.Signals(got).name))
    try:
        options = parse(arguments)
        check_environment()
        return Check(options, Terminal(sys.stdout, sys.stdin), asked_to_stop).run()
    except CannotRunError as error:
        print(f'{PROGRAM}: {shown(error, *sys.argv)}', file=sys.stderr)
        return 2


if __name__ == '__main__':
    sys.exit(main())
