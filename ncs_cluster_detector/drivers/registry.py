# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
The drivers there are; nothing else lists them.

To add one: write a class of :class:`Driver` in a module of this folder, make its ``make_stick``
return a class of :class:`Stick`, and give it a line in ``DRIVERS``. Choices, descriptions, start,
supervision and diagnostics follow. Parameters of its own go into the table of parameters.
"""

from typing import Dict
from typing import Type

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.drivers.mvnc import MvncDriver
from ncs_cluster_detector.drivers.simulated import SimulatedDriver

# By the value of the parameter ``driver``.
DRIVERS: Dict[str, Type[Driver]] = {
    'mvnc': MvncDriver,
    'simulated': SimulatedDriver,
}
DEFAULT = 'mvnc'
WITHOUT_HARDWARE = 'simulated'   # what to try on any machine


def driver_descriptions() -> str:
    """Return the drivers and what each is for, as a part of a parameter's description."""
    return ', '.join(f'{name} ({driver.description})' for name, driver in DRIVERS.items())


def graph_descriptions() -> str:
    """Return what a graph file is for each driver, as sentences of a parameter's description."""
    return ' '.join(f'With driver {name} {driver.graph_description}.'
                    for name, driver in DRIVERS.items())
