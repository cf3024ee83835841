# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Sticks that a killed process left booted: what the vendor's library does when it meets them."""

import os
import threading
import time


def reset_leftovers(shared_bus):
    """
    Reset the sticks that are booted but in use by nobody, as the first listing of a process does.

    Before any is reset the library connects to each of them (mvnc_api.c:235), so that one that
    does not answer keeps all others from being reset. Those that somebody has claimed, or that
    this process may not open, it leaves alone (XLinkPlatform.c:348, 355). It takes ``boot_ms``,
    if there are any.
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


def claim_booted(port):
    """Return the claim of a booted stick that nobody else has, and its ``plugs``, or None."""
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


def await_answer(port):
    """
    Connect to a booted stick that the caller has claimed; does not return when it is silent.

    The library waits for the answer to its first message without a deadline (XLink.c:937), though
    it could not be sent (XLinkDispatcher.c:537), and nothing ends the wait, for a broken
    connection wakes only calls that are blocked (:273), not this one. What the stick still has for
    a process that was killed is taken for an answer to this one: it names streams that this one
    has not opened (XLink.c:137, 667), comes twice (:262), is no message at all (:216), or answers
    what was not asked (XLinkDispatcher.c:368), all of which aborts the process; or its length is
    unexpected, which ends the reading (:283) and with it the hope for an answer.
    """
    if port.state().faults.silent:
        wait_for_ever()
    if port.bus.leftovers == 'none':
        port.drop_unread()
    elif port.take_unread():
        if port.bus.leftovers == 'abort':
            os.abort()
        wait_for_ever()


def wait_for_ever():
    """Do not return."""
    while True:
        threading.Event().wait()
