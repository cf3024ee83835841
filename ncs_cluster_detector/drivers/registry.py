# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""
Lists the drivers; nothing else does.

To add one: write a subclass of :class:`Driver` in a module of this folder, let its ``make_stick``
return a subclass of :class:`Stick`, and add a line to ``DRIVERS``. Choices, descriptions, start,
supervision and diagnostics follow. Its own parameters go into the table of parameters.
"""

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.drivers.mvnc import MvncDriver
from ncs_cluster_detector.drivers.openvino import OpenVinoDriver
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.drivers.xlink import XlinkDriver

# By the value of the parameter ``driver``.
DRIVERS: dict[str, type[Driver]] = {
    'mvnc': MvncDriver,
    'xlink': XlinkDriver,
    'openvino': OpenVinoDriver,
    'simulated': SimulatedDriver,
}
DEFAULT = 'mvnc'
WITHOUT_HARDWARE = 'simulated'   # the driver to try on any machine


def driver_descriptions() -> str:
    """Return the drivers and what each is for, for the description of a parameter."""
    return ', '.join(f'{name} ({driver.description})' for name, driver in DRIVERS.items())


def graph_descriptions() -> str:
    """Return what a graph file is for each driver, for the description of a parameter."""
    return ' '.join(f'With driver {name} {driver.graph_description}.'
                    for name, driver in DRIVERS.items())
