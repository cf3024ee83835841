# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Open a stick: boot it, and connect to it or to another one in its place."""

import math
import time

from ncs_cluster_detector.mvnc.api.enums import Status
from ncs_cluster_detector.simulation.api import process_state
from ncs_cluster_detector.simulation.bus.bus_memory import Claim
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.simulation.bus.stick_port import StickPort
from ncs_cluster_detector.simulation.faults.stick_faults import StickFaults
from ncs_cluster_detector.simulation.stick import leftovers

# The vendor's library looks for the stick to boot every 100 ms for 2.1 s.
_TRIES = 21


class LostInBoot(Exception):
    """The stick has received its firmware but has not come back to the bus."""


def apply_faults(faults: StickFaults, call: str) -> None:
    """Fail with the status that a fault sets for a call, or hang."""
    if faults.hangs(call):
        leftovers.wait_for_ever()
    status = faults.status_of(call)
    if status is not None:
        raise Exception(status)


def open_stick(
        shared_bus: SimulatedBus, port: StickPort, name: str) -> tuple[StickPort, Claim, int]:
    """
    Boot a stick and connect to it, or to another one when it does not come back in time.

    :param name: its name when it was listed.
    :return: port, claim and ``plugs`` of the connected stick.
    :raises Exception: status ERROR (it is in use or gone), or the one set by a fault.
    :raises LostInBoot: neither the stick nor another one could be connected.
    """
    apply_faults(port.state().faults, 'open')
    if name.endswith('-'):   # the library has no firmware for a stick without a chip
        raise Exception(Status.ERROR)
    claim, plugs = _claim_in_rom(port)
    try:
        process_state.count_connection(port.bus)
        if _boot(port, plugs):
            # For one that was set meanwhile; the stick stays booted then.
            apply_faults(port.state().faults, 'open')
            leftovers.await_answer(port)
            return port, claim, plugs
    except BaseException as error:
        if not isinstance(error, Exception):   # the program is interrupted meanwhile
            port.reset(plugs, 0.0)
        claim.close()
        raise
    claim.close()
    try:
        return _connect_to_any(shared_bus)
    finally:
        if math.isinf(port.look()[1].visible_at):   # it was lost for good
            port.reset(plugs, 0.0)


def _claim_in_rom(port):
    """
    Claim the stick in ROM state, in several tries; return the claim and ``plugs``.

    :raises Exception: status ERROR: no stick there is free and accepts its firmware.
    """
    for _ in range(_TRIES):
        state = port.state()
        # usb_boot.c:349 opens it, :469 gives up after 2 s when it accepts no data.
        usable = port.in_rom() and not (state.faults.no_access or state.faults.nak)
        claim = port.claim(state.plugs) if usable else None
        if claim is not None:
            if port.in_rom():
                return claim, state.plugs
            claim.close()
        time.sleep(port.bus.failed_open_sec / _TRIES)
    raise Exception(Status.ERROR)


def _boot(port, plugs):
    """Boot a stick; return whether it is back within ``lost_boot_sec`` and may be opened."""
    give_up_at = time.monotonic() + port.bus.lost_boot_sec
    port.boot(plugs)
    _sleep_until(min(port.look()[1].visible_at, give_up_at))
    if port.holds(plugs) and port.has_booted():
        return not port.state().faults.no_access
    _sleep_until(give_up_at)
    return False


def _connect_to_any(shared_bus):
    """
    Connect to the first booted stick that nobody has claimed, as mvnc_api.c:542-561 does.

    The library expects its own stick under another name, but does not check more. For each stick
    in ROM state it waits as long as for its own (XLinkPlatform.c:325).

    :raises LostInBoot: there is none.
    """
    index = 0
    while True:
        # Listed again for each: XLinkGetDeviceName indexes the list of the moment.
        ports = [port for port in shared_bus.ports() if port.is_visible()]
        if index >= len(ports):
            raise LostInBoot('no booted stick is unclaimed')
        port = ports[index]
        if port.in_rom():
            time.sleep(port.bus.lost_boot_sec)
        claimed = leftovers.claim_booted(port)
        if claimed is not None:
            leftovers.await_answer(port)
            return port, *claimed
        index += 1


def _sleep_until(deadline):
    time.sleep(max(0.0, deadline - time.monotonic()))
