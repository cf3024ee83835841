# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""One soak, from the start of the node to the verdict."""

from collections.abc import Sequence
import contextlib
import faulthandler
import os
from pathlib import Path
import signal
import sys
import tempfile

from ncs_cluster_detector.checking import environment
from ncs_cluster_detector.checking.shared_memory import clean_shared_memory
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.shown_text import shown
from runner.nodes import shown_path
from runner.report import output_folder
from soaking import arguments as soak_arguments

FILES = ('ledger.json', 'timeline.png', 'soak.log')


def main(arguments: Sequence[str]) -> int:
    """
    Soak until the time is over or until SIGINT, SIGTERM or SIGHUP.

    :return: exit code: 0, or 1 when something was not ok; wrong arguments exit with 2.
    """
    faulthandler.enable()   # a crash in a native library says where it was
    sys.stdout.reconfigure(errors='replace')
    asked_to_stop = []
    for number in stop_signals():
        signal.signal(number, lambda got, _: asked_to_stop.append(signal.Signals(got).name))
    options = soak_arguments.parse(arguments)
    environment.use(environment.loopback_environment(
        os.environ, environment.claim_domain(os.getpid())))
    with contextlib.ExitStack() as stack:
        log = output_folder.open_log(
            options.out, stack, files=FILES, program=soak_arguments.PROGRAM)
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='soak-')))
        print(f'soak: {options.minutes:g} minutes, SEED={options.seed}, '
              f"ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}", flush=True)
        with clean_shared_memory():
            from soaking.conduct import Conduct   # late: ROS takes its domain from the environment
            conduct = Conduct(options, log, temporary, asked_to_stop)
            try:
                conduct.run()
            finally:
                conduct.close()
        return _conclude(conduct, arguments)


def _conclude(conduct, arguments):
    """Write the report and the verdicts; return the exit code."""
    from soaking import report
    from soaking.verdicts import verdict_line
    made, verdicts = report.make_report(conduct)
    out = conduct.options.out
    try:
        report.write(made, out)
    except OSError as error:
        print(f'soak: writing the report to {shown_path(out)} failed ({error.strerror}); make '
              'room there, or name another folder as OUT', file=sys.stderr)
    for verdict in verdicts:
        seen = f' ({verdict.seen})' if verdict.text() == 'ok' and verdict.seen else ''
        print(shown(f'   {verdict.what}: {verdict.text()}{seen}', *arguments))
    print(f'written to {shown_path(out)}: {", ".join(FILES)}')
    line = verdict_line(verdicts, conduct.ledger)
    print(shown(f'soak {line}', *arguments), flush=True)
    return int(line.startswith('FAILED'))
