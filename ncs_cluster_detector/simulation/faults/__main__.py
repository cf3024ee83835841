# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Do something to a simulated stick of a running program: unplug it, let it hang, heat it ...

Run without arguments it lists the simulated sticks of this user's programs.
"""

import argparse
from collections.abc import Sequence
import sys

from ncs_cluster_detector.processes.process_start import as_command
from ncs_cluster_detector.simulation.bus.running_buses import running_buses
from ncs_cluster_detector.simulation.bus.running_buses import RunningBus
from ncs_cluster_detector.simulation.faults import fault_words

PROGRAM = 'python -m ncs_cluster_detector.simulation.faults'
_WIDTH = max(map(len, fault_words.FAULTS)) + 2


class _Parser(argparse.ArgumentParser):

    def error(self, message):
        """Complain in one line, without the long usage."""
        self.exit(2, f'{PROGRAM}: {message}; see --help\n')


@as_command
def main(arguments: Sequence[str] | None = None) -> None:
    """
    Run the command line.

    :raises SystemExit: with code 2 and one line of text: what is wrong, and what to do.
    """
    options = _parser().parse_args(arguments)
    try:
        buses = running_buses(options.pid)
        if options.port is None:
            for running in buses:
                print(describe(running, whose=_whose(running, buses)))
            return
        if options.fault is None:
            raise ValueError(f"'{options.port}': no fault is given; "
                             f'name one of {fault_words.NAMES}')
        if len(buses) > 1:
            which = {f'--pid {running.pid} is {_whose(running, buses)}': None
                     for running in buses}
            raise ValueError(f'{len(buses)} simulated buses run: choose one ({", ".join(which)}); '
                             'without arguments this lists them with their programs')
        buses[0].shared_bus.inject(options.port, options.fault, *options.arguments)
    except BrokenPipeError:
        raise   # nobody reads the list any more
    except (OSError, ValueError) as error:
        sys.exit(_refusal(error))


def describe(running: RunningBus, whose: str = '') -> str:
    """
    Return a bus as lines of text: its program, and its ports with state, temperature and faults.

    :param whose: when there are several buses, whose this one is; its ports get their ``--pid``.
    """
    lines = [f'pid {running.pid}{whose and f", {whose}"}: {running.program}']
    choice = f'--pid {running.pid} ' if whose else ''
    for port in running.shared_bus.ports():
        state = port.state()
        if state.plugs:
            celsius = f'{port.celsius():.1f} C' if state.plugged else ''
            line = f'  {choice}{port.path:<5} {_what_it_does(port, state):<18} {celsius:>8}'
            lines.append(f'{line}  {state.faults}'.rstrip())
    if len(lines) == 1:
        lines.append('  no sticks')
    return '\n'.join(lines)


def _whose(running, buses):
    """Return in words which of several buses this one is; empty when it is the only one."""
    if len(buses) == 1:
        return ''
    newest = 'the newest' if running.pid == buses[0].pid else 'another program'
    domain = running.ros_domain_id
    return f'{newest} (ROS_DOMAIN_ID={domain})' if domain else newest


def _what_it_does(port, state):
    holder = port.holder()
    if not state.plugged:
        return 'unplugged'
    if not port.is_visible():
        return 'starting' if holder else 'resetting'
    if port.in_rom():
        return 'free'
    return f'open in {holder}' if holder else 'left booted'


def _parser():
    faults = '\n'.join(f'  {words:<{_WIDTH}}{meaning}'
                       for words, meaning in fault_words.FAULTS.items())
    parser = _Parser(
        prog=PROGRAM, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description='Do something to a simulated stick of a program that runs; without PORT, '
                    'list its sticks.',
        epilog=f'faults:\n{faults}\n\n'
               f'CALL: {", ".join(fault_words.CALLS)}\nKIND: {", ".join(fault_words.GARBAGE)}\n'
               'STATUS: a status of the mvnc API, such as ERROR\n\n'
               'example: 1.3 hang read')
    parser.add_argument('port', metavar='PORT', nargs='?',
                        help='USB port of the stick, such as 1.3 (not the number that the '
                             'detector node gives it)')
    parser.add_argument('fault', metavar='FAULT', nargs='?', help='what to do, see below')
    parser.add_argument('arguments', metavar='ARGUMENT', nargs='*', help='of the fault')
    parser.add_argument('--pid', type=int, help='process that uses the sticks, when there are '
                        'several')
    return parser


def _refusal(error):
    text = str(error)
    if isinstance(error, OSError):
        text = error.strerror if error.filename is None else (
            f'{error.strerror} ({error.filename}); has the program just ended? Try again')
    print(f'{PROGRAM}: {text}', file=sys.stderr)
    return 2


if __name__ == '__main__':
    main()
