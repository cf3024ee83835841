# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""A list of the device names of all sticks of a machine: its order, and what is wrong with it."""

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
import re

from ncs_cluster_detector.sticks.stick import port_of


def complaint_about(device_names: Sequence[str], any_known: bool,
                    may_be_away: bool = False) -> str | None:
    """
    Return what is wrong with a list of sticks, or None.

    :param any_known: a stick is shown, whether or not it is in the list.
    :param may_be_away: if there is none, sticks may be away only for a boot or a reset.
    """
    device_names = sorted(device_names, key=by_port)   # the same in the next list, to say it once
    twice = [name for name, count in Counter(map(port_of, device_names)).items() if count > 1]
    if twice:
        return (f'several sticks are called {", ".join(twice)}, at different root hubs, and '
                'cannot be told apart: none of them is used; plug all sticks into one hub')
    if device_names and not any_known:
        return (f'no free stick found, {len(device_names)} in use by other programs '
                f'({", ".join(device_names)}); waiting for one')
    if not device_names and not may_be_away:
        return ('no stick found; waiting for one: is it plugged in (lsusb shows 03e7), is its '
                'udev rule installed, is the hub powered?')
    return None


def title_of(number: int, device_name: str) -> str:
    """Return how the log names a stick, or the reserve, whose numbers are below 0."""
    return f'reserve ({device_name})' if number < 0 else f'stick {number} ({device_name})'


@lru_cache(maxsize=256)   # the same names come every second
def by_port(device_name: str) -> tuple[list[int], str]:
    """Return a sorting key by which port 1.10 follows port 1.9."""
    return [int(part) for part in re.findall(r'\d+', port_of(device_name))], device_name
