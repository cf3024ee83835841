# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Turn a failed call of the mvnc API into an error with one line of text and the remedy.

In all functions ``name`` is the stick's device name, ``index`` the number of a graph, from 0, and
``error`` the API's exception.
"""

from collections.abc import Sequence
import os

from ncs_cluster_detector.sticks.stick import FirmwareMissingError
from ncs_cluster_detector.sticks.stick import GraphLoadError
from ncs_cluster_detector.sticks.stick import GraphRejectedError
from ncs_cluster_detector.sticks.stick import is_in_use
from ncs_cluster_detector.sticks.stick import NoPermissionError
from ncs_cluster_detector.sticks.stick import port_of
from ncs_cluster_detector.sticks.stick import PortNotUniqueError
from ncs_cluster_detector.sticks.stick import StickError
from ncs_cluster_detector.sticks.stick import StickInUseError
from ncs_cluster_detector.sticks.stick import StickLostError
from ncs_cluster_detector.sticks.stick import StickNotFoundError
from ncs_cluster_detector.sticks.stick import StickOpenError
from ncs_cluster_detector.sticks.system_facts import SystemFacts

# Statuses that blame the graph file. A plain ERROR is not one: it can also be a broken link.
# OUT_OF_MEMORY means that the file is larger than the stick's memory.
_BAD_FILE_STATUSES = ('UNSUPPORTED_GRAPH_FILE', 'OUT_OF_MEMORY', 'INVALID_DATA_LENGTH')
_POWER = 'plug it into a hub with its own power supply'
_COMPILE = 'compile it with the mvNCCompile of the installed NCSDK 2'


def status_name(error: Exception) -> str:
    """Return the name of the API status in an exception, else the exception's type and text."""
    status = error.args[0] if error.args else error
    return getattr(status, 'name', ' '.join(f'{type(error).__name__}: {error}'.split()))


def reason_not_to_open(wanted: str, names: Sequence[str]) -> StickError | None:
    """Return the error that forbids opening one of the listed sticks, or None."""
    same_port = [name for name in names if port_of(name) == port_of(wanted)]
    if not same_port:
        return StickNotFoundError(
            f'opening stick {wanted}: not listed, found {", ".join(names) or "no stick"}, '
            f'expected one at port {port_of(wanted)}; plug it in')
    if len(same_port) > 1:
        # The SDK would boot the first of them, whichever was meant, and then lock up.
        return PortNotUniqueError(
            f'opening stick {wanted}: {len(same_port)} sticks are listed at port '
            f'{port_of(wanted)} ({", ".join(same_port)}), expected one; they are on different USB '
            'buses, which the SDK cannot tell apart: plug one into another port')
    if is_in_use(same_port[0]):
        return StickInUseError(
            f'opening stick {wanted}: listed as {same_port[0]}, in use by another program, '
            f'expected {port_of(wanted)}- and its chip; end that program or replug the stick')
    return None


def open_failure(name: str, error: Exception, facts: SystemFacts) -> StickError:
    """Return the error for a stick that did not open, with the reason that the facts show."""
    attempt = f'opening stick {name}: {status_name(error)}, expected OK'
    port, _, chip = name.partition('-')
    if facts.sdk_folder() is None:   # no native library, so no USB either
        return StickOpenError(f'{attempt}; replug it')
    firmware = facts.missing_firmware(chip)
    if firmware is not None:
        return FirmwareMissingError(
            f'{attempt}; the firmware file {firmware} is missing: install NCSDK 2 with its '
            'firmware again')
    nodes = facts.nodes(port)
    if nodes == []:
        return StickLostError(
            f'{attempt}; it left the USB bus while it started, often because it lacks power: '
            f'{_POWER}')
    for node in nodes or ():
        if not os.path.exists(node):
            return NoPermissionError(
                f'{attempt}; {node} does not exist here: give the container all of /dev/bus/usb '
                'by bind mount')
        if not facts.is_usable(node):
            return NoPermissionError(
                f'{attempt}; no permission to read and write {node}: install the udev rules of '
                "NCSDK 2 (97-usbboot.rules, products 2150, 2485 and f63b), join group 'users', "
                'replug the stick')
    return StickOpenError(
        f'{attempt}; another program may hold it, or its power is too weak: {_POWER}')


def load_failure(name: str, index: int, size: int, error: Exception) -> GraphLoadError:
    """Return the error for a graph file of ``size`` bytes that could not be loaded."""
    status = status_name(error)
    return refused_graph(name, index, size, status, 'OK', status in _BAD_FILE_STATUSES)


def refused_graph(name: str, index: int, size: int, what: str, expected: str,
                  is_file: bool) -> GraphLoadError:
    """
    Return the error for a graph file of ``size`` bytes that a stick does not take.

    :param what: what happened.
    :param is_file: whether the file is the reason, for sure.
    """
    attempt = (f'loading graph {index} ({size} bytes) on stick {name}: {what}, expected '
               f'{expected}')
    if is_file or not size:
        return GraphRejectedError(f'{attempt}; {_COMPILE}')
    return GraphLoadError(
        f'{attempt}; if the graph file is no good, {_COMPILE}; if the stick lacks power, {_POWER}')


def unfit_input(name: str, index: int, reason: object) -> GraphRejectedError:
    """Return the error for a graph whose input (``reason``) is not a picture of 3 channels."""
    return GraphRejectedError(
        f'loading graph {index} on stick {name}: its input is {reason}, expected '
        '1x3xHEIGHTxWIDTH, one picture of three channels; compile a network with such an input')


def no_detector(name: str, index: int, shape: Sequence[int]) -> GraphRejectedError:
    """
    Return the error for a graph whose output cannot be that of an SSD network.

    :param shape: pictures, channels, height and width of its output.
    """
    return GraphRejectedError(
        f'loading graph {index} on stick {name}: its output is {"x".join(map(str, shape))}, '
        'expected that of an SSD network, rows of 7 values such as 1x1x101x7; compile an SSD '
        'network that ends with its DetectionOutput layer')


def call_failure(attempt: str, name: str, error: Exception) -> StickError:
    """
    Return the error for any other call.

    :param attempt: what was attempted, such as ``reading a result``.
    :param name: empty when the call does not concern one stick.
    """
    status = status_name(error)
    text = f'{attempt}{f" on stick {name}" if name else ""}: {status}, expected OK'
    if status == 'INVALID_DATA_LENGTH':
        return GraphRejectedError(
            f'{text}; the graph states a wrong size of its input: {_COMPILE}')
    return StickLostError(f'{text}; if it happens again, {_POWER}')
