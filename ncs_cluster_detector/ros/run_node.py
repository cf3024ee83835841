# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Runs a node, whose own threads publish, until a signal asks it to stop."""

from collections.abc import Callable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
import os
import signal
import socket
import sys
import threading
import traceback
from typing import Any

from ncs_cluster_detector.processes.freed_memory import give_back_loading
from ncs_cluster_detector.processes.process_start import stop_signals
from ncs_cluster_detector.ros.command_line import in_one_line
from ncs_cluster_detector.ros.command_line import init_ros
from ncs_cluster_detector.ros.command_line import reason_of
from ncs_cluster_detector.ros.malloc_tuning import keep_freed_memory
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.shown_text import printable
from ncs_cluster_detector.shown_text import shown
from ncs_cluster_detector.shown_text import without_secrets
import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation

RCLError = rclpy_implementation.RCLError


def run_node(name: str, make_node: Callable[[], Any], args: Sequence[str] | None = None,
             notes: Sequence[str] = ()) -> int:
    """
    Run a node until SIGINT, SIGTERM or SIGHUP; call this once, from the main thread.

    :param name: name under which a start-up error is logged.
    :param make_node: returns the node, or raises StartupError; the node has a method ``stop``
        that ends its threads and returns False if one of them hangs.
    :param args: command line, None for that of the process.
    :param notes: lines to log first, about what was chosen before ROS was loaded.
    :return: the exit code: 0, 2 for a start-up error, or 1 for any other, with its traceback.
    """
    # Python writes a byte for each signal, which waits until it is read. An Event set by a handler
    # would not work: the interrupted code may hold its lock, and a signal just before the wait
    # would go unnoticed. rclpy's own handlers would shut its context down while threads publish.
    requests, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    stopping = stop_signals()
    for number in stopping:
        signal.signal(number, lambda *_: None)
    keep_freed_memory()
    stopped = True
    words = sys.argv if args is None else args   # an error may quote them
    try:
        init_ros(name, args)
        for note in notes:
            rclpy.logging.get_logger(name).info(shown(note))
        node = _make(make_node)
        give_back_loading()
        try:
            _spin_until_requested(node, requests, wakeup)
        finally:
            stopped = node.stop()
            node.destroy_node()
    except StartupError as error:
        logger = rclpy.logging.get_logger(name)
        logger.debug(printable(without_secrets(traceback.format_exc(), *words)))
        logger.fatal(shown(error, *words))
        return 2
    except (KeyboardInterrupt, ExternalShutdownException):
        return 0
    except Exception:
        print(printable(without_secrets(traceback.format_exc(), *words)), file=sys.stderr, end='')
        return 1
    finally:
        for number in stopping:
            signal.signal(number, signal.SIG_IGN)   # a second Ctrl-C changes nothing any more
        signal.set_wakeup_fd(-1)
        for end in (requests, wakeup):
            end.close()
        rclpy.try_shutdown()
    if not stopped:
        os._exit(0)   # a normal exit could crash on a thread that hangs inside a driver
    return 0


def _make(make_node):
    """Return the node; what ROS refuses is a name or in the environment, not a parameter."""
    try:
        return make_node()
    except NameValidationException as error:
        raise StartupError(
            f'-r: {reason_of(error)}; correct the name that is given in its place') from None
    except RCLError as error:
        raise StartupError(
            f'starting the node in ROS_DOMAIN_ID={os.environ.get("ROS_DOMAIN_ID") or 0} failed: '
            f'{in_one_line(error)}; see the lines above, and check the names given with -r and '
            'the transport profile (FASTRTPS_DEFAULT_PROFILES_FILE)') from None


def _spin_until_requested(node, requests, wakeup):
    """Run the node's callbacks in a thread of their own until a byte comes."""
    stop = threading.Event()
    wake = node.create_guard_condition(lambda: None)
    with SingleThreadedExecutor() as executor, ThreadPoolExecutor(1, 'spin') as pool:
        executor.add_node(node)

        def spin():
            while not stop.is_set():
                executor.spin_once()

        spinning = pool.submit(spin)
        spinning.add_done_callback(lambda _: wakeup.send(b'.'))   # it may fail before a signal
        try:
            requests.recv(1)
        finally:   # whatever ends the wait: leaving the pool waits for the thread
            stop.set()
            wake.trigger()
        spinning.result()
