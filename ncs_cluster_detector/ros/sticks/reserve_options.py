# Copyright 2026 ncs_cluster_detector contributors
# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except
# in compliance with the License. You may obtain a copy of the License at
# http://www.apache.org/licenses/LICENSE-2.0
# Unless required by applicable law or agreed to in writing, software distributed under the License
# is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express
# or implied. See the License for the specific language governing permissions and limitations under
# the License.
"""Turns parameter values into the options of the reserve; one place knows what they mean."""

from collections.abc import Callable

from ncs_cluster_detector.drivers.driver import Driver
from ncs_cluster_detector.drivers.registry import DRIVERS
from ncs_cluster_detector.ros.parameters import StartupError
from ncs_cluster_detector.ros.parameters import Values
from ncs_cluster_detector.ros.sticks.graph_files import read_graph_and_labels
from ncs_cluster_detector.ros.sticks.pool_options import input_format_of
from ncs_cluster_detector.sticks.stick import SdkMissingError
from ncs_cluster_detector.supervision.supervisor_options import ReserveOptions
from ncs_cluster_detector.wire.graph_files import GraphFiles
from ncs_cluster_detector.wire.messages import WorkerConfig


def check_reserve(values: Values) -> None:
    """
    Check the parameter ``reserve``: empty, or ``<driver>:<device>`` of a driver that can be one.

    :raises ValueError: one line ``name=value: rule (related current values); what to do``.
    """
    _split(values)
    if not values['reserve'] and values['reserve_warm']:
        raise ValueError("reserve_warm=True: there is no reserve to load (reserve=''); name one, "
                         'or leave this out')
    if not values['reserve'] and (names := _given(values)):
        raise ValueError(
            f"reserve_graph_paths={names}: there is no reserve to run them (reserve=''); name "
            'one, or leave the networks out')


def reserve_options_of(values: Values,
                       warn: Callable[[str], object] = lambda text: None) -> ReserveOptions | None:
    """
    Return the ReserveOptions in the values of the parameters, None without a reserve.

    :param warn: called with one line about each likely mistake in the networks.
    :raises StartupError: the reserve cannot be used, or a network is missing or invalid.
    """
    try:
        check_reserve(values)
        chosen = _split(values)
        return None if chosen is None else ReserveOptions(
            _workers_of(values, *chosen, warn), values['reserve_warm'])
    except SdkMissingError as error:
        raise StartupError(f"reserve={values['reserve']}: {error}") from error.__cause__
    except ValueError as error:
        raise StartupError(str(error)) from None


def _split(values: Values) -> tuple[str, str] | None:
    """Return the names of the reserve's driver and device, or None without a reserve."""
    if not values['reserve']:
        return None
    name, _, device = values['reserve'].partition(':')
    if name not in DRIVERS or device not in DRIVERS[name].reserve_devices:
        possible = [f'{name}:{device}' for name, driver in DRIVERS.items()
                    for device in driver.reserve_devices]
        raise ValueError(
            f"reserve={values['reserve']}: must be one of {', '.join(possible) or 'none here'}; "
            'start the node with such a value, or without a reserve')
    return name, device


def _given(values: Values) -> list[str]:
    return [name for name in values['reserve_graph_paths'] if name]


def _workers_of(values: Values, name: str, device: str,
                warn: Callable[[str], object]) -> WorkerConfig:
    driver_class = DRIVERS[name]
    driver_class.check_installed()
    driver = _driver_of(driver_class, values, name, device)
    names = _given(values) or [driver.default_graph]
    if not names[0]:
        raise ValueError(
            f"reserve_graph_paths={values['reserve_graph_paths']}: a network must be named for "
            f"the reserve (reserve={values['reserve']}); start with -p "
            "reserve_graph_paths:=\"['/path/to/network']\", or without a reserve")
    graphs, labels = zip(*(read_graph_and_labels(
        graph, None, driver, warn, 'reserve_graph_paths') for graph in names))
    return WorkerConfig(driver, GraphFiles(graphs), labels, input_format_of(values))


def _driver_of(driver_class: type[Driver], values: Values, name: str, device: str) -> Driver:
    """Return the driver for one device; a driver with devices has a parameter that lists them."""
    return driver_class.from_parameters(values | {f'{name}.devices': [device]})
