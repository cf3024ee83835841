# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""The table of drivers, and what each of them says of itself."""

import pickle
import subprocess
import sys

from ncs_cluster_detector.drivers.mvnc import MvncDriver
from ncs_cluster_detector.drivers.registry import DEFAULT
from ncs_cluster_detector.drivers.registry import driver_descriptions
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.drivers.registry import graph_descriptions
from ncs_cluster_detector.drivers.registry import WITHOUT_HARDWARE
from ncs_cluster_detector.drivers.simulated import SimulatedDriver
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.sticks.graph_files import read_graph_and_labels
from ncs_cluster_detector.simulation.bus.bus_spec import BusSpec
from ncs_cluster_detector.simulation.bus.simulated_bus import SimulatedBus
from ncs_cluster_detector.sticks.machine_lock import MachineLock
import pytest


@pytest.mark.parametrize('name, driver', DRIVERS.items(), ids=DRIVERS)
def test_every_driver_is_described(name, driver):
    assert driver.title
    assert f'{name} ({driver.description})' in driver_descriptions()
    assert f'With driver {name} {driver.graph_description}.' in graph_descriptions()
    assert driver.no_stick_found.startswith('no stick found: ')
    assert not driver.default_graph or driver.default_graph in driver.built_in_graphs


def test_the_one_without_hardware_runs_as_it_is():
    driver = DRIVERS[WITHOUT_HARDWARE]
    assert driver.default_graph
    assert not driver.sdk_module
    assert DEFAULT in DRIVERS


def test_reading_the_tables_loads_no_opencv():
    # Launch files, the planner and the runner read them, and most of what they do needs none.
    subprocess.run([sys.executable, '-c', 'import ncs_cluster_detector.parameters.'
                    'detector_parameters, sys; sys.exit("cv2" in sys.modules)'],
                   check=True, timeout=60)


def test_only_real_sticks_are_opened_one_at_a_time_on_the_machine():
    assert isinstance(MvncDriver().lock(), MachineLock)
    assert not isinstance(SimulatedDriver(SimulatedBus(BusSpec())).lock(), MachineLock)


def test_the_options_are_the_parameters_of_its_name_and_reach_other_processes():
    driver = DRIVERS['simulated'].from_parameters(
        {'max_sticks': 9, 'simulated.sticks': 2, 'simulated.boot_ms': 7.0})
    copy = pickle.loads(pickle.dumps(driver))
    assert copy.bus.bus == BusSpec(sticks=2, boot_ms=7.0, library_faults=True)
    copy.bus.port('1.1').inject('unplug')
    assert len(driver.usb_bus().sticks()) == 1


def test_a_driver_whose_graph_fits_no_default_labels_asks_for_labels():
    class Demanding(MvncDriver):

        def read_graph(self, name):
            return b'graph'

        def label_counts(self, graph):
            return range(7, 8)

    with pytest.raises(StartupError, match=r"label_files=\[''\]: 21 labels do not fit the graph"):
        read_graph_and_labels('any', None, Demanding(), pytest.fail)
