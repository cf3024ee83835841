# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Do what the vendor's library does with sticks that a killed process left booted."""

import os
import threading
import time
from typing import NoReturn

from ncs_cluster_detector.simulation.bus.bus_memory import Claim
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.bus.stick_port import StickPort


def reset_leftovers(shared_bus: SimulatedBus) -> None:
    """
    Reset all booted sticks that nobody uses, as the first listing of a process does.

    The library connects to each of them before it resets any (mvnc_api.c:235), so a stick that
    does not answer blocks the reset of all. It leaves sticks alone that are claimed, or that this
    process may not open (XLinkPlatform.c:348, 355). This takes ``boot_ms``, if there are any.
    """
    found = []
    for port in shared_bus.ports():
        claimed = claim_booted(port)
        if claimed is not None:
            await_answer(port)
            found.append((port, *claimed))
    for port, claim, plugs in found:
        port.reset(plugs, shared_bus.bus.open_sec)
        claim.close()
    if found:
        time.sleep(shared_bus.bus.open_sec)


def claim_booted(port: StickPort) -> tuple[Claim, int] | None:
    """Claim a booted stick; return the claim and ``plugs``, or None if that is not possible."""
    if not port.has_booted():
        return None
    state = port.state()
    claim = None if state.faults.no_access else port.claim(state.plugs)
    if claim is None:
        return None
    if not port.has_booted():   # reset by another process just before it was claimed
        claim.close()
        return None
    port.note_holder()
    return claim, state.plugs


def await_answer(port: StickPort) -> None:
    """
    Connect to a booted stick that the caller has claimed; never return when it is silent.

    The library waits for the answer to its first message without a deadline (XLink.c:937), even
    when the message could not be sent (XLinkDispatcher.c:537). A broken connection does not end
    the wait: it wakes only blocked calls (:273), and this is not one. The library takes messages
    that the stick still has for a killed process for answers to this one. One that names streams
    that this process has not opened (XLink.c:137, 667), comes twice (:262), is not a message
    (:216), or answers no request (XLinkDispatcher.c:368) aborts the process. One of unexpected
    length ends the reading (:283), so no answer can come any more.
    """
    if port.state().faults.silent:
        wait_for_ever()
    if port.bus.leftovers == 'none':
        port.drop_unread()
    elif port.take_unread():
        if port.bus.leftovers == 'abort':
            os.abort()
        wait_for_ever()


def wait_for_ever() -> NoReturn:
    """Never return."""
    while True:
        threading.Event().wait()
